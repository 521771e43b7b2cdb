"""A speaker of tables in memory: whatever it is told it holds, and every session of it is up.

What it costs does not grow with what it holds, so what a change costs is what the manager costs.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

from pointsman.model.delta import Delta, patched
from pointsman.model.route import LIVE, PeerName, Route, RouteKey, SessionReport, SpeakerIdentity
from pointsman.model.table import Table


class TableTarget:
    """One table: a value, replaced by another at each change."""

    def __init__(self, contents: Mapping[Any, Any]) -> None:
        self.contents = contents

    async def observe(self) -> Mapping[Any, Any]:
        await asyncio.sleep(0)
        return self.contents

    async def apply(self, work: Delta[Any, Any]) -> None:
        await asyncio.sleep(0)
        self.contents = patched(self.contents, work)


class TableSpeaker:
    """manager.ports.Speaker. *down*: the routers whose session is not up; `turn` tells of it."""

    def __init__(self, routes: Mapping[RouteKey, Route], identity: SpeakerIdentity | None) -> None:
        self._identity = identity
        self.routes = TableTarget(Table.of(routes))
        self.exports, self.neighbors = TableTarget({}), TableTarget({})
        self.down: set[PeerName] = set()
        self._turned = asyncio.Event()

    def turn(self, peer: PeerName, *, down: bool) -> None:
        """Let the session with *peer* go down or come up."""
        (self.down.add if down else self.down.discard)(peer)
        self._turned.set()

    async def probe(self) -> None:
        await asyncio.sleep(0)

    async def identity(self) -> SpeakerIdentity | None:
        await asyncio.sleep(0)
        return self._identity

    async def start(self, identity: SpeakerIdentity) -> None:
        self._identity = identity

    async def sessions(self) -> Mapping[PeerName, SessionReport]:
        await asyncio.sleep(0)
        up, down = SessionReport(LIVE, add_path_negotiated=True), SessionReport("Active")
        return {name: down if name in self.down else up for name in self.neighbors.contents}

    async def changes(self) -> AsyncIterator[None]:
        while True:
            await self._turned.wait()
            self._turned.clear()
            yield None
