"""The driver of the central responder: leading, claims, interfaces that come and go."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network

import pytest

from manager.central.driver import INTERFACES_S, CentralDriver
from manager.ports import HostInterface
from manager.snapshot import Snapshot
from pointsman.model.address import Address
from pointsman.runtime.pace import REPORT_S
from pointsman.runtime.target import Unavailable
from tests.pointsman.responder.bench import BOTH, HIGHER, LOWER, OWN, V4, V6, claim, question, says

NODE, INTRUDER = LOWER, HIGHER
ETH0 = HostInterface("eth0", 2, OWN, (IPv4Network("192.0.2.0/24"), IPv6Network("2001:db8::/64")))


@dataclass
class FakeSocket:
    """Hands over only what was listened for."""

    received: Callable[[bytes], list[bytes]]
    addresses: frozenset[Address] = frozenset()
    broken: bool = False
    closed: bool = False

    def listen(self, addresses: frozenset[Address]) -> None:
        assert not self.closed
        self.addresses = addresses

    def close(self) -> None:
        assert not self.closed
        self.closed = True

    def deliver(self, frame: bytes) -> list[bytes]:
        about = says(frame)[1]
        return self.received(frame) if not self.closed and about in self.addresses else []


@dataclass
class FakeNet:
    """The port ``FrameNet``: one list of interfaces, and every socket that was opened."""

    listed: list[HostInterface] = field(default_factory=lambda: [ETH0])
    sockets: list[FakeSocket] = field(default_factory=list)
    refused: str = ""

    def interfaces(self) -> list[HostInterface]:
        return self.listed

    def open(
        self, interface: HostInterface, received: Callable[[bytes], list[bytes]]
    ) -> FakeSocket:
        if self.refused:
            raise Unavailable(self.refused)
        assert interface in self.listed
        self.sockets.append(FakeSocket(received))
        return self.sockets[-1]

    @property
    def open_ones(self) -> list[FakeSocket]:
        return [one for one in self.sockets if not one.closed]


class Rig:
    """A driver that leads, with a lease that can be asked."""

    def __init__(self) -> None:
        self.net = FakeNet()
        self.leading = self.lease = True
        self.asked = 0
        self.driver = CentralDriver(self.net, self, now_s=lambda: asyncio.get_running_loop().time())

    async def confirm(self) -> bool:
        self.asked += 1
        await asyncio.sleep(0.01)
        return self.lease

    def ask(self, address: Address) -> list[bytes]:
        return [reply for one in self.net.open_ones for reply in one.received(question(address))]

    def claim(self, address: Address) -> None:
        for one in self.net.open_ones:
            assert one.deliver(claim(address, INTRUDER)) == []

    @contextlib.asynccontextmanager
    async def running(self, answers: Mapping[Address, bytes]) -> AsyncIterator[None]:
        task = asyncio.create_task(self.driver.run())
        self.driver.follow(answers)
        await asyncio.sleep(0.1)
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        assert not self.net.open_ones


BY_NODE: dict[Address, bytes] = dict.fromkeys(BOTH, NODE)
pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


@pytest.mark.parametrize("address", BOTH)
async def test_while_it_leads_it_answers(address: Address) -> None:
    rig = Rig()
    async with rig.running(BY_NODE):
        (reply,) = rig.ask(address)
        assert says(reply) == ("reply", address, NODE)
        assert rig.net.open_ones[0].addresses == rig.driver.answers_for == set(BOTH)


async def test_a_lease_that_lapsed_unnoticed_is_noticed_before_each_answer() -> None:
    rig = Rig()
    async with rig.running(BY_NODE):
        rig.leading = False  # frozen, and nobody has called since
        assert rig.ask(V4) == []
        rig.leading = True
        assert len(rig.ask(V4)) == 1


async def test_without_answers_nothing_is_open() -> None:
    rig = Rig()
    rig.net.refused = "opened for nothing"
    async with rig.running({}):
        await asyncio.sleep(10)
        rig.net.refused = ""
        rig.driver.follow(BY_NODE)
        await asyncio.sleep(0.1)
        assert len(rig.net.open_ones) == 1
        rig.driver.follow({})
        await asyncio.sleep(0.1)
        assert rig.net.open_ones == []
        assert rig.driver.answers_for == frozenset()


async def test_a_claim_is_followed_by_one_look_at_the_lease() -> None:
    rig = Rig()
    async with rig.running(BY_NODE):
        rig.claim(V4)
        assert rig.ask(V4) == []
        assert len(rig.ask(V6)) == 1
        await asyncio.sleep(0.1)
        assert len(rig.ask(V4)) == 1
        for _ in range(1000):
            rig.claim(V4)
        await asyncio.sleep(1)
        assert rig.asked == 1


async def test_while_the_lease_is_not_ours_a_claimed_address_stays_silent() -> None:
    rig = Rig()
    rig.lease = False
    async with rig.running(BY_NODE):
        rig.claim(V4)
        await asyncio.sleep(9.5)
        assert rig.ask(V4) == []
        assert 5 <= rig.asked <= 11  # once a second, not more
        rig.lease = True
        await asyncio.sleep(2)
        assert len(rig.ask(V4)) == 1


async def test_an_interface_that_comes_goes_or_changes_is_followed() -> None:
    rig = Rig()
    rig.net.listed = []
    async with rig.running(BY_NODE):
        assert rig.ask(V4) == []
        rig.net.listed = [ETH0]
        await asyncio.sleep(2.1)
        assert len(rig.ask(V4)) == 1
        rig.net.sockets[0].broken = True  # deleted, and made again with the same values
        await asyncio.sleep(4.2)
        assert rig.net.sockets[0].closed
        assert len(rig.ask(V4)) == 1
        rig.net.listed = [HostInterface("eth0", 2, HIGHER, ETH0.subnets)]
        await asyncio.sleep(2.1)
        (reply,) = rig.ask(V4)
        assert reply[6:12] == HIGHER  # its own hardware address is another


async def test_addresses_of_no_subnet_here_are_named_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rig = Rig()
    far: Address = V4 + 65536
    with caplog.at_level(logging.WARNING):
        async with rig.running({V4: NODE, far: NODE}):
            await asyncio.sleep(10)
            assert rig.driver.answers_for == {V4}
    assert [str(far) in record.message for record in caplog.records] == [True]


async def test_without_the_right_it_says_so_once_and_tries_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rig = Rig()
    rig.net.refused = "needs NET_RAW"
    with caplog.at_level(logging.INFO):
        async with rig.running(BY_NODE):
            await asyncio.sleep(10)
            assert [r.message for r in caplog.records] == ["waiting: needs NET_RAW"]
            rig.net.refused = ""
            await asyncio.sleep(2.1)
            assert len(rig.ask(V4)) == 1


async def test_who_else_claims_an_address_is_in_the_next_snapshot_at_a_pace() -> None:
    rig = Rig()
    woken: list[float] = []
    loop = asyncio.get_running_loop()
    rig.driver.claims.wake = lambda: woken.append(loop.time())
    claims, snapshot = rig.driver.claims, Snapshot()
    async with rig.running(BY_NODE):
        assert claims.seen(snapshot) is snapshot
        rig.claim(V4)
        await asyncio.sleep(INTERFACES_S)
        assert claims.seen(snapshot).claimed == {V4: INTRUDER.hex(":")}
        for _ in range(100):  # forged, a frame each tenth of a second
            rig.claim(V6)
            await asyncio.sleep(0.1)
        assert set(claims.seen(snapshot).claimed) == set(BOTH)
        assert len(woken) == 2
        assert woken[1] - woken[0] >= REPORT_S
        rig.driver.follow({})
        await asyncio.sleep(2 * REPORT_S)
        assert claims.seen(snapshot) is snapshot
