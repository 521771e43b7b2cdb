"""The manager's driver in real time: handed a plan after each reading, as the reconciler does."""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from manager.ipam.driver import SourceDriver
from manager.ipam.slot import Shell, Slot
from pointsman.model.reservation import SourcePlan, SourceReading
from pointsman.runtime.clock import Clock
from tests.manager.ipam.driven import Leader

PATIENCE_S = 120.0  # only what never comes takes so long


@dataclass(slots=True)
class Driven:
    driver: SourceDriver
    woken: asyncio.Event

    async def until(self, plan: SourcePlan, holds: Callable[[SourceReading], bool]) -> None:
        """Hand *plan* after each reading, as the reconciler does, until a reading *holds*."""
        async with asyncio.timeout(PATIENCE_S):
            while not holds(self.driver.reading):
                self.woken.clear()
                self.driver.hand(Slot(plan, self.driver.reading, 1))
                await self.woken.wait()
        self.driver.hand(Slot(plan, self.driver.reading, 1))


def shell_of(woken: asyncio.Event) -> Shell:
    """Return what a driver needs beside its IPAM, by the real clock; it leads."""
    clock = Clock(monotonic=time.monotonic, wall=lambda: datetime.now(UTC))
    return Shell(Leader(), clock, random.Random(1), woken.set, releasing=lambda: True)
