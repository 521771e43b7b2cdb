"""Responders without a network: what was to be answered for, and what they would report."""

import asyncio
from collections.abc import Callable

from agent.snapshot import AddressConflict, Assignment, Network, Unacknowledged, Withheld


class FakeResponders:
    """The port ``Responders``, and the hand that makes them withhold something."""

    def __init__(self) -> None:
        self.followed: list[tuple[Assignment, Network, bool]] = []
        self.withheld: tuple[Withheld, ...] = ()
        self.conflicts: tuple[AddressConflict, ...] = ()
        self.unacknowledged: tuple[Unacknowledged, ...] = ()
        self.executes = 0
        self._wake: Callable[[], None] = lambda: None

    async def run(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        await asyncio.Event().wait()

    def follow(self, assignment: Assignment, network: Network, *, confirmed: bool) -> None:
        self.followed.append((assignment, network, confirmed))
        if confirmed:
            self.executes = assignment.generation

    def withhold(self, *withheld: Withheld) -> None:
        self.withheld = withheld
        self._wake()
