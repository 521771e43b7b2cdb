"""Whether this node's assignment still stands, asked of two who know: the API, and a leader.

Somebody else claims an address: it may have been given away while nobody could tell this agent.
Only what was asked after the claim counts: a consistent read, or an acknowledgement that echoes a
later beat. Refuses to conclude anything from silence.
"""

import asyncio
from dataclasses import dataclass
from typing import Final

from agent.ports import Heartbeats, OwnAnnouncer
from agent.snapshot import Assignment
from pointsman.runtime.target import Unavailable

LOOK_S: Final = 1.0  # then this node counts as cut off: the claim is the better knowledge


@dataclass(frozen=True, slots=True)
class Looked:
    """What was found: the assignment as it is now; None: there is none."""

    assignment: Assignment | None


@dataclass(frozen=True, slots=True)
class Looks:
    """Asks both at once; the first that knows is believed."""

    announcer: OwnAnnouncer
    heartbeats: Heartbeats

    async def look(self) -> Looked | None:
        """Return what stands now; None: neither could be asked in time."""
        asked = [asyncio.create_task(self._afresh()), asyncio.create_task(self._acknowledged())]
        try:
            async with asyncio.timeout(LOOK_S):
                for answer in asyncio.as_completed(asked):
                    try:
                        return await answer
                    except Unavailable:
                        continue
        except TimeoutError:
            pass
        finally:
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)
        return None

    async def _afresh(self) -> Looked:
        return Looked(await self.announcer.afresh())

    async def _acknowledged(self) -> Looked:
        """Return what this node executes, once a leader has said that it is the latest."""
        await self.heartbeats.confirmed()
        return Looked(await self.announcer.assignment())
