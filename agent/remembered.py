"""The Announcer as the agent knows it, and the last one it knew where the API cannot be asked.

After a boot without an API server the node goes on by what lies on its disk: the managers it beats
to, the addresses it answers for once nobody else does. The API's word takes its place as soon as
there is one. Refuses to report anything: what is remembered has no status.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from agent.planner.desired import Report
from agent.ports import OwnAnnouncer
from agent.snapshot import Assignment, NodeName
from pointsman.model.delta import Delta
from pointsman.runtime.target import Unavailable

PATIENCE_S: Final = 1.0  # an API server that is there has answered by then


class Memory(Protocol):
    """Where the last assignment lies."""

    def recall(self) -> Assignment | None:
        """Return it; None: there is none that can be read."""
        ...

    def remember(self, assignment: Assignment) -> None:
        """Put it there, soon; of several in a row the last."""
        ...


@dataclass(slots=True)
class RememberedAnnouncer:
    """The port ``OwnAnnouncer``: *announcer*, and *memory* until it has spoken."""

    announcer: OwnAnnouncer
    memory: Memory
    now_s: Callable[[], float]
    _began_s: float = field(init=False)
    _recalled: Assignment | None = field(init=False)
    _remembered: Assignment | None = field(init=False)

    def __post_init__(self) -> None:
        self._began_s = self.now_s()
        self._recalled = self._remembered = self.memory.recall()

    @property
    def rival(self) -> str | None:
        return self.announcer.rival

    @property
    def confirmed(self) -> bool:
        return self.announcer.confirmed

    async def watch(self, wake: Callable[[], None]) -> None:
        """Follow it; wake once more when what is remembered comes into force."""
        asyncio.get_running_loop().call_later(PATIENCE_S, wake)
        await self.announcer.watch(wake)

    async def assignment(self) -> Assignment | None:
        """Return what the API said last; while it has said nothing, what it said before."""
        try:
            found = await self.announcer.assignment()
        except Unavailable as error:
            left_s = self._began_s + PATIENCE_S - self.now_s()
            if self._recalled is None:
                raise
            if left_s > 0:
                raise Unavailable(str(error), left_s) from error
            return self._recalled
        self._recalled = None
        if (found or Assignment()) != self._remembered:
            self._remembered = found or Assignment()
            self.memory.remember(self._remembered)
        return found

    async def afresh(self) -> Assignment | None:
        return await self.announcer.afresh()

    async def observe(self) -> Mapping[NodeName, Report | None]:
        return await self.announcer.observe()

    async def apply(self, work: Delta[NodeName, Report | None]) -> None:
        await self.announcer.apply(work)
