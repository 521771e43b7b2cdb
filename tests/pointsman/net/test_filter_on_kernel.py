"""The filters of `pointsman.wire.packet_filter` on a real kernel, beside a plain predicate."""

import random
import select
import time
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv6Address

import pytest

from pointsman.net.packet import PacketSocket
from pointsman.wire.arp import REPLY, REQUEST, ArpPacket, write_arp
from pointsman.wire.ethernet import ETH_P_ARP, ETH_P_IPV6
from pointsman.wire.ndp import (
    Advertisement,
    Solicitation,
    solicited_node_group,
    write_advertisement,
    write_solicitation,
)
from pointsman.wire.packet_filter import arp_filter, ndp_filter
from tests.pointsman.net.wires import FAR_MAC, NEAR_MAC, Cable, cable

pytestmark = pytest.mark.lab
BROADCAST, STRANGER = b"\xff" * 6, bytes.fromhex("020000000077")
VIP, PEER = IPv4Address("192.0.2.100"), IPv4Address("192.0.2.1")
VIP6, PEER6 = IPv6Address("2001:db8:2::100"), IPv6Address("2001:db8:2::1")


@pytest.fixture
def wires() -> Iterator[Cable]:
    with cable() as made:
        yield made


def arrived(sock: PacketSocket, last: bytes) -> list[bytes]:
    """Return what arrived up to *last*, which passes every filter here."""
    frames: list[bytes] = []
    until = time.monotonic() + 20
    while last not in frames and time.monotonic() < until:
        select.select([sock], [], [], 1)
        frames += sock.drain().frames
    return [frame for frame in frames if frame != last]


def arp(
    sender: IPv4Address, target: IPv4Address, *, operation: int = REQUEST, to: bytes = BROADCAST
) -> bytes:
    return write_arp(ArpPacket(to, FAR_MAC, operation, FAR_MAC, sender, bytes(6), target))


def ns(sender: IPv6Address, target: IPv6Address) -> bytes:
    group = solicited_node_group(target)
    return write_solicitation(Solicitation(NEAR_MAC, FAR_MAC, sender, group, target, FAR_MAC))


def na(sender: IPv6Address, target: IPv6Address) -> bytes:
    return write_advertisement(Advertisement(NEAR_MAC, FAR_MAC, sender, sender, target, FAR_MAC))


def test_arp_frames_of_every_kind(wires: Cable) -> None:
    near = wires.packets("near", arp_filter([VIP]), ETH_P_ARP)
    far = wires.packets("far")
    pass_ = [
        arp(PEER, VIP),
        arp(PEER, VIP, to=NEAR_MAC),
        arp(PEER, VIP) + bytes(18),
        arp(IPv4Address(0), VIP),
        arp(VIP, VIP),
        arp(VIP, PEER),
        arp(VIP, PEER, operation=REPLY),
        arp(PEER, VIP, operation=REPLY),  # what a gateway answers that was asked as it
    ]
    stay = [
        arp(PEER, PEER),
        arp(PEER, PEER, operation=REPLY),
        arp(PEER, VIP, operation=3),
        arp(PEER, VIP, to=STRANGER),
        arp(PEER, VIP)[:41],
        arp(PEER, VIP)[:12] + b"\x81\x00\x00\x07" + arp(PEER, VIP)[12:],
        arp(PEER, VIP)[:15] + b"\x06" + arp(PEER, VIP)[16:],
    ]
    last = arp(PEER, VIP) + b"last"
    for frame in (*stay, *pass_, *stay, last):
        assert far.send(frame)
    assert arrived(near, last) == pass_


def test_ndp_frames_of_every_kind(wires: Cable) -> None:
    near = wires.packets("near", ndp_filter([VIP6]), ETH_P_IPV6)
    far = wires.packets("far", protocol=ETH_P_IPV6)
    good = ns(PEER6, VIP6)
    pass_ = [good, good + bytes(4), ns(IPv6Address(0), VIP6), na(PEER6, VIP6), na(VIP6, PEER6)]
    stay = [
        ns(PEER6, PEER6),
        na(PEER6, PEER6),
        good[:21] + b"\xfe" + good[22:],
        good[:54] + b"\x85" + good[55:],
        good[:55] + b"\x01" + good[56:],
        good[:20] + b"\x11" + good[21:],
        STRANGER + good[6:],
        good[:70],
    ]
    last = good + b"last"
    for frame in (*stay, *pass_, *stay, last):
        assert far.send(frame)
    assert arrived(near, last) == pass_


def test_of_a_gateway_only_its_answers_pass(wires: Cable) -> None:
    gateway = IPv6Address("fe80::1")
    near = wires.packets("near", ndp_filter([VIP6], [gateway]), ETH_P_IPV6)
    far = wires.packets("far", protocol=ETH_P_IPV6)
    answer, last = na(VIP6, gateway), ns(PEER6, VIP6) + b"last"
    for frame in (ns(PEER6, gateway), na(PEER6, PEER6), answer, ns(gateway, PEER6), last):
        assert far.send(frame)
    assert arrived(near, last) == [answer]


@pytest.mark.parametrize("count", [1, 100, 1500, 12_000])
def test_the_kernel_takes_filters_of_many_addresses_and_passes_theirs(
    wires: Cable, count: int
) -> None:
    chance = random.Random(count)
    numbers = chance.sample(range(0x0A00_0000, 0x0B00_0000), count + 200)
    ours, others = [IPv4Address(n) for n in numbers[:count]], numbers[count:]
    near = wires.packets("near", arp_filter(ours))
    far = wires.packets("far")
    asked = chance.sample(ours, min(count, 200))
    passed = _sent_and_passed(near, far, (arp(PEER, one) for one in asked), ours[0])
    assert passed == [arp(PEER, one) for one in asked]
    if count <= 1500:  # above, their neighbors pass as well
        strangers = (arp(PEER, IPv4Address(number)) for number in others)
        assert _sent_and_passed(near, far, strangers, ours[0]) == []


def _sent_and_passed(
    near: PacketSocket, far: PacketSocket, frames: Iterable[bytes], one: IPv4Address
) -> list[bytes]:
    last = arp(PEER, one) + b"last"
    for frame in (*frames, last):
        assert far.send(frame)
    return arrived(near, last)


def test_the_kernel_takes_filters_of_many_ipv6_addresses(wires: Cable) -> None:
    chance = random.Random(6)
    tops = [0x20010DB8 << 96 | n << 64 for n in range(3)]
    few = [IPv6Address(chance.choice(tops) | chance.getrandbits(32)) for _ in range(800)]
    scattered = [IPv6Address(0x20010DB8 << 96 | chance.getrandbits(96)) for _ in range(12_000)]
    near = wires.packets("near", ndp_filter(few), ETH_P_IPV6)
    far = wires.packets("far", protocol=ETH_P_IPV6)
    for ours in (few, scattered):
        near.filter(ndp_filter(ours))
        asked = [ns(PEER6, one) for one in chance.sample(ours, 100)]
        last = ns(PEER6, ours[0]) + b"last"
        for frame in (*asked, last):
            assert far.send(frame)
        assert arrived(near, last) == asked
