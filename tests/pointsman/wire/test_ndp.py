"""NDP, with scapy as the independent reader and writer; odd frames: `test_odd_frames.py`."""

from ipaddress import IPv6Address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scapy.compat import raw
from scapy.layers.inet6 import (
    ICMPv6ND_NA,
    ICMPv6ND_NS,
    ICMPv6NDOptDstLLAddr,
    ICMPv6NDOptSrcLLAddr,
    ICMPv6NDOptUnknown,
    IPv6,
)
from scapy.layers.l2 import Ether
from scapy.packet import Raw

from pointsman.wire.frame_drops import FrameDrop
from pointsman.wire.ndp import (
    ALL_NODES,
    LOOPBACK,
    UNSPECIFIED,
    Advertisement,
    Solicitation,
    advertised,
    read_ndp,
    solicitation_message,
    solicited_node_group,
    write_advertisement,
    write_solicitation,
)
from tests.pointsman.wire.test_arp import macs, stations, text

OWN, MAC = bytes.fromhex("020000000011"), bytes.fromhex("020000000001")
HERE, THERE = IPv6Address("2001:db8:2::11"), IPv6Address("2001:db8:2::1")
NONCE = bytes.fromhex("0a0b0c0d0e0f")
ASKED = Solicitation(MAC, OWN, HERE, THERE, THERE, OWN, NONCE)
SEEN = Advertisement(OWN, MAC, THERE, HERE, THERE, MAC, solicited=True, override=True)

anybody = st.ip_addresses(v=6)
unicast = anybody.filter(lambda one: not one.is_multicast and one not in (UNSPECIFIED, LOOPBACK))
solicitations = st.builds(
    Solicitation,
    destination=macs,
    source=stations,
    sender=unicast,
    receiver=anybody,
    target=unicast,
    link_layer=st.none() | stations,
    nonce=st.none() | st.binary(min_size=6, max_size=6),
)
probes = st.builds(
    lambda target, source, nonce: Solicitation(
        *(b"\x33\x33\xff" + target.packed[-3:], source, UNSPECIFIED),
        *(solicited_node_group(target), target, None, nonce),
    ),
    unicast,
    stations,
    st.none() | st.binary(min_size=6, max_size=6),
)
advertisements = st.builds(
    Advertisement,
    destination=macs,
    source=stations,
    sender=unicast,
    receiver=anybody,
    target=unicast,
    link_layer=st.none() | stations,
    router=st.booleans(),
    solicited=st.booleans(),
    override=st.booleans(),
).filter(lambda one: not (one.solicited and one.receiver.is_multicast))


def headers(packet: Solicitation | Advertisement) -> Ether:
    return Ether(dst=text(packet.destination), src=text(packet.source)) / IPv6(
        src=str(packet.sender), dst=str(packet.receiver), hlim=255
    )


@given(solicitations | probes)
@example(ASKED)
def test_a_solicitation_of_ours_is_what_scapy_reads(asked: Solicitation) -> None:
    seen = Ether(write_solicitation(asked))
    assert (seen.dst, seen.src) == (text(asked.destination), text(asked.source))
    assert (seen[IPv6].hlim, seen[IPv6].nh, seen[IPv6].tc, seen[IPv6].fl) == (255, 58, 0, 0)
    assert (IPv6Address(seen[IPv6].src), IPv6Address(seen[IPv6].dst)) == (
        asked.sender,
        asked.receiver,
    )
    message = seen[ICMPv6ND_NS]
    assert IPv6Address(message.tgt) == asked.target
    options = raw(message.payload)
    assert options == raw(seen)[54 + 24 :]
    if asked.link_layer is not None:
        assert message[ICMPv6NDOptSrcLLAddr].lladdr == text(asked.link_layer)
    if asked.nonce is not None:
        assert options[-8:] == b"\x0e\x01" + asked.nonce
    right = message.cksum
    del seen[ICMPv6ND_NS].cksum
    assert Ether(raw(seen))[ICMPv6ND_NS].cksum == right


@given(advertisements)
@example(SEEN)
def test_an_advertisement_of_ours_is_what_scapy_reads(given_: Advertisement) -> None:
    seen = Ether(write_advertisement(given_))
    assert (seen.dst, seen.src) == (text(given_.destination), text(given_.source))
    message = seen[ICMPv6ND_NA]
    assert (given_.router, given_.solicited, given_.override) == (message.R, message.S, message.O)
    assert IPv6Address(message.tgt) == given_.target
    if given_.link_layer is not None:
        assert message[ICMPv6NDOptDstLLAddr].lladdr == text(given_.link_layer)
    right = message.cksum
    del seen[ICMPv6ND_NA].cksum
    assert Ether(raw(seen))[ICMPv6ND_NA].cksum == right


@given(solicitations | probes, st.binary(max_size=20))
def test_a_solicitation_of_scapys_is_read(asked: Solicitation, padding: bytes) -> None:
    frame = headers(asked) / ICMPv6ND_NS(tgt=str(asked.target))
    if asked.link_layer is not None:
        frame = frame / ICMPv6NDOptSrcLLAddr(lladdr=text(asked.link_layer))
    if asked.nonce is not None:
        frame = frame / ICMPv6NDOptUnknown(type=14, len=1, data=asked.nonce)
    assert read_ndp(raw(frame) + padding) == asked


