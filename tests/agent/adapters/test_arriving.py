"""Looking for new flows, on the virtual clock and without a kernel; on one:
`tests/pointsman/net/test_arrivals_on_kernel.py`."""

import asyncio
import errno
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_interface, ip_network

import pytest
from scapy.layers.inet import IP, TCP

from agent.adapters.arriving import CROWDED, FORBIDDEN, NOWHERE, PacketArrivals
from agent.arriving import Counted, Found
from agent.snapshot import Assignment, Link, LinkAddress, LinkIndex, Network
from pointsman.model.address import Prefix
from pointsman.net.packet import Drained, Program
from pointsman.runtime.clock import Clock
from pointsman.wire.ethernet import ETH_P_IPV4
from tests.pointsman.wire import classic_bpf

pytestmark = pytest.mark.looptime
AT = datetime(2026, 11, 23, 9, tzinfo=UTC)
ETH0, ETH1 = Link(LinkIndex(2), "eth0"), Link(LinkIndex(3), "eth1")
NETWORK = Network(
    links=(ETH0,), addresses=(LinkAddress(LinkIndex(2), ip_interface("198.51.100.11/24")),)
)
PUBLIC = ip_network("198.51.100.0/24")
DRAINED = Assignment(2, watched=(PUBLIC,))


@dataclass
class Kernel:
    """Hands out sockets, and what arrives on them."""

    waiting: dict[str, list[bytes]] = field(default_factory=dict)
    programs: dict[str, Program] = field(default_factory=dict)  # of the open ones
    dropped: int = 0
    refuses: OSError | None = None
    taken: int = 0
    opened: int = 0
    in_hardware: frozenset[LinkIndex] = frozenset()

    def open(self, name: str, index: int, programs: Sequence[Program]) -> "Packets":
        if self.refuses is not None:
            raise self.refuses
        self.opened += 1
        self.waiting.setdefault(name, [])
        return Packets(self, name, programs)

    def send(self, destination: str, *, flags: str = "S", name: str = "eth0") -> None:
        packet = bytes(IP(dst=destination, src="203.0.113.10") / TCP(flags=flags))
        if name in self.programs and classic_bpf.run(
            self.programs[name], packet, protocol=ETH_P_IPV4
        ):
            self.waiting[name].append(packet)


class Packets:
    """One socket."""

    def __init__(self, kernel: Kernel, name: str, programs: Sequence[Program]) -> None:
        self._kernel, self._name = kernel, name
        self.taken = self.filter(programs)

    def filter(self, programs: Sequence[Program]) -> int:
        self._kernel.programs[self._name] = programs[min(self._kernel.taken, len(programs) - 1)]
        return min(self._kernel.taken, len(programs) - 1)

    def drain(self) -> Drained:
        if self._name not in self._kernel.waiting:
            raise OSError(errno.ENXIO, "gone")
        frames, self._kernel.waiting[self._name] = self._kernel.waiting[self._name], []
        return Drained(frames)

    def close(self) -> None:
        del self._kernel.programs[self._name]

    @property
    def dropped(self) -> int:
        return self._kernel.dropped


@dataclass
class Rig:
    kernel: Kernel
    arrivals: PacketArrivals
    wakes: int = 0

    def wake(self) -> None:
        self.wakes += 1

    @property
    def quiet_s(self) -> float:
        quiet = self.arrivals.found.quiet
        assert quiet is not None
        since, until = map(datetime.fromisoformat, (quiet.since, quiet.until))
        return (until - since).total_seconds()


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    loop, kernel = asyncio.get_running_loop(), Kernel()
    clock = Clock(loop.time, lambda: AT + timedelta(seconds=loop.time()))
    made = Rig(kernel, PacketArrivals(clock, kernel.open, lambda _: kernel.in_hardware))
    running = asyncio.create_task(made.arrivals.run(made.wake))
    yield made
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert not kernel.programs  # every socket is closed


async def test_nothing_is_open_unless_something_is_watched(rig: Rig) -> None:
    rig.arrivals.follow(Assignment(1), NETWORK)
    await asyncio.sleep(10)
    assert (rig.kernel.opened, rig.wakes, rig.arrivals.found) == (0, 0, Found())
    rig.arrivals.follow(DRAINED, NETWORK)
    await asyncio.sleep(1)
    assert list(rig.kernel.programs) == ["eth0"]
    rig.arrivals.follow(Assignment(3), NETWORK)
    assert (dict(rig.kernel.programs), rig.arrivals.found) == ({}, Found())
    wakes = rig.wakes
    await asyncio.sleep(100)
    assert rig.wakes == wakes


async def test_who_comes_is_said_and_then_for_how_long_nobody_came(rig: Rig) -> None:
    rig.arrivals.follow(DRAINED, NETWORK)
    await asyncio.sleep(20)
    assert 15 <= rig.quiet_s <= 20
    rig.kernel.send("198.51.100.7")
    rig.kernel.send("198.51.100.8", flags="A")  # a keep-alive
    rig.kernel.send("192.0.2.1")
    rig.kernel.send("198.51.100.11")  # the node's own
    await asyncio.sleep(1.5)
    found = rig.arrivals.found
    assert [(str(one.address), str(one.source)) for one in found.arriving] == [
        ("198.51.100.7", "203.0.113.10")
    ]
    assert found.arriving[0].last.startswith("2026-11-23T09:00:20.")
    assert rig.quiet_s <= 1.5
    await asyncio.sleep(12)
    assert rig.quiet_s >= 10
    quiet = rig.arrivals.found.quiet
    assert quiet is not None
    assert (quiet.generation, quiet.since) == (2, found.arriving[0].last)


