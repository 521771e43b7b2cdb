"""The kernel's filters, run by hand beside a plain predicate; on a kernel:
`tests/pointsman/net/test_filter_on_kernel.py`."""

import random
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.wire.arp import REPLY, REQUEST, ArpPacket, read_arp, write_arp
from pointsman.wire.bpf import LONGEST
from pointsman.wire.frame_drops import FrameDrop
from pointsman.wire.ndp import (
    UNSPECIFIED,
    Advertisement,
    Solicitation,
    read_ndp,
    solicited_node_group,
    write_advertisement,
    write_solicitation,
)
from pointsman.wire.packet_filter import (
    ANY_ARP,
    ANY_ICMPV6,
    BUDGETS,
    arp_filter,
    ndp_filter,
)
from tests.pointsman.wire import classic_bpf
from tests.pointsman.wire.classic_bpf import BROADCAST, HOST, MULTICAST, OTHERHOST, OUTGOING

A, B = bytes.fromhex("020000000001"), bytes.fromhex("020000000011")
# Close together, so that they collide, and far apart.
v4 = st.one_of(st.integers(0xC000_0200, 0xC000_0240), st.integers(1, 0x7EFF_FFFF)).map(IPv4Address)
TOPS = [0x20010DB8_00020000_00000000, 0x20010DB8_00030000_00000000, 0x20010DB8_00020000_00000001]
v6 = st.builds(
    lambda top, end: IPv6Address(top << 32 | end),
    st.sampled_from(TOPS) | st.integers(0x2000 << 80, 0x3FFF << 80),
    st.integers(0, 40) | st.integers(0, 0xFFFF_FFFF),
)
arp_frames = st.builds(
    lambda operation, sender, target: ArpPacket(
        b"\xff" * 6, A, operation, A, sender, bytes(6), target
    ),
    st.sampled_from([REQUEST, REPLY]),
    v4 | st.just(IPv4Address(0)),
    v4,
)


def ndp_frame(sender: IPv6Address, target: IPv6Address, asks: bool) -> bytes:
    if asks:
        option = None if sender == UNSPECIFIED else A
        group = solicited_node_group(target)
        return write_solicitation(Solicitation(B, A, sender, group, target, option))
    return write_advertisement(Advertisement(B, A, sender, target, target, A))


def concerns_arp(packet: ArpPacket, ours: set[IPv4Address]) -> bool:
    return packet.sender in ours or packet.target in ours


def passes(program, frame: bytes, *, packet_type: int = HOST) -> bool:
    return classic_bpf.run(program, frame, packet_type=packet_type) >= len(frame)


@given(st.sets(v4, max_size=80), st.lists(arp_frames, min_size=1, max_size=20), st.data())
def test_of_arp_what_concerns_ours_passes_and_nothing_else(
    ours: set[IPv4Address], frames: list[ArpPacket], data: st.DataObject
) -> None:
    program, *wider = arp_filter(ours)
    for each in (program, *wider):
        classic_bpf.check(each)
    if ours:  # chance alone would rarely meet one
        one = st.sampled_from(sorted(ours))
        frames = [
            *frames,
            ArpPacket(B, A, REQUEST, A, data.draw(v4), bytes(6), data.draw(one)),
            ArpPacket(B, A, REPLY, A, data.draw(one), bytes(6), data.draw(v4)),
        ]
    for packet in frames:
        frame = write_arp(packet)
        assert passes(program, frame) == concerns_arp(packet, ours)
        assert passes(program, frame + bytes(18)) == concerns_arp(packet, ours)


@given(
    st.sets(v6, max_size=40),
    st.lists(st.tuples(v6 | st.just(UNSPECIFIED), v6, st.booleans()), min_size=1, max_size=15),
    st.data(),
)
def test_of_ndp_what_concerns_ours_passes_and_else_what_ends_alike(
    ours: set[IPv6Address],
    frames: list[tuple[IPv6Address, IPv6Address, bool]],
    data: st.DataObject,
) -> None:
    programs = ndp_filter(ours)
    for program in programs:
        classic_bpf.check(program)
    exact = len({int(one) >> 32 for one in ours}) <= 16
    ends = {int(one) & 0xFFFF_FFFF for one in ours}
    if ours:
        one = st.sampled_from(sorted(ours))
        asks = st.booleans()
        frames = [
            *frames,
            (data.draw(v6), data.draw(one), data.draw(asks)),
            (data.draw(one), data.draw(v6), data.draw(asks)),
        ]
    for sender, target, asked in frames:
        frame = ndp_frame(sender, target, asked)
        concerns = sender in ours or target in ours
        alike = int(target) & 0xFFFF_FFFF in ends or int(sender) & 0xFFFF_FFFF in ends
        assert passes(programs[0], frame) == (concerns if exact else alike)
        assert all(passes(program, frame) or not concerns for program in programs)


@given(st.sets(v6, max_size=20), st.sets(v6, min_size=1, max_size=4), v6, v6)
def test_of_gateways_what_they_say_of_themselves_passes_and_no_question_about_them(
    ours: set[IPv6Address], gateways: set[IPv6Address], foreign: IPv6Address, asker: IPv6Address
) -> None:
    if not ours:
        return
    gateways, others = gateways - ours, {foreign, asker} - ours - gateways
    programs = ndp_filter(ours, gateways)
    for program in programs:
        classic_bpf.check(program)
        for gateway in gateways:
            assert passes(program, ndp_frame(gateway, gateway, False))
            assert all(passes(program, ndp_frame(gateway, one, False)) for one in ours)
    exact = len({int(one) >> 32 for one in ours}) <= 16
    for one in others if exact else ():
        for gateway in gateways:
            assert not passes(programs[0], ndp_frame(one, gateway, True))
        assert not passes(programs[0], ndp_frame(one, one, False))


