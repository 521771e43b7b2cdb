"""The frames a responder sends of its own accord, and what a foreign frame says of an address.

Announcements are ARP requests with the target's hardware address zero, and Neighbor
Advertisements with the Override flag: the forms that hosts accept whatever their entry's age.
"""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from pointsman.responder.answer import Packet
from pointsman.responder.terms import Address
from pointsman.wire.arp import UNKNOWN, ArpPacket, arp_request, write_arp
from pointsman.wire.ethernet import multicast_mac
from pointsman.wire.ndp import (
    ALL_NODES,
    UNSPECIFIED,
    Advertisement,
    Solicitation,
    solicited_node_group,
    write_advertisement,
    write_solicitation,
)


def announcement(address: Address, mac: bytes, *, link_local: IPv6Address | None) -> bytes:
    """Return the frame that says to everybody: *address* is at *mac*.

    RFC 5227 section 2.3; RFC 4861 section 7.2.6 (O set, S clear, to all nodes), from *link_local*
    where it is known, else from the address itself.
    """
    if isinstance(address, IPv4Address):
        return write_arp(arp_request(address, mac=mac, sender=address))
    return write_advertisement(
        Advertisement(
            *(multicast_mac(ALL_NODES), mac, link_local or address, ALL_NODES, address),
            link_layer=mac,
            override=True,
        )
    )


def probe(address: Address, mac: bytes, *, nonce: bytes) -> bytes:
    """Return the frame that asks whether anybody has *address*, and claims nothing.

    RFC 5227 section 2.1.1; RFC 4862 section 5.4.2, with the nonce of RFC 7527 section 4.1.
    """
    if isinstance(address, IPv4Address):
        return write_arp(arp_request(address, mac=mac, sender=UNKNOWN))
    group = solicited_node_group(address)
    return write_solicitation(
        Solicitation(multicast_mac(group), mac, UNSPECIFIED, group, address, nonce=nonce)
    )


def gateway_question(gateway: Address, address: Address, mac: bytes) -> bytes:
    """Return the frame that asks for *gateway*, as *address*, which is at *mac*.

    To everybody: what this station knew of the gateway may be as old as the gateway's own entry.
    RFC 826; RFC 4861 section 7.2.2, with the source link-layer address that section 7.2.3 takes.
    """
    if isinstance(gateway, IPv4Address):
        assert isinstance(address, IPv4Address), "a gateway is asked as an address of its family"
        return write_arp(arp_request(gateway, mac=mac, sender=address))
    assert isinstance(address, IPv6Address), "a gateway is asked as an address of its family"
    group = solicited_node_group(gateway)
    return write_solicitation(
        Solicitation(multicast_mac(group), mac, address, group, gateway, link_layer=mac)
    )


@dataclass(frozen=True, slots=True)
class Word:
    """*mac* spoke for *address*, or only *probes* for it, in IPv6 with its *nonce*."""

    address: Address
    mac: bytes
    probes: bool
    nonce: bytes | None = None


def word(packet: Packet) -> Word | None:
    """Return what *packet* says about who has an address; None: nothing."""
    match packet:
        case Advertisement(target=target, sender_mac=mac):
            return Word(target, mac, probes=False)
        case Solicitation(is_probe=True, target=target, sender_mac=mac, nonce=nonce):
            return Word(target, mac, probes=True, nonce=nonce)
        case ArpPacket(is_probe=True, target=target, sender_mac=mac):
            return Word(target, mac, probes=True)
        case ArpPacket(sender=sender, sender_mac=mac) if sender == UNKNOWN:
            return None
        case ArpPacket(sender=sender, sender_mac=mac) | Solicitation(sender=sender, sender_mac=mac):
            return Word(sender, mac, probes=False)
