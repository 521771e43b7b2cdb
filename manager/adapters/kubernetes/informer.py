"""Keep a cache equal to what an API server holds: list, then watch, then list again.

Level-triggered: an event only updates the cache. Whatever a watch skipped or invented is
mended by the next list, which comes after a 410, after an ERROR event, and every
*relist_s* anyway. An idle watch costs nothing but a reconnect every few minutes.
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, aclosing, suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from manager.adapters.kubernetes.cache import Cache, Listed
from manager.adapters.kubernetes.client import CRDS, Kind, Refused
from manager.adapters.kubernetes.fields import Json
from manager.adapters.kubernetes.pages import GONE, PAGE, Lister, pages
from pointsman.runtime.answer import Garbled
from pointsman.runtime.loop import exponential
from pointsman.runtime.target import Unavailable

log = logging.getLogger(__name__)


class Source(Lister, Protocol):
    """What an informer needs of an API server."""

    def watch(
        self, kind: Kind, params: Mapping[str, str], *, version: str, timeout_s: int
    ) -> AbstractAsyncContextManager[AsyncIterator[Json]]: ...

    async def get(self, kind: Kind, namespace: str, name: str) -> Json: ...


class _Relist(Exception):
    """The watch cannot go on from where it was."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How an informer spends time, in seconds. Waits are jittered down to half."""

    page: int = PAGE  # objects per page of a list
    watch_s: int = 240  # a watch is ended by the server after this and a bit
    relist_s: float = 900.0
    first_delay_s: float = 0.25
    longest_delay_s: float = 10.0


