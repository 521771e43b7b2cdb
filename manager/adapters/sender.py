"""Many writes at once, each on its own: fenced, side by side, with one back-off per object.

One object that the API server refuses is retried alone, later and later, while the others
pass; trouble that hits all of them is Unavailable, raised after all were tried. Refuses to
know what is written.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Generic, Protocol, TypeVar

from manager.adapters.fields import Json
from manager.adapters.kube import Kind, Refused
from manager.adapters.lease import Fence, NotLeading
from pointsman.runtime.loop import exponential
from pointsman.runtime.target import Unavailable

K = TypeVar("K")
Job = Callable[[], Awaitable[None]]
AT_ONCE: Final = 8
HOPELESS: Final = 3 * AT_ONCE  # so many without an answer, none with one: leave the rest
CONFLICT_S: Final = 1.0  # the watch brings the newer object sooner; this is for when it doesn't
FORGET_S: Final = 120.0  # nobody asked for that write any more
log = logging.getLogger(__name__)


class Sink(Protocol):
    """What can be written to an API server."""

    async def create(self, kind: Kind, namespace: str, body: Json) -> Json: ...

    async def patch(
        self, kind: Kind, namespace: str, name: str, *, body: Json, sub: str = ""
    ) -> Json: ...

    async def delete(self, kind: Kind, namespace: str, name: str, *, body: Json) -> Json: ...


class FencedSink:
    """A Sink that sends nothing unless this replica surely leads until the write has ended."""

    def __init__(self, sink: Sink, fence: Fence) -> None:
        self._sink, self._fence = sink, fence

    async def create(self, kind: Kind, namespace: str, body: Json) -> Json:
        return await self._send(lambda: self._sink.create(kind, namespace, body))

    async def patch(
        self, kind: Kind, namespace: str, name: str, *, body: Json, sub: str = ""
    ) -> Json:
        return await self._send(lambda: self._sink.patch(kind, namespace, name, body=body, sub=sub))

    async def delete(self, kind: Kind, namespace: str, name: str, *, body: Json) -> Json:
        return await self._send(lambda: self._sink.delete(kind, namespace, name, body=body))

    async def _send(self, request: Callable[[], Awaitable[Json]]) -> Json:
        with self._fence.sending():
            try:
                async with asyncio.timeout(self._fence.write_s):
                    return await request()
            except TimeoutError as error:
                raise Unavailable("the API server did not answer a write in time") from error


@dataclass(slots=True)
class _Stuck:
    sentence: str
    until: float
    delays: Iterator[float] = field(default_factory=lambda: exponential(1.0, 60.0))


@dataclass(slots=True)
class _Outcome:
    answered: int = 0
    fenced: NotLeading | None = None
    silent: list[Unavailable] = field(default_factory=list)

    @property
    def hopeless(self) -> bool:
        return self.fenced is not None or (not self.answered and len(self.silent) >= HOPELESS)


class Sender(Generic[K]):
    """Runs jobs that write one object each. *wake* is called when one may be tried again."""

    def __init__(self, what: str, *, wake: Callable[[], None]) -> None:
        self._what, self._wake = what, wake
        self._stuck: dict[K, _Stuck] = {}

    @property
    def stuck(self) -> Mapping[K, str]:
        """Return the objects whose writes are refused, and in which words."""
        return {key: stuck.sentence for key, stuck in self._stuck.items()}

    async def send(self, jobs: Iterable[tuple[K, Job]]) -> None:
        """Run all jobs that are due.

        Raises:
            NotLeading: leadership ended; what was not sent by then was not sent at all.
            Unavailable: nothing was answered, or the server asked to be left alone.
        """
        now = asyncio.get_running_loop().time()
        self._stuck = {k: s for k, s in self._stuck.items() if now - s.until < FORGET_S}
        due = iter([job for job in jobs if self._is_due(job[0], now)])
        outcome = _Outcome()

        async def work() -> None:
            for key, job in due:
                if outcome.hopeless:
                    return
                await self._run(key, job, outcome)

        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(work())
        if outcome.fenced is not None:
            raise outcome.fenced
        self._judge(outcome)

    async def _run(self, key: K, job: Job, outcome: _Outcome) -> None:
        try:
            await job()
        except NotLeading as error:
            outcome.fenced = error
            return
        except Unavailable as error:
            outcome.silent.append(error)
            if outcome.answered and not error.retry_after_s:
                self._hold_back(key, str(error))
            return
        except Refused as error:
            if error.code == 409:
                asyncio.get_running_loop().call_later(CONFLICT_S, self._wake)
            elif error.code != 404:
                self._hold_back(key, f"{self._what} {key} is not written: {error}")
        else:
            self._stuck.pop(key, None)
        outcome.answered += 1

    def _judge(self, outcome: _Outcome) -> None:
        """Raise when the trouble is the server's; one silent object among others is its own."""
        asked_s = max((error.retry_after_s for error in outcome.silent), default=0.0)
        if outcome.silent and (asked_s or not outcome.answered):
            first, count = outcome.silent[0], len(outcome.silent)
            raise Unavailable(f"{count} writes of {self._what}: {first}", asked_s)

    def _is_due(self, key: K, now: float) -> bool:
        stuck = self._stuck.get(key)
        return stuck is None or now >= stuck.until

    def _hold_back(self, key: K, sentence: str) -> None:
        loop = asyncio.get_running_loop()
        stuck = self._stuck.setdefault(key, _Stuck("", 0.0))
        if stuck.sentence != sentence:
            log.warning("%s", sentence)
            stuck.sentence = sentence
        delay_s = next(stuck.delays)
        stuck.until = loop.time() + delay_s
        loop.call_later(delay_s, self._wake)
