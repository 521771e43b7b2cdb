"""Responders on a real LAN, for the tests that ask them: what they need, and no judgement."""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_address

from agent.adapters.responders import PacketResponders
from agent.looks import Looked
from agent.snapshot import Assignment, Duty
from pointsman.model.address import Address
from pointsman.runtime.clock import Clock
from tests.agent.adapters.lan import Lan

FOUR, SIX = "192.0.2.100", "2001:db8:2::100"
PATIENCE_S = 20.0


def assigned(*addresses: str, probe: tuple[str, ...] = (), interface: str = "eth0") -> Assignment:
    def values(texts: tuple[str, ...]) -> frozenset[Address]:
        return frozenset(map(ip_address, texts))

    return Assignment(3, duties=(Duty(interface, "Node", values(addresses), values(probe)),))


@dataclass
class Answering:
    """The responders on the node of *lan*, and what whoever looks would find."""

    wires: Lan
    truth: Looked | None = None
    looks: int = 0
    wakes: int = 0
    responders: PacketResponders = field(init=False)

    def __post_init__(self) -> None:
        self.responders = PacketResponders(
            announce_rate=500,
            chance=random.Random(7),
            clock=Clock(time.monotonic, lambda: datetime.now(UTC)),
            look=self._look,
        )

    async def _look(self) -> Looked | None:
        self.looks += 1
        return self.truth

    def woken(self) -> None:
        self.wakes += 1

    async def follow(self, assignment: Assignment, *, confirmed: bool = True) -> None:
        self.truth = Looked(assignment)
        network = await self.wires.network()
        with self.wires.inside():
            self.responders.follow(assignment, network, confirmed=confirmed)

    async def sees(self, interface: str, *, up: bool) -> None:
        """Wait until the kernel says that *interface* is up, or down.

        Who has the other end changes it at once; this end hears of it up to a second later.
        """

        async def states() -> list[bool]:
            links = (await self.wires.network()).links
            return [one.up for one in links if one.name == interface]

        async with asyncio.timeout(PATIENCE_S):
            while await states() != [up]:
                await asyncio.sleep(0.02)

    async def run(self, ask: Callable[..., object], *words: str) -> object:
        return await asyncio.to_thread(ask, *words)

    async def macs(self, *flags: str, address: str = FOUR) -> set[str]:
        return await asyncio.to_thread(self.wires.arping, address, *flags)

    async def macs6(self, address: str = SIX) -> set[str]:
        return await asyncio.to_thread(self.wires.ndisc6, address)


async def eventually(look: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not look():
            await asyncio.sleep(0.02)