async def test_a_flood_costs_what_a_trickle_does(rig: Rig) -> None:
    rig.arrivals.follow(DRAINED, NETWORK)
    for _ in range(300):
        await asyncio.sleep(0.2)
        rig.kernel.dropped += 20_000
    assert rig.quiet_s < 1  # what was not read came all the same
    assert rig.wakes <= 36
    assert rig.arrivals.found.unmeasured == ""
    rig.kernel.send("198.51.100.7")
    await asyncio.sleep(1)
    assert rig.arrivals.counted == Counted(seen=1, lost=300 * 20_000)


async def test_a_filter_that_lets_others_through_and_is_full_measures_nothing(rig: Rig) -> None:
    rig.kernel.taken = 9  # none of the exact ones is taken
    several: list[Prefix] = [ip_network(f"198.51.{n}.0/28") for n in range(0, 200, 2)]
    rig.arrivals.follow(Assignment(2, watched=tuple(several)), NETWORK)
    await asyncio.sleep(3)
    assert rig.quiet_s >= 2
    rig.kernel.dropped += 5
    await asyncio.sleep(3)
    assert (rig.arrivals.found.quiet, rig.arrivals.found.unmeasured) == (None, CROWDED)


async def test_more_prefixes_and_interfaces_begin_anew_and_fewer_do_not(rig: Rig) -> None:
    rig.arrivals.follow(DRAINED, NETWORK)
    await asyncio.sleep(30)
    rig.arrivals.follow(Assignment(3, watched=(ip_network("198.51.100.0/25"),)), NETWORK)
    await asyncio.sleep(2)
    assert rig.quiet_s >= 30
    assert rig.arrivals.found.quiet is not None
    assert rig.arrivals.found.quiet.generation == 3
    rig.arrivals.follow(Assignment(4, watched=(PUBLIC,)), NETWORK)
    await asyncio.sleep(2)
    assert rig.quiet_s <= 2
    await asyncio.sleep(30)
    rig.arrivals.follow(Assignment(4, watched=(PUBLIC,)), Network(links=(ETH0, ETH1)))
    await asyncio.sleep(2)
    assert rig.quiet_s <= 2
    assert sorted(rig.kernel.programs) == ["eth0", "eth1"]
    rig.kernel.send("198.51.100.9", name="eth1")
    rig.arrivals.follow(Assignment(4, watched=(PUBLIC,)), NETWORK)
    assert list(rig.kernel.programs) == ["eth0"]


async def test_what_cannot_be_opened_is_said_and_tried_again(rig: Rig) -> None:
    rig.kernel.refuses = PermissionError(errno.EPERM, "no")
    rig.arrivals.follow(DRAINED, NETWORK)
    await asyncio.sleep(2)
    assert (rig.arrivals.found.quiet, rig.arrivals.found.unmeasured) == (None, FORBIDDEN)
    rig.kernel.refuses = OSError(errno.ENODEV, "No such device")
    await asyncio.sleep(20)
    assert rig.arrivals.found.unmeasured == (
        "No packet socket can be opened on eth0: No such device."
    )
    rig.kernel.refuses = None
    await asyncio.sleep(20)
    assert rig.arrivals.found.unmeasured == ""
    assert rig.quiet_s <= 20  # since it could be seen


async def test_an_interface_that_goes_is_opened_again_and_nothing_is_taken_for_quiet(
    rig: Rig,
) -> None:
    rig.arrivals.follow(DRAINED, NETWORK)
    await asyncio.sleep(30)
    del rig.kernel.waiting["eth0"]
    await asyncio.sleep(7)
    assert list(rig.kernel.programs) == ["eth0"]
    assert rig.quiet_s <= 7


async def test_a_filter_in_hardware_is_noticed_while_it_looks(rig: Rig) -> None:
    rig.arrivals.follow(DRAINED, NETWORK)
    await asyncio.sleep(20)
    assert rig.quiet_s > 10
    rig.kernel.in_hardware = frozenset({LinkIndex(2)})
    await asyncio.sleep(20)
    assert rig.arrivals.found.unmeasured.startswith("A filter of tc on eth0 is in hardware")
    rig.kernel.in_hardware = frozenset()
    await asyncio.sleep(20)
    assert rig.arrivals.found.unmeasured == ""
    assert rig.quiet_s < 25  # what passed in hardware was not seen


async def test_where_xdp_or_no_interface_is_nothing_is_measured(rig: Rig) -> None:
    xdp = Network(links=(Link(LinkIndex(2), "eth0", xdp=True),))
    rig.arrivals.follow(DRAINED, xdp)
    await asyncio.sleep(2)
    assert rig.arrivals.found.quiet is None
    assert rig.arrivals.found.unmeasured.startswith("An XDP program on eth0 may take packets")
    rig.kernel.send("198.51.100.7")  # it passes some
    await asyncio.sleep(2)
    assert len(rig.arrivals.found.arriving) == 1
    rig.arrivals.follow(DRAINED, Network())
    await asyncio.sleep(20)
    assert rig.arrivals.found.unmeasured == NOWHERE
