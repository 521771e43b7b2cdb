"""A driver over a speaker of dictionaries, on the virtual clock: handed one plan at a time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from manager.planner.desired import SpeakerPlan
from manager.speakers.driver import SpeakerDriver
from pointsman.runtime.clock import Clock
from tests.manager.beside import beside
from tests.manager.dict_speaker import DictSpeaker

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
STEP_S = 0.5  # until a speaker that answers has done what it was handed


class Rig:
    """A driver, run by the test; its loop hands it one thing at a time."""

    def __init__(self) -> None:
        self.speaker, self.wakes = DictSpeaker(), 0
        clock = Clock(monotonic=asyncio.get_running_loop().time, wall=lambda: NOON)
        self.driver = SpeakerDriver(self.speaker, clock=clock, wake=self._wake)

    def _wake(self) -> None:
        self.wakes += 1

    def hand(self, what: SpeakerPlan) -> None:
        """Hand *what* as a step of the reconciler does that sees what is read now."""
        self.driver.hand(what, self.driver.reading)

    async def converge(self, what: SpeakerPlan) -> list[str]:
        """Hand *what*; return what was applied."""
        self.hand(what)
        await asyncio.sleep(STEP_S)
        return self.speaker.applied()

    async def lose(self) -> None:
        """Let the speaker go away; its events say so."""
        self.speaker.away = True
        self.speaker.turned.set()
        await asyncio.sleep(STEP_S)


@asynccontextmanager
async def running(rig: Rig | None = None) -> AsyncIterator[Rig]:
    rig = rig or Rig()
    async with beside(rig.driver.run()):
        await asyncio.sleep(1)
        yield rig
