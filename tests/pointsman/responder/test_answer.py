"""What is answered, to whom, and what counts as somebody's claim; scapy reads the answers."""

from ipaddress import IPv4Address, IPv6Address

import pytest
from scapy.layers.inet6 import ICMPv6ND_NA, ICMPv6NDOptDstLLAddr, IPv6
from scapy.layers.l2 import ARP, Ether

from pointsman.responder.answer import Claim, Packet, ReplyKind, answer, kind, read
from pointsman.wire.arp import REPLY, UNKNOWN, ArpPacket, arp_request, write_arp
from pointsman.wire.ethernet import multicast_mac
from pointsman.wire.frame_drops import FrameDrop
from pointsman.wire.ndp import (
    ALL_NODES,
    UNSPECIFIED,
    Advertisement,
    Solicitation,
    solicited_node_group,
    write_advertisement,
    write_solicitation,
)

OWN, CLIENT, NODE, OTHER = (bytes.fromhex(f"0200000000{n}") for n in ("11", "01", "12", "66"))
VIP, HERE, ROUTER = (IPv4Address(f"192.0.2.{n}") for n in (100, 10, 1))
VIP6, HERE6, ROUTER6 = (IPv6Address(f"2001:db8:2::{n}") for n in (100, 10, 1))
GROUP = solicited_node_group(VIP6)
GROUP_MAC = multicast_mac(GROUP)
ALL_MAC = multicast_mac(ALL_NODES)
OURS = frozenset({VIP, VIP6})


def answered(packet: Packet, *, spoken_for: bytes | None = None) -> bytes | FrameDrop | Claim:
    return answer(packet, mac=OWN, is_ours=OURS.__contains__, spoken_for=spoken_for)


def who_has(target: IPv4Address, *, sender: IPv4Address = HERE, of: bytes = b"\xff" * 6):
    return arp_request(target, mac=CLIENT, sender=sender, of=of)


def asks(*, of: bytes = GROUP_MAC, receiver: IPv6Address = GROUP, option: bytes | None = CLIENT):
    return Solicitation(of, CLIENT, HERE6, receiver, VIP6, option)


DAD = Solicitation(GROUP_MAC, CLIENT, UNSPECIFIED, GROUP, VIP6)
RELAYED = ArpPacket(b"\xff" * 6, OTHER, 1, CLIENT, HERE, bytes(6), VIP)


@pytest.mark.parametrize(
    ("question", "sender", "which"),
    [
        pytest.param(who_has(VIP), HERE, ReplyKind.ARP_BROADCAST, id="of all"),
        pytest.param(who_has(VIP, of=OWN), HERE, ReplyKind.ARP_UNICAST, id="a refresh"),
        pytest.param(who_has(VIP, sender=UNKNOWN), UNKNOWN, ReplyKind.PROBE, id="a probe"),
        pytest.param(RELAYED, HERE, ReplyKind.ARP_BROADCAST, id="sent by another interface"),
    ],
)
@pytest.mark.parametrize("spoken_for", [None, NODE], ids=["node", "central"])
def test_a_request_is_answered_to_the_sender_it_names(
    question: ArpPacket, sender: IPv4Address, which: ReplyKind, spoken_for: bytes | None
) -> None:
    frame = answered(question, spoken_for=spoken_for)
    assert kind(question) is which
    if spoken_for is not None and which is ReplyKind.ARP_UNICAST:
        assert frame is FrameDrop.DESTINATION  # it asks a station that is not the node
        return
    assert isinstance(frame, bytes)
    seen, arp = Ether(frame), Ether(frame)[ARP]
    assert (seen.dst, seen.src) == (CLIENT.hex(":"), OWN.hex(":"))
    assert (arp.op, arp.hwsrc, arp.psrc) == (2, (spoken_for or OWN).hex(":"), str(VIP))
    assert (arp.hwdst, arp.pdst) == (CLIENT.hex(":"), str(sender))


@pytest.mark.parametrize(
    ("question", "to", "receiver", "solicited", "which"),
    [
        pytest.param(asks(), CLIENT, HERE6, 1, ReplyKind.NS_MULTICAST, id="of the group"),
        pytest.param(
            *(asks(of=OWN, receiver=VIP6), CLIENT, HERE6, 1, ReplyKind.NS_UNICAST), id="a refresh"
        ),
        pytest.param(
            *(asks(of=OWN, receiver=VIP6, option=None), CLIENT, HERE6, 1, ReplyKind.NS_UNICAST),
            id="a refresh without its hardware address",
        ),
        pytest.param(
            *(asks(option=OTHER), OTHER, HERE6, 1, ReplyKind.NS_MULTICAST),
            id="sent by another interface",
        ),
        pytest.param(DAD, ALL_MAC, ALL_NODES, 0, ReplyKind.DAD, id="duplicate address detection"),
        pytest.param(
            *(asks(of=OWN), CLIENT, HERE6, 1, ReplyKind.NS_MULTICAST),
            id="a group's, sent to this station",  # RFC 6085
        ),
    ],
)
@pytest.mark.parametrize("spoken_for", [None, NODE], ids=["node", "central"])
def test_a_solicitation_is_answered(
    question: Solicitation,
    to: bytes,
    receiver: IPv6Address,
    solicited: int,
    which: ReplyKind,
    spoken_for: bytes | None,
) -> None:
    frame = answered(question, spoken_for=spoken_for)
    assert kind(question) is which
    if spoken_for is not None and question.destination == OWN:
        assert frame is FrameDrop.DESTINATION
        return
    assert isinstance(frame, bytes)
    seen, message = Ether(frame), Ether(frame)[ICMPv6ND_NA]
    assert (seen.dst, seen.src) == (to.hex(":"), OWN.hex(":"))
    assert (IPv6Address(seen[IPv6].src), IPv6Address(seen[IPv6].dst)) == (VIP6, receiver)
    assert (0, solicited, 1) == (message.R, message.S, message.O)
    assert message[ICMPv6NDOptDstLLAddr].lladdr == (spoken_for or OWN).hex(":")