@dataclass(slots=True)
class Informer:
    """Runs one cache. *crd* names the CustomResourceDefinition that the kind hangs on."""

    source: Source
    kind: Kind
    cache: Cache[Any, Any]
    rng: random.Random
    crd: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    pace: Pace = field(default_factory=Pace)
    confirmed: Callable[[], None] = lambda: None  # called when a list that was asked for is read
    _asked: int = 0
    _answered: int = 0
    _following: asyncio.Timeout | None = None
    version: int = 0  # the newest that was listed or heard of; 0: none, or no number
    _heard_at: float | None = None  # when the server last said anything of this kind
    _listed_at: float | None = None  # when a list was last read to its end
    _highest: int = 0  # version that was ever seen

    @property
    def silent_s(self) -> float | None:
        """Return how long ago the server said anything of this kind; None: it never did."""
        now = asyncio.get_running_loop().time()
        return None if self._heard_at is None else now - self._heard_at

    @property
    def listed_s(self) -> float | None:
        """Return how long ago a list was last read; None: never."""
        now = asyncio.get_running_loop().time()
        return None if self._listed_at is None else now - self._listed_at

    @property
    def went_back(self) -> bool:
        """Return whether its versions are lower than some that were seen: a store put back."""
        return self.version < self._highest

    def doubt(self) -> None:
        """List again now: a watch may be late by as long as its connection takes to die."""
        self._asked += 1
        if self._following is not None:
            self._following.reschedule(asyncio.get_running_loop().time())
            self._following = None

    @property
    def certain(self) -> bool:
        """Return whether a list begun after the last doubt was read."""
        return self._answered == self._asked

    async def run(self) -> None:
        """Run until cancelled."""
        now = asyncio.get_running_loop().time
        delays = exponential(self.pace.first_delay_s, self.pace.longest_delay_s)
        while True:
            began = now()
            try:
                version = await self._list()
                if self.certain:
                    await self._follow_until_doubt(version)
            except _Relist as reason:
                log.debug("%s: listing again: %s", self.kind.plural, reason)
            except Refused as error:
                self.cache.lost(_cannot_be_read(self.kind, error))
            except Unavailable as error:
                self.cache.lost(f"{self.kind.plural}: {error}")
            if now() - began > self.pace.longest_delay_s:  # it worked for a while
                delays = exponential(self.pace.first_delay_s, self.pace.longest_delay_s)
            await asyncio.sleep(self._jittered(next(delays)))

    async def _list(self) -> str:
        """Fill the cache; return the resourceVersion from which to watch."""
        asked = self._asked
        begun_at, found, version = self.cache.writes, list[Listed[Any]](), ""
        async for page in pages(self.source, self.kind, self.params, limit=self.pace.page):
            found += map(self.cache.read, page.get("items") or ())
            version = str((page.get("metadata") or {}).get("resourceVersion") or "")
        self._heard_at = self._listed_at = asyncio.get_running_loop().time()
        self.version = int(version) if version.isdecimal() else 0
        self._highest = max(self._highest, self.version)
        if self.cache.lacks(found):
            await self._check_crd()
        self.cache.replace_all(found, version, begun_at=begun_at)
        before, self._answered = self._answered, asked
        if before != asked and self.certain:
            self.confirmed()
        return version

    async def _follow_until_doubt(self, version: str) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(None) as self._following:
                try:
                    await self._follow(version)
                finally:
                    self._following = None

    async def _follow(self, version: str) -> None:
        """Watch from *version* on, reconnecting, until it is time for a list."""
        now = asyncio.get_running_loop().time
        until = now() + self.pace.relist_s * self.rng.uniform(1.0, 1.2)
        delays = exponential(self.pace.first_delay_s, self.pace.longest_delay_s)
        while now() < until:
            began, before = now(), version
            try:
                version = await self._watch_once(version)
            except Unavailable as error:
                self.cache.lost(f"{self.kind.plural}: {error}")
            except Refused as error:
                if error.code == GONE:
                    raise _Relist(str(error)) from error
                raise
            if version != before or now() - began > self.pace.longest_delay_s:
                delays = exponential(self.pace.first_delay_s, self.pace.longest_delay_s)
            await asyncio.sleep(self._jittered(next(delays)))

    async def _watch_once(self, version: str) -> str:
        """Apply one watch's events; return the resourceVersion to go on from."""
        timeout_s = int(self.pace.watch_s * self.rng.uniform(1.0, 1.25))
        seen, accepted = version, False
        try:
            async with self.source.watch(
                self.kind, self.params, version=version, timeout_s=timeout_s
            ) as events:
                accepted, self._heard_at = True, asyncio.get_running_loop().time()
                self.cache.found()
                async with aclosing(events) as stream:  # type: ignore[type-var]
                    async for event in stream:
                        seen = await self._apply(event) or seen
        except Garbled as error:  # what that line was about, a list will show
            self.cache.lost(f"{self.kind.plural}: {error}")
            raise _Relist(str(error)) from error
        except Unavailable:
            if not accepted:
                raise
            log.debug("%s: the watch broke off", self.kind.plural)  # it happens; go on
        return seen

    async def _apply(self, event: Json) -> str:
        """Update the cache; return the event's resourceVersion."""
        self._heard_at = asyncio.get_running_loop().time()
        change, raw = event.get("type"), event.get("object") or {}
        if change == "ERROR":
            message = raw.get("message")
            raise _Relist(message if isinstance(message, str) else "the watch ended in an error")
        if change == "DELETED":
            if self.cache.knows(raw):
                await self._check_crd()
            self.cache.remove(raw)
        elif change != "BOOKMARK":
            self.cache.put(raw)
        version = str((raw.get("metadata") or {}).get("resourceVersion") or "")
        if version.isdecimal():
            self.version = max(self.version, int(version))
            self._highest = max(self._highest, self.version)
        return version

    async def _check_crd(self) -> None:
        """Return if objects may be forgotten; a CRD's deletion takes its objects along first.

        Raises:
            Refused: the kind is going or gone, so what vanishes was not deleted by choice.
        """
        if not self.crd:
            return
        try:
            crd = await self.source.get(CRDS, "", self.crd)
        except Refused as error:
            if error.code == 404:
                raise
            return  # not allowed to look: take the server's word for the objects
        if (crd.get("metadata") or {}).get("deletionTimestamp"):
            raise Refused(404, "NotFound", f"{self.crd} is being deleted")

    def _jittered(self, delay_s: float) -> float:
        return delay_s * self.rng.uniform(0.5, 1.0)


def _cannot_be_read(kind: Kind, error: Refused) -> str:
    if error.code == 404:
        cure = "install the CRDs (pointsman crds)" if kind.root.count(".") else "check the server"
        return f"{kind.plural} do not exist on this API server: {error}; {cure}."
    if error.code == 403:
        return f"{kind.plural} may not be read: {error}; grant get, list and watch."
    return f"{kind.plural} cannot be read: {error}."