@given(advertisements, st.binary(max_size=20))
def test_an_advertisement_of_scapys_is_read(given_: Advertisement, padding: bytes) -> None:
    frame = headers(given_) / ICMPv6ND_NA(
        tgt=str(given_.target), R=given_.router, S=given_.solicited, O=given_.override
    )
    if given_.link_layer is not None:
        frame = frame / ICMPv6NDOptDstLLAddr(lladdr=text(given_.link_layer))
    assert read_ndp(raw(frame) + padding) == given_


@given(solicitations | probes | advertisements)
def test_what_we_write_we_read(packet: Solicitation | Advertisement) -> None:
    write = write_solicitation if isinstance(packet, Solicitation) else write_advertisement
    assert read_ndp(write(packet)) == packet  # type: ignore[arg-type]


@given(st.binary(max_size=120))
@example(b"")
def test_any_bytes_are_a_message_or_a_named_drop(data: bytes) -> None:
    assert isinstance(read_ndp(data), Solicitation | Advertisement | FrameDrop)


@given(
    st.sampled_from([write_solicitation(ASKED), write_advertisement(SEEN)]),
    st.lists(st.tuples(st.integers(0, 93), st.integers(0, 255)), max_size=6),
    st.booleans(),
)
def test_a_frame_with_wrong_octets_is_a_message_or_a_named_drop(
    good: bytes, changes: list[tuple[int, int]], summed: bool
) -> None:
    """With the checksum made right again, or nothing behind it would ever be reached."""
    frame = bytearray(good)
    for at, octet in changes:
        frame[at % len(frame)] = octet
    if summed:
        seen = Ether(bytes(frame))
        for kind in (ICMPv6ND_NS, ICMPv6ND_NA):
            if kind in seen:
                del seen[kind].cksum
        frame = bytearray(raw(seen))
    assert isinstance(read_ndp(bytes(frame)), Solicitation | Advertisement | FrameDrop)


option_octets = st.builds(
    lambda kind, length, content: bytes([kind, length]) + content,
    st.sampled_from([1, 2, 14, 200]),
    st.integers(0, 3),
    st.binary(max_size=16),
)


@given(
    st.sampled_from([ICMPv6ND_NS, ICMPv6ND_NA]),
    st.lists(option_octets | st.binary(max_size=9), max_size=3).map(b"".join),
)
@example(ICMPv6ND_NS, b"\1")
def test_options_of_any_octets_are_a_message_or_a_named_drop(kind: type, options: bytes) -> None:
    """Seen so: whole options in units of 8 octets, and hardware addresses of one unit."""
    found = read_ndp(raw(headers(ASKED) / kind(tgt=str(THERE)) / Raw(options)))
    kinds: list[int] = []
    left = options
    while len(left) >= 2 and 0 < 8 * left[1] <= len(left):
        whole = left[1] == 1 or left[0] not in (1, 2)
        kinds.append(left[0] if whole else -1)
        left = left[8 * left[1] :]
    if left or -1 in kinds:
        assert found is FrameDrop.OPTION
    else:
        asks = kind is ICMPv6ND_NS
        assert found is FrameDrop.SENDER or isinstance(found, Solicitation | Advertisement)
        if not isinstance(found, FrameDrop):
            assert (found.link_layer is not None) == ((1 if asks else 2) in kinds)


@pytest.mark.parametrize("length", range(len(write_solicitation(ASKED))))
def test_a_frame_that_is_cut_is_short(length: int) -> None:
    assert read_ndp(write_solicitation(ASKED)[:length]) is FrameDrop.SHORT


@pytest.mark.parametrize("at", [14 + 8, 14 + 24, 54 + 2, 54 + 4, 54 + 8, 54 + 24 + 2])
def test_one_wrong_bit_is_a_wrong_checksum(at: int) -> None:
    frame = bytearray(write_advertisement(SEEN))
    frame[at + 1] ^= 0x10
    assert read_ndp(bytes(frame)) is FrameDrop.CHECKSUM


def test_the_group_of_an_address() -> None:
    """The example of RFC 4291 section 2.7.1."""
    group = solicited_node_group(IPv6Address("4037::01:800:200e:8c6c"))
    assert group == IPv6Address("ff02::1:ff0e:8c6c")


def test_a_message_alone_is_what_scapy_reads() -> None:
    """What gateways are asked with: the kernel adds the headers and the checksum."""
    message = ICMPv6ND_NS(solicitation_message(THERE, link_layer=OWN))
    assert IPv6Address(message.tgt) == THERE
    assert message[ICMPv6NDOptSrcLLAddr].lladdr == text(OWN)


def test_an_answer_alone_is_read() -> None:
    message = raw(ICMPv6ND_NA(tgt=str(THERE)))
    assert advertised(message) == THERE
    assert advertised(message[:20]) is None
    assert advertised(raw(ICMPv6ND_NS(tgt=str(THERE)))) is None


def test_who_asks_is_reached_where_the_option_says() -> None:
    assert ASKED.sender_mac == OWN
    assert Solicitation(MAC, OWN, HERE, THERE, THERE).sender_mac == OWN
    assert Solicitation(MAC, OWN, HERE, THERE, THERE, MAC).is_relayed
    assert Solicitation(MAC, OWN, UNSPECIFIED, ALL_NODES, THERE).is_probe
