"""Heartbeats without a network: what was to be followed, and who does not answer."""

import asyncio
from collections.abc import Awaitable, Callable

from agent.snapshot import Assignment, Network, ProxyHealth


class FakeHeartbeats:
    """The port ``Heartbeats``, and the hand that silences a manager."""

    def __init__(self) -> None:
        self.unanswered: tuple[str, ...] = ()
        self.followed: list[tuple[Assignment | None, ProxyHealth]] = []
        self.vouch: Callable[[], Awaitable[None]] = asyncio.Event().wait  # type: ignore[assignment]
        self._wake: Callable[[], None] = lambda: None

    async def confirmed(self) -> None:
        await self.vouch()

    async def watch(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        await asyncio.Event().wait()

    def follow(self, assignment: Assignment | None, proxy: ProxyHealth) -> None:
        self.followed.append((assignment, proxy))

    def silence(self, *managers: str) -> None:
        self.unanswered = managers
        self._wake()


class FakePaths:
    """The port ``Paths``: whose gateways were to be asked."""

    def __init__(self) -> None:
        self.followed: list[Network] = []
        self.down: tuple[str, ...] = ()

    async def run(self) -> None:
        await asyncio.Event().wait()

    def follow(self, network: Network) -> None:
        self.followed.append(network)