ONE4, ONE6 = IPv4Address("192.0.2.100"), IPv6Address("2001:db8:2::100")
WHO_HAS = write_arp(ArpPacket(b"\xff" * 6, A, REQUEST, A, IPv4Address("192.0.2.1"), bytes(6), ONE4))
SOLICITED = ndp_frame(IPv6Address("2001:db8:2::1"), ONE6, True)


@pytest.mark.parametrize(
    ("program", "frame"),
    [(arp_filter([ONE4])[0], WHO_HAS), (ndp_filter([ONE6])[0], SOLICITED)],
    ids=["arp", "ndp"],
)
@pytest.mark.parametrize("packet_type", [HOST, BROADCAST, MULTICAST, OTHERHOST, OUTGOING])
def test_what_is_for_others_or_of_ourselves_never_passes(
    program, frame: bytes, packet_type: int
) -> None:
    """A tagged frame without its VLAN's interface comes as a frame for others."""
    expected = packet_type in (HOST, BROADCAST, MULTICAST)
    assert passes(program, frame, packet_type=packet_type) is expected


@given(st.binary(max_size=120), st.integers(0, 4))
def test_whatever_comes_the_codec_would_read_what_passes_or_drop_it(
    frame: bytes, packet_type: int
) -> None:
    assert not passes(arp_filter([ONE4])[0], frame) or read_arp(frame)
    assert not passes(ndp_filter([ONE6])[0], frame) or read_ndp(frame)


@given(
    st.sampled_from([WHO_HAS, SOLICITED]),
    st.lists(st.tuples(st.integers(0, 85), st.integers(0, 255)), min_size=1, max_size=3),
    st.integers(0, 90),
)
def test_a_good_frame_never_stays_outside(
    good: bytes, changes: list[tuple[int, int]], length: int
) -> None:
    """Whatever the codecs make a value of, about ours, has passed before."""
    frame = bytearray(good)
    for at, octet in changes:
        frame[at % len(frame)] = octet
    cut = bytes(frame[: max(length, 0)]) if length < 60 else bytes(frame)
    arp, ndp = read_arp(cut), read_ndp(cut)
    if not isinstance(arp, FrameDrop) and concerns_arp(arp, {ONE4}):
        assert passes(arp_filter([ONE4])[0], cut)
    if not isinstance(ndp, FrameDrop) and ONE6 in (ndp.sender, ndp.target):
        assert passes(ndp_filter([ONE6])[0], cut)


@pytest.mark.parametrize(
    ("count", "exact"),
    [(1, True), (17, True), (255, True), (1500, True), (12_000, False)],
)
def test_many_addresses_at_random_pass_exactly_or_with_their_neighbors(
    count: int, exact: bool
) -> None:
    chance = random.Random(count)
    numbers = chance.sample(range(0x0A00_0000, 0x0B00_0000), count + 2000)
    ours, others = {IPv4Address(n) for n in numbers[:count]}, numbers[count:]
    programs = arp_filter(ours)
    assert all(len(program) <= LONGEST for program in programs)
    assert [len(program) for program in programs] == sorted(map(len, programs), reverse=True)
    for program in programs:
        classic_bpf.check(program)
        assert all(passes(program, asked(int(one))) for one in ours)
    through = sum(passes(programs[0], asked(number)) for number in others)
    assert (through == 0) is exact
    # Of addresses that lie nowhere near each other a filter can't be told more; pools do.
    assert through < 0.8 * len(others)
    assert not any(passes(program, asked(0x0C00_0000)) for program in programs)


def asked(number: int) -> bytes:
    sender = IPv4Address("192.0.2.1")
    return write_arp(ArpPacket(B, A, REQUEST, A, sender, bytes(6), IPv4Address(number)))


def test_a_pool_is_one_comparison_however_large() -> None:
    """Addresses that are neighbors are one interval: 12,000 of a pool, a few instructions."""
    (program,) = arp_filter(IPv4Address(0x0A00_0000 + n) for n in range(12_000))
    assert len(program) < 30
    top = int(IPv6Address("2001:db8:2::"))
    assert len(ndp_filter(IPv6Address(top + n) for n in range(12_000))[0]) < 60


def test_a_kernel_with_less_room_is_offered_shorter_ones() -> None:
    chance = random.Random(1)
    numbers = chance.sample(range(0x0A00_0000, 0x0B00_0000), 12_000)
    lengths = [len(program) for program in arp_filter(map(IPv4Address, numbers))]
    assert len(lengths) == len(BUDGETS)
    assert all(length <= budget for length, budget in zip(lengths, BUDGETS, strict=True))
    scattered = (IPv6Address(0x2001 << 112 | n << 64 | n * 7) for n in numbers)
    lengths = [len(program) for program in ndp_filter(scattered)]
    assert all(length <= budget for length, budget in zip(lengths, BUDGETS, strict=True))


def test_of_no_address_nothing_passes() -> None:
    for (program,) in (arp_filter([]), ndp_filter([])):
        classic_bpf.check(program)
        assert not passes(program, WHO_HAS)


@pytest.mark.parametrize("program", [ANY_ARP, ANY_ICMPV6], ids=["arp", "icmpv6"])
def test_whatever_others_send_us_is_heard_but_not_what_is_for_others_or_of_us(program) -> None:
    classic_bpf.check(program)
    icmpv6 = bytes(20) + b"\x3a" + bytes(39)
    heard = [passes(program, icmpv6, packet_type=kind) for kind in range(6)]
    assert heard == [True, True, True, False, False, False]
    assert passes(program, bytes(60)) is (program is ANY_ARP)
