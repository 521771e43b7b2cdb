"""Passwords and tokens: the Secrets of one namespace, watched once something names one.

It reads no other namespace, writes nothing, and shows no value: not in a repr, a log line
or an error. A Secret that cannot be read is unknown, not missing: `read` says which.
"""

import asyncio
import random
from collections.abc import Callable, Mapping

from manager.adapters.kubernetes.cache import Cache
from manager.adapters.kubernetes.client import Kind
from manager.adapters.kubernetes.informer import Informer, Pace, Source
from manager.adapters.kubernetes.secret_codec import Secret, secret
from pointsman.model.memo import Once


class Secrets:
    """The Secrets of *namespace*, once somebody wants them. *wake*: they changed."""

    def __init__(
        self,
        source: Source,
        namespace: str,
        *,
        wake: Callable[[], None],
        rng: random.Random,
        pace: Pace,
    ) -> None:
        self._cache = Cache[str, Secret](key=lambda one: one.name, parse=secret, wake=wake)
        root = f"/api/v1/namespaces/{namespace}"  # one namespace: no right to any other is needed
        kind = Kind("Secret", "secrets", root)
        self._informer = Informer(source, kind, self._cache, rng, pace=pace)
        self._entries = Once[Mapping[tuple[str, str], str]](_entries)
        self._wanted = asyncio.Event()

    def want(self) -> None:
        """Read them from now on."""
        self._wanted.set()

    async def run(self) -> None:
        """Wait until they are wanted, then keep them current, until cancelled."""
        await self._wanted.wait()
        await self._informer.run()

    def distrust(self) -> None:
        """List them again; no version that was seen counts."""
        self._cache.distrust()
        self._informer.doubt()

    @property
    def read(self) -> bool:
        """Return whether they were read once, so that one that is not there does not exist."""
        return self._cache.synced

    @property
    def unavailable(self) -> str | None:
        """Return the sentence why they cannot be read now."""
        return self._cache.unavailable

    @property
    def values(self) -> Mapping[tuple[str, str], str]:
        """Return the text entries by (Secret, key)."""
        return self._entries(self._cache.items)


def _entries(secrets: Mapping[str, Secret]) -> Mapping[tuple[str, str], str]:
    return {(one.name, key): text for one in secrets.values() for key, text in one.entries.items()}
