"""Heartbeats of an agent on this host's own sockets, to a manager that the test plays."""

import asyncio
import random
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address

import pytest

from agent.adapters.heartbeat import GOODBYES, UdpHeartbeats
from agent.heartbeats import Exchange
from agent.snapshot import Assignment, NodeName, ProxyHealth
from pointsman.model.heartbeats import ManagerEndpoint
from pointsman.net.datagrams import udp_socket
from pointsman.wire.heartbeat import (
    Acknowledgement,
    Beat,
    Flags,
    View,
    read_beat,
    write_acknowledgement,
)
from pointsman.wire.heartbeat_keys import public_half, shared_key

NODE = NodeName("node1")
NOTHING = View(0)
PATIENCE_S = 60.0
AGENT, MANAGER = b"a" * 32, b"m" * 32


@dataclass
class Manager:
    """A manager's socket and its half of the key."""

    sock: socket.socket
    key: bytes = field(default=b"")

    def __post_init__(self) -> None:
        made = shared_key(MANAGER, agent=public_half(AGENT), manager=public_half(MANAGER))
        assert made is not None
        self.key = made

    def endpoint(self) -> ManagerEndpoint:
        host, port = self.sock.getsockname()[:2]
        return ManagerEndpoint("manager-a", ip_address(host), port, public_half(MANAGER))

    async def heard(self) -> tuple[Beat, tuple[str, int]]:
        async with asyncio.timeout(PATIENCE_S):
            data, peer = await asyncio.get_running_loop().sock_recvfrom(self.sock, 2048)
        read = read_beat(data, manager="manager-a", key_of=lambda node: self.key)
        assert isinstance(read, Beat)
        return read, peer

    def answer(
        self,
        beat: Beat,
        peer: tuple[str, int],
        *,
        counter: int = 1,
        generation: int = 0,
        view: View = NOTHING,
    ) -> None:
        acknowledgement = Acknowledgement(
            *("manager-a", 5, counter, beat.boot, beat.counter, generation, view)
        )
        self.sock.sendto(write_acknowledgement(acknowledgement, node=NODE, key=self.key), peer)


@pytest.fixture(params=["127.0.0.1", "::1"])
def manager(request: pytest.FixtureRequest) -> Iterator[Manager]:
    with udp_socket(request.param, 0) as sock:
        yield Manager(sock)


@asynccontextmanager
async def beating(manager: Manager) -> AsyncIterator[None]:
    sender = UdpHeartbeats(Exchange(NODE, AGENT, bytes(16)), chance=random.Random(1))
    sender.follow(Assignment(2, (manager.endpoint(),)), ProxyHealth.HEALTHY)
    running = asyncio.create_task(sender.watch(lambda: None))
    try:
        yield
    finally:
        running.cancel()
        await asyncio.wait([running])


async def test_it_beats_and_echoes_what_it_hears(manager: Manager) -> None:
    async with beating(manager):
        first, peer = await manager.heard()
        assert (first.node, first.generation, first.nonce) == (NODE, 2, 0)
        manager.answer(first, peer)
        while True:
            beat, _ = await manager.heard()
            assert beat.boot == first.boot
            if beat.nonce:
                break
        assert (beat.nonce, beat.heard) == (5, 1)


async def test_a_leaders_word_ends_the_waiting_for_it(manager: Manager) -> None:
    sender = UdpHeartbeats(Exchange(NODE, AGENT, bytes(16)), chance=random.Random(1))
    sender.follow(Assignment(2, (manager.endpoint(),)), ProxyHealth.HEALTHY)
    running = asyncio.create_task(sender.watch(lambda: None))
    first, peer = await manager.heard()
    waiting = asyncio.create_task(sender.confirmed())
    await manager.heard()
    manager.answer(first, peer)
    later, _ = await manager.heard()
    assert not waiting.done()
    manager.answer(later, peer, counter=2, generation=2, view=View.LEADS | View.FRESH)
    async with asyncio.timeout(PATIENCE_S):
        await waiting
    running.cancel()
    await asyncio.wait([running])


async def test_it_says_goodbye(manager: Manager) -> None:
    async with beating(manager):
        await manager.heard()
    goodbyes = 0
    while goodbyes < GOODBYES:
        beat, _ = await manager.heard()
        goodbyes += beat.flags == Flags.STOPPING


async def test_it_goes_on_while_nobody_is_there(manager: Manager) -> None:
    async with beating(manager):
        await manager.heard()
        where = manager.sock.getsockname()
        manager.sock.close()
        await asyncio.sleep(0.5)
        with udp_socket(where[0], where[1]) as manager.sock:
            await manager.heard()
