"""Datagrams over real sockets of this host, with clocks that the test sets."""

import asyncio
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from pointsman.net.datagrams import (
    AT_ONCE,
    SO_RXQ_OVFL,
    SO_TIMESTAMPNS,
    Clocks,
    Datagrams,
    Received,
    udp_socket,
)


@dataclass
class Time:
    """Two clocks; the wall clock may be set to anything."""

    monotonic_s: float = 100.0
    wall_s: float = 0.0

    def clocks(self) -> Clocks:
        return Clocks(lambda: self.monotonic_s, lambda: self.wall_s)


@dataclass
class Inbox:
    got: list[Received] = field(default_factory=list)
    empty: list[tuple[float, bool]] = field(default_factory=list)

    def on(self, sock: socket.socket, clocks: Clocks | None = None) -> Datagrams:
        return Datagrams(
            sock,
            received=self.got.append,
            drained=lambda at_s, lost: self.empty.append((at_s, lost)),
            clocks=clocks,
        )


@pytest.fixture(params=["127.0.0.1", "::1"])
def pair(request: pytest.FixtureRequest) -> Iterator[tuple[socket.socket, socket.socket]]:
    with udp_socket(request.param, 0) as one, udp_socket(request.param, 0) as two:
        yield one, two


async def test_what_is_sent_is_received_by_both_families(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    one, two = pair
    inbox = Inbox()
    here, there = inbox.on(one), Datagrams(two, received=lambda got: None)
    reading = asyncio.create_task(here.run())
    assert there.send(b"hello", (one.getsockname()[0], here.port))
    async with asyncio.timeout(60):
        while not inbox.got:
            await asyncio.sleep(0.01)
    reading.cancel()
    await asyncio.wait([reading])
    assert inbox.got[0].data == b"hello"
    assert inbox.got[0].peer[:2] == two.getsockname()[:2]
    assert here.buffer_octets > 100_000


def test_a_socket_of_all_addresses_hears_both_families() -> None:
    inbox = Inbox()
    with udp_socket("", 0) as every, udp_socket("127.0.0.1", 0) as four:
        listening = inbox.on(every)
        four.sendto(b"four", ("127.0.0.1", listening.port))
        assert listening.drain()
        data, peer, _ = inbox.got[0]
        assert data == b"four"
        assert listening.send(b"back", peer)
        assert listening.send(b"again", ("127.0.0.1", peer[1]))
        four.settimeout(60)
        assert four.recv(99) == b"back"
        assert four.recv(99) == b"again"


def test_one_wake_reads_so_many_and_leaves_the_rest() -> None:
    inbox = Inbox()
    with udp_socket("127.0.0.1", 0) as one, udp_socket("127.0.0.1", 0) as two:
        here = inbox.on(one)
        for _ in range(5):
            two.sendto(b"x", one.getsockname())
        assert not here.drain(3)
        assert not inbox.empty
        assert len(inbox.got) == 3
        assert here.drain()
        assert len(inbox.got) == 5
        assert inbox.empty[0][1] is False
    assert AT_ONCE == 512


@pytest.mark.parametrize(
    ("stepped_s", "age_s"),
    [
        pytest.param(0.3, 0.3, id="it lay in the buffer for that long"),
        pytest.param(-50.0, 0.0, id="the wall clock was set back"),
        pytest.param(900.0, 2.0, id="it was set forward: no longer than since the last look"),
    ],
)
def test_a_stamp_becomes_an_age_within_bounds(stepped_s: float, age_s: float) -> None:
    time = Time()
    inbox = Inbox()
    with udp_socket("127.0.0.1", 0) as one, udp_socket("127.0.0.1", 0) as two:
        here = inbox.on(one, time.clocks())
        here.drain()
        # The kernel stamps by the real clock; ours is told what that says.
        two.sendto(b"x", one.getsockname())
        data, ancillary, _, _ = one.recvmsg(99, 512, socket.MSG_PEEK)
        stamp = next(data for _, kind, data in ancillary if kind == SO_TIMESTAMPNS)
        seconds, nanoseconds = struct.unpack("@ll", stamp)
        time.wall_s = seconds + nanoseconds / 1e9 + stepped_s
        time.monotonic_s += 2.0
        here.drain()
    assert data == b"x"
    assert inbox.got[0].at_s == pytest.approx(102.0 - age_s, abs=1e-3)
    assert inbox.empty[-1][0] == 102.0


def test_what_a_full_buffer_lost_is_counted_and_said_once() -> None:
    inbox = Inbox()
    with udp_socket("127.0.0.1", 0) as one, udp_socket("127.0.0.1", 0) as two:
        here = inbox.on(one)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2304)  # the least, socket(7)
        for _ in range(50):
            two.sendto(bytes(400), one.getsockname())
        here.drain()
        two.sendto(b"after", one.getsockname())  # its count tells of those before it
        here.drain()
        two.sendto(b"later", one.getsockname())
        here.drain()
        assert here.lost > 0
        assert here.lost + len(inbox.got) == 52
    assert [lost for _, lost in inbox.empty] == [False, True, False]
    assert SO_RXQ_OVFL == 40


def test_what_the_network_refuses_is_one_datagram_lost() -> None:
    inbox = Inbox()
    with udp_socket("127.0.0.1", 0) as one:
        here = inbox.on(one)
        with udp_socket("127.0.0.1", 0) as two:
            nobody = two.getsockname()
        assert here.send(b"x", nobody)
        assert here.drain()  # ECONNREFUSED, perhaps, is no reason to stop
        assert not here.send(bytes(70_000), nobody)


def test_what_a_socket_of_the_other_family_is_to_send_is_lost_too() -> None:
    for address, elsewhere in (("127.0.0.1", "2001:db8::1"), ("::1", "192.0.2.1")):
        with udp_socket(address, 0) as sock:
            assert not Datagrams(sock, received=lambda got: None).send(b"x", (elsewhere, 9))


def test_a_port_that_is_taken_is_an_error() -> None:
    with udp_socket("127.0.0.1", 0) as one, pytest.raises(OSError, match="in use"):
        udp_socket("127.0.0.1", one.getsockname()[1])
