"""This replica's speakers, side by side: one that hangs or is slow stops none of the others.

The first has sessions with all routers that take several paths of a prefix; further ones are
there for parallel sessions (planner.bgp.single_path). It refuses to know who advertises what:
that is planned.
"""

import asyncio
from collections.abc import Callable, Sequence

from manager.planner.desired import SpeakerPlan
from manager.ports import Speaker
from manager.snapshot import Observed
from manager.speakers.driver import SpeakerDriver
from pointsman.runtime.clock import Clock


class SpeakerGroup:
    """One `SpeakerDriver` for each speaker, in their order."""

    def __init__(
        self, speakers: Sequence[Speaker], *, clock: Clock, wake: Callable[[], None]
    ) -> None:
        self._drivers = [
            SpeakerDriver(speaker, index=index, clock=clock, wake=wake)
            for index, speaker in enumerate(speakers)
        ]

    @property
    def readings(self) -> tuple[Observed, ...]:
        """Return what each speaker held when it answered last."""
        return tuple(driver.reading for driver in self._drivers)

    def hand(self, plans: Sequence[SpeakerPlan], planned_from: Sequence[Observed]) -> None:
        """Have each speaker brought to its part of a plan that was made of *planned_from*."""
        for driver, plan, seen in zip(self._drivers, plans, planned_from, strict=True):
            driver.hand(plan, seen)

    def recheck_identity(self) -> None:
        """Have every speaker asked who it is, at the next reading."""
        for driver in self._drivers:
            driver.recheck_identity()

    async def run(self) -> None:
        """Converge all, and keep their readings current, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for driver in self._drivers:
                group.create_task(driver.run(), name=driver.called)
