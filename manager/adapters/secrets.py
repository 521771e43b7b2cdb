"""Passwords of sessions: the Secrets of one namespace, watched only while a BgpPeer names one.

It reads no other namespace, writes nothing, and shows no value: not in a repr, a log line
or an error. A Secret that cannot be read is unknown, not missing: `read` says which.
"""

import asyncio
import base64
import binascii
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from manager.adapters.cache import Cache
from manager.adapters.fields import Json
from manager.adapters.informer import Informer, Pace, Source
from manager.adapters.kube import Kind

LONGEST: Final = 4096  # bytes; whatever is longer is a file, no password


@dataclass(frozen=True, slots=True)
class Secret:
    """The text entries of one Secret."""

    name: str
    entries: Mapping[str, str] = field(default_factory=dict, repr=False)


def secret(raw: Json) -> Secret:
    """Return what in a Secret may be a password; an entry that is no text is left out."""
    found = {str(key): _text(value) for key, value in (raw.get("data") or {}).items()}
    entries = {key: text for key, text in found.items() if text is not None}
    return Secret(str((raw.get("metadata") or {}).get("name") or ""), entries)


def _text(encoded: object) -> str | None:
    try:
        data = base64.b64decode(str(encoded), validate=True)
        return data.decode() if len(data) <= LONGEST else None
    except (binascii.Error, UnicodeDecodeError):
        return None


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
        self._wanted = asyncio.Event()

    def want(self) -> None:
        """Read them from now on."""
        self._wanted.set()

    async def run(self) -> None:
        """Wait until they are wanted, then keep them current, until cancelled."""
        await self._wanted.wait()
        await self._informer.run()

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
        return {
            (one.name, key): text
            for one in self._cache.items.values()
            for key, text in one.entries.items()
        }
