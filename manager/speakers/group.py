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
    """One `SpeakerDriver` for each speaker, in their order.

    *routed* hears how long after its cause a plan's paths were all in a speaker, in seconds.
    """

    def __init__(
        self,
        speakers: Sequence[Speaker],
        *,
        clock: Clock,
        wake: Callable[[], None],
        routed: Callable[[float], None] = lambda _: None,
    ) -> None:
        self._drivers = [
            SpeakerDriver(speaker, index=index, clock=clock, wake=wake)
            for index, speaker in enumerate(speakers)
        ]
        for driver in self._drivers:
            driver.times.tell = routed

    @property
    def readings(self) -> tuple[Observed, ...]:
        """Return what each speaker held when it answered last."""
        return tuple(driver.reading for driver in self._drivers)

    @property
    def settled(self) -> bool:
        """Return whether every speaker runs, and holds all of the newest plan."""
        return all(
            driver.times.all_there and driver.reading.fresh and driver.reading.identity is not None
            for driver in self._drivers
        )

    def caused(self, at: float | None) -> None:
        """Note when that happened which the plan to be handed next answers; None: nothing did."""
        for driver in self._drivers:
            driver.times.caused_at = at

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
