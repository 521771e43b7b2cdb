"""ARP over Ethernet for IPv4 (RFC 826, RFC 5227): frames as bytes and as values.

Reading takes any bytes and returns a value or the reason to drop them, never an exception.
Refuses to know which addresses are ours: who answers is `pointsman.responder`'s matter.
"""

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Final

from pointsman.wire.ethernet import (
    BROADCAST,
    ETH_P_ARP,
    ETHERNET,
    MAC_OCTETS,
    NOBODY,
    TAGS,
    is_station,
)
from pointsman.wire.frame_drops import FrameDrop

REQUEST: Final = 1
REPLY: Final = 2
UNKNOWN: Final = IPv4Address(0)  # the sender of a probe (RFC 5227 section 1.1)

_ARP: Final = struct.Struct("!HHBBH6s4s6s4s")
_IPV4_OVER_ETHERNET: Final = (1, 0x0800, MAC_OCTETS, 4)
_LEAST: Final = ETHERNET.size + _ARP.size  # longer ones are padded to Ethernet's least
_LOOPBACK: Final = 127
_GROUPS: Final = range(224, 240)  # RFC 5771
_EVERYBODY: Final = b"\xff" * 4


@dataclass(frozen=True, slots=True)
class ArpPacket:
    """One request or reply, with the Ethernet header that carries it; a MAC is six octets."""

    destination: bytes
    source: bytes
    operation: int
    sender_mac: bytes
    sender: IPv4Address
    target_mac: bytes
    target: IPv4Address

    @property
    def is_probe(self) -> bool:
        """Whether it asks for an address before using it (RFC 5227 section 2.1.1)."""
        return self.operation == REQUEST and self.sender == UNKNOWN

    @property
    def is_announcement(self) -> bool:
        """Whether it says of its sender's address whose it is: gratuitous, in either form."""
        return self.sender == self.target

    @property
    def is_relayed(self) -> bool:
        """Whether another hardware address sent it than the one that it names."""
        return self.source != self.sender_mac


def read_arp(frame: bytes) -> ArpPacket | FrameDrop:
    """Return what *frame* holds, padded or not, or why it counts for nothing.

    A sender must be one station; its address may be 0.0.0.0 (a probe), but no group, no loopback
    and not 255.255.255.255: nobody is there to be answered.
    """
    if len(frame) < ETHERNET.size:
        return FrameDrop.SHORT
    destination, source, ethertype = ETHERNET.unpack_from(frame)
    if ethertype != ETH_P_ARP:
        return FrameDrop.TAGGED if ethertype in TAGS else FrameDrop.FOREIGN
    if len(frame) < _LEAST:
        return FrameDrop.SHORT
    *kind, operation, sender_mac, sender, target_mac, target = _ARP.unpack_from(
        frame, ETHERNET.size
    )
    if tuple(kind) != _IPV4_OVER_ETHERNET:
        return FrameDrop.FOREIGN
    if operation not in (REQUEST, REPLY):
        return FrameDrop.FOREIGN
    if not is_station(source) or not is_station(sender_mac):
        return FrameDrop.SENDER
    if sender[0] == _LOOPBACK or sender[0] in _GROUPS or sender == _EVERYBODY:
        return FrameDrop.SENDER
    return ArpPacket(
        destination,
        source,
        operation,
        sender_mac,
        IPv4Address(sender),
        target_mac,
        IPv4Address(target),
    )


def write_arp(packet: ArpPacket) -> bytes:
    """Return the frame that says *packet*: 42 octets, which the driver pads where it must."""
    header = ETHERNET.pack(packet.destination, packet.source, ETH_P_ARP)
    return header + _ARP.pack(
        *_IPV4_OVER_ETHERNET,
        packet.operation,
        packet.sender_mac,
        packet.sender.packed,
        packet.target_mac,
        packet.target.packed,
    )


def arp_request(
    target: IPv4Address, *, mac: bytes, sender: IPv4Address, of: bytes = BROADCAST
) -> ArpPacket:
    """Return the request of the station *mac* for *target*: of everybody, or of one station.

    With *sender* 0.0.0.0 it is a probe, with *sender* equal to *target* an announcement
    (RFC 5227 sections 2.1.1 and 2.3); the target's hardware address is zero, as it says there.
    """
    asked_mac = NOBODY if of == BROADCAST else of
    return ArpPacket(of, mac, REQUEST, mac, sender, asked_mac, target)
