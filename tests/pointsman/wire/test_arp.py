"""ARP, with scapy as the independent reader and writer; odd frames: `test_odd_frames.py`."""

from ipaddress import IPv4Address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scapy.layers.l2 import ARP, Ether

from pointsman.wire.arp import (
    REPLY,
    REQUEST,
    UNKNOWN,
    ArpPacket,
    arp_request,
    read_arp,
    write_arp,
)
from pointsman.wire.ethernet import BROADCAST, NOBODY
from pointsman.wire.frame_drops import FrameDrop

OWN, MAC = bytes.fromhex("020000000011"), bytes.fromhex("020000000001")
HERE, THERE = IPv4Address("192.0.2.11"), IPv4Address("192.0.2.1")
GOOD = write_arp(arp_request(THERE, mac=OWN, sender=HERE))

macs = st.binary(min_size=6, max_size=6)
stations = macs.map(lambda mac: bytes([mac[0] & 0xFE]) + mac[1:]).filter(any)
anybody = st.ip_addresses(v=4)
senders = anybody.filter(
    lambda one: not (one.is_loopback or one.is_multicast or int(one) == 0xFFFF_FFFF)
)
packets = st.builds(
    ArpPacket,
    destination=macs,
    source=stations,
    operation=st.sampled_from([REQUEST, REPLY]),
    sender_mac=stations,
    sender=senders,
    target_mac=macs,
    target=anybody,
)


def text(mac: bytes) -> str:
    return mac.hex(":")


@given(packets)
def test_what_we_write_scapy_reads(packet: ArpPacket) -> None:
    frame = write_arp(packet)
    assert len(frame) == 42
    seen = Ether(frame)
    arp = seen[ARP]
    assert (seen.dst, seen.src) == (text(packet.destination), text(packet.source))
    assert (arp.hwtype, arp.ptype, arp.hwlen, arp.plen) == (1, 0x0800, 6, 4)
    assert (arp.op, arp.hwsrc, arp.hwdst) == (
        packet.operation,
        text(packet.sender_mac),
        text(packet.target_mac),
    )
    assert (arp.psrc, arp.pdst) == (str(packet.sender), str(packet.target))


@given(packets, st.binary(max_size=40))
def test_what_scapy_writes_we_read(packet: ArpPacket, padding: bytes) -> None:
    frame = Ether(dst=text(packet.destination), src=text(packet.source)) / ARP(
        op=packet.operation,
        hwsrc=text(packet.sender_mac),
        psrc=str(packet.sender),
        hwdst=text(packet.target_mac),
        pdst=str(packet.target),
    )
    assert read_arp(bytes(frame) + padding) == packet


@given(packets)
def test_what_we_write_we_read(packet: ArpPacket) -> None:
    assert read_arp(write_arp(packet)) == packet


@given(st.binary(max_size=80))
@example(b"")
@example(GOOD[:41])
def test_any_bytes_are_a_packet_or_a_named_drop(data: bytes) -> None:
    assert isinstance(read_arp(data), ArpPacket | FrameDrop)


@given(st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), max_size=6))
def test_a_frame_with_wrong_octets_is_a_packet_or_a_named_drop(
    changes: list[tuple[int, int]],
) -> None:
    frame = bytearray(GOOD)
    for at, octet in changes:
        frame[at] = octet
    found = read_arp(bytes(frame))
    assert isinstance(found, FrameDrop) or write_arp(found) == bytes(frame)


@pytest.mark.parametrize("length", range(len(GOOD)))
def test_a_frame_that_is_cut_is_short(length: int) -> None:
    assert read_arp(GOOD[:length]) is FrameDrop.SHORT


@pytest.mark.parametrize(
    ("of", "target_mac"), [(BROADCAST, NOBODY), (MAC, MAC)], ids=["of all", "of one"]
)
def test_a_request_is_of_all_or_of_one(of: bytes, target_mac: bytes) -> None:
    asked = arp_request(THERE, mac=OWN, sender=HERE, of=of)
    assert asked == ArpPacket(of, OWN, REQUEST, OWN, HERE, target_mac, THERE)
    assert not asked.is_probe
    assert not asked.is_announcement
    assert not asked.is_relayed


def test_a_probe_has_no_sender_and_an_announcement_names_itself() -> None:
    """RFC 5227 sections 2.1.1 and 2.3."""
    assert arp_request(THERE, mac=OWN, sender=UNKNOWN).is_probe
    assert arp_request(HERE, mac=OWN, sender=HERE).is_announcement