def says(*, target: IPv6Address = VIP6, mac: bytes | None = OTHER, override: bool = True):
    return Advertisement(ALL_MAC, OTHER, VIP6, ALL_NODES, target, mac, override=override)


def speaks(operation: int, target: IPv4Address) -> ArpPacket:
    return ArpPacket(b"\xff" * 6, OTHER, operation, OTHER, VIP, bytes(6), target)


@pytest.mark.parametrize(
    ("packet", "yields"),
    [
        pytest.param(speaks(1, VIP), True, id="an announcement"),
        pytest.param(speaks(REPLY, VIP), True, id="an announcement as a reply"),
        pytest.param(speaks(REPLY, HERE), False, id="an answer to somebody"),
        pytest.param(speaks(1, ROUTER), False, id="a question in its name"),
        pytest.param(says(), True, id="an advertisement that overrides"),
        pytest.param(says(mac=None), True, id="one without its hardware address"),
        pytest.param(says(override=False), False, id="an advertisement that does not"),
        pytest.param(says(target=ROUTER6), False, id="an advertisement from the address"),
        pytest.param(
            Solicitation(GROUP_MAC, OTHER, VIP6, GROUP, ROUTER6, OTHER), False, id="asks from it"
        ),
    ],
)
def test_whoever_speaks_for_an_address_of_ours_claims_it(packet: Packet, yields: bool) -> None:
    found = answered(packet)
    address = VIP if isinstance(packet, ArpPacket) else VIP6
    assert found == Claim(address, OTHER, yields=yields)


@pytest.mark.parametrize(
    "packet",
    [speaks(1, VIP), says(), Solicitation(GROUP_MAC, OTHER, VIP6, GROUP, ROUTER6, OTHER)],
    ids=["arp", "advertisement", "solicitation"],
)
def test_the_node_that_is_spoken_for_claims_nothing(packet: Packet) -> None:
    assert answered(packet, spoken_for=OTHER) is FrameDrop.OWN
    assert isinstance(answered(packet, spoken_for=NODE), Claim)


@pytest.mark.parametrize(
    ("packet", "why"),
    [
        pytest.param(who_has(ROUTER), FrameDrop.NOT_OURS, id="a request for another's address"),
        pytest.param(who_has(VIP, of=OTHER), FrameDrop.DESTINATION, id="a request to another"),
        pytest.param(
            arp_request(VIP, mac=OWN, sender=VIP), FrameDrop.OWN, id="our own announcement"
        ),
        pytest.param(
            ArpPacket(OWN, CLIENT, REPLY, CLIENT, HERE, OWN, VIP),
            FrameDrop.NO_QUESTION,
            id="an answer to us",
        ),
        pytest.param(
            asks(of=multicast_mac(ALL_NODES)), FrameDrop.DESTINATION, id="sent to a wrong group"
        ),
        pytest.param(
            asks(of=b"\xff" * 6), FrameDrop.DESTINATION, id="a solicitation sent to everybody"
        ),
        pytest.param(
            asks(of=GROUP_MAC, receiver=VIP6), FrameDrop.DESTINATION, id="for one, sent to many"
        ),
        pytest.param(
            asks(of=ALL_MAC, receiver=ALL_NODES), FrameDrop.RECEIVER, id="asked of all nodes"
        ),
        pytest.param(
            asks(of=OWN, receiver=ROUTER6), FrameDrop.RECEIVER, id="asked of another address"
        ),
        pytest.param(
            Solicitation(GROUP_MAC, CLIENT, HERE6, GROUP, ROUTER6, CLIENT),
            FrameDrop.NOT_OURS,
            id="another address of the group",
        ),
        pytest.param(
            Advertisement(OWN, CLIENT, ROUTER6, HERE6, ROUTER6, CLIENT),
            FrameDrop.NO_QUESTION,
            id="an answer about another address",
        ),
        pytest.param(
            Solicitation(GROUP_MAC, OWN, UNSPECIFIED, GROUP, VIP6),
            FrameDrop.OWN,
            id="our own duplicate address detection",
        ),
    ],
)
def test_what_is_not_answered_says_why(packet: Packet, why: FrameDrop) -> None:
    assert answered(packet) is why


@pytest.mark.parametrize("packet", [who_has(VIP), asks(), says()], ids=["arp", "ns", "na"])
def test_a_frame_is_read_as_what_it_is(packet: Packet) -> None:
    match packet:
        case ArpPacket():
            assert read(write_arp(packet)) == packet
        case Solicitation():
            assert read(write_solicitation(packet)) == packet
        case Advertisement():
            assert read(write_advertisement(packet)) == packet


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        pytest.param(b"", FrameDrop.SHORT, id="nothing"),
        pytest.param(b"\2" * 12 + b"\x08\0" + bytes(60), FrameDrop.FOREIGN, id="IPv4"),
        pytest.param(b"\2" * 12 + b"\x81\0" + bytes(60), FrameDrop.TAGGED, id="of a VLAN"),
        pytest.param(b"\2" * 12 + b"\x86\xdd" + bytes(20), FrameDrop.SHORT, id="IPv6, cut"),
    ],
)
def test_what_is_neither_says_why(frame: bytes, why: FrameDrop) -> None:
    assert read(frame) is why
