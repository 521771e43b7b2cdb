"""One frame in, what follows from it out: the answer, why there is none, or somebody's claim.

It remembers nothing, so a forged sender gets one true answer of the same size and changes nothing
else. Ethernet's source is always our own hardware address, and so is what the answer names, but
for the central responder: that one names the elected node's, from its own source address.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv6Address
from typing import Final

from pointsman.model.address import Address
from pointsman.wire.arp import REPLY, REQUEST, ArpPacket, read_arp, write_arp
from pointsman.wire.ethernet import BROADCAST, ETH_P_IPV6, multicast_mac
from pointsman.wire.frame_drops import FrameDrop
from pointsman.wire.ndp import (
    ALL_NODES,
    Advertisement,
    Solicitation,
    read_ndp,
    solicited_node_group,
    write_advertisement,
)

Packet = ArpPacket | Solicitation | Advertisement

_ALL_NODES_MAC: Final = multicast_mac(ALL_NODES)
_ETHERTYPE: Final = slice(12, 14)
_IPV6_FRAMES: Final = ETH_P_IPV6.to_bytes(2, "big")


class ReplyKind(StrEnum):
    """Which question an answer is to: ``l2_replies_total{kind}``."""

    ARP_BROADCAST = "arp_bcast"
    ARP_UNICAST = "arp_ucast"  # a client refreshes its entry
    NS_MULTICAST = "ns_mcast"
    NS_UNICAST = "ns_ucast"
    PROBE = "probe"  # somebody wants to use the address (RFC 5227 section 2.1.1)
    DAD = "dad"  # the same (RFC 4862 section 5.4)


@dataclass(frozen=True, slots=True)
class Claim:
    """Somebody else speaks for an address of ours."""

    address: Address
    mac: bytes
    yields: bool  # it takes clients away: they follow an announcement, and NAs with O


def read(frame: bytes) -> Packet | FrameDrop:
    """Return what *frame* holds, of ARP or NDP, or why it counts for nothing."""
    return read_ndp(frame) if frame[_ETHERTYPE] == _IPV6_FRAMES else read_arp(frame)


def answer(
    packet: Packet,
    *,
    mac: bytes,
    is_ours: Callable[[Address], bool],
    spoken_for: bytes | None = None,
) -> bytes | FrameDrop | Claim:
    """Return the frame that answers *packet*, why none does, or who claims an address of ours.

    *mac* is the interface's own. With *spoken_for* the answer names that hardware address, and
    only what was sent to everybody is answered: whoever asks one station asks the node itself,
    and a claim of that node is none.
    """
    if packet.sender_mac in (mac, spoken_for):
        return FrameDrop.OWN
    if not _is_for_us(packet, mac):
        return FrameDrop.DESTINATION
    if (found := _claim(packet, is_ours)) is not None:
        return found
    if isinstance(packet, Advertisement):
        return FrameDrop.NO_QUESTION
    if isinstance(packet, ArpPacket) and packet.operation != REQUEST:
        return FrameDrop.NO_QUESTION
    if not is_ours(packet.target):
        return FrameDrop.NOT_OURS
    if spoken_for is not None and packet.destination == mac:
        return FrameDrop.DESTINATION
    named = spoken_for or mac
    if isinstance(packet, ArpPacket):
        return write_arp(_reply(packet, mac=mac, named=named))
    if packet.receiver not in (packet.target, solicited_node_group(packet.target)):
        return FrameDrop.RECEIVER
    return write_advertisement(_advertisement(packet, mac=mac, named=named))


def kind(packet: ArpPacket | Solicitation) -> ReplyKind:
    """Return which kind of question *packet* is."""
    if isinstance(packet, ArpPacket):
        if packet.is_probe:
            return ReplyKind.PROBE
        is_broadcast = packet.destination == BROADCAST
        return ReplyKind.ARP_BROADCAST if is_broadcast else ReplyKind.ARP_UNICAST
    if packet.is_probe:
        return ReplyKind.DAD
    return ReplyKind.NS_MULTICAST if packet.receiver.is_multicast else ReplyKind.NS_UNICAST


def _is_for_us(packet: Packet, mac: bytes) -> bool:
    """Whether it was sent to this station or to the group that its message belongs to.

    An interface may hand over more: a macvlan's frames come to the device below it, too.
    """
    if packet.destination == mac:
        return True
    if isinstance(packet, ArpPacket):
        return packet.destination == BROADCAST
    is_multicast = packet.receiver.is_multicast
    return is_multicast and packet.destination == multicast_mac(packet.receiver)


def _claim(packet: Packet, is_ours: Callable[[Address], bool]) -> Claim | None:
    """Return who speaks for an address of ours; a probe asks for one, and claims none."""
    sender: Address = packet.sender
    if isinstance(packet, Advertisement) and is_ours(packet.target):
        return Claim(packet.target, packet.sender_mac, yields=packet.override)
    if not is_ours(sender):
        return None
    yields = isinstance(packet, ArpPacket) and packet.is_announcement
    return Claim(sender, packet.sender_mac, yields=yields)


def _reply(request: ArpPacket, *, mac: bytes, named: bytes) -> ArpPacket:
    """Return the reply to whoever the request names as its sender (RFC 826)."""
    return ArpPacket(
        request.sender_mac,
        *(mac, REPLY, named, request.target),
        *(request.sender_mac, request.sender),
    )


def _advertisement(question: Solicitation, *, mac: bytes, named: bytes) -> Advertisement:
    """Return the answer: to the sender, or to all nodes where it has no address yet.

    Source: RFC 4861 section 7.2.4; S=0 to all nodes for duplicate address detection.
    """
    destination, receiver = question.sender_mac, question.sender
    if question.is_probe:
        destination, receiver = _ALL_NODES_MAC, ALL_NODES
    address: IPv6Address = question.target
    return Advertisement(
        *(destination, mac, address, receiver, address, named),
        solicited=not question.is_probe,
        override=True,
    )
