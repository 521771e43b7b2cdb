"""Arrivals without packets: what was to be looked for, and what would be reported."""

import asyncio
from collections.abc import Callable

from agent.arriving import Found
from agent.snapshot import Assignment, Network


class FakeArrivals:
    """The port ``Arrivals``, and the hand that lets something arrive."""

    def __init__(self) -> None:
        self.followed: list[tuple[Assignment, Network]] = []
        self.found = Found()
        self._wake: Callable[[], None] = lambda: None

    async def run(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        await asyncio.Event().wait()

    def follow(self, assignment: Assignment, network: Network) -> None:
        self.followed.append((assignment, network))

    def find(self, found: Found) -> None:
        self.found = found
        self._wake()
