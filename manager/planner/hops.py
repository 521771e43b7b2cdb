"""By which address a router reaches a node: the next hop, chosen per peer and family.

It is the node's address on a network that the peer shares, because that is one hop away;
else the node's InternalIP; of the family that is asked for. Addresses that we gave to
Services are never next hops, nor are loopback or link-local ones: a router has no way to
them, and the speaker would refuse the whole table.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from manager.snapshot import Announcer, Interface, Node
from pointsman.model.address import Address, Family, address_order, family_of
from pointsman.model.unicast import is_unicast


@dataclass(frozen=True, slots=True)
class Hop:
    """An address of a node, and whether it is on a network shared with the peer."""

    address: Address
    shared: bool


def next_hop(
    node: Node,
    announcer: Announcer | None,
    *,
    peer: Address,
    family: Family,
    vips: AbstractSet[Address],
) -> Hop | None:
    """Return how *peer* reaches *node* for prefixes of *family*; None: it has no such address."""
    preferred = [
        address
        for address in node.internal_ips
        if family_of(address) is family and is_unicast(address)
    ]
    if announcer is not None and announcer.reported:
        usable = [
            address
            for interface in sorted(announcer.interfaces, key=lambda one: one.name)
            if interface.up and is_on(interface, peer)
            for address in _addresses(interface, peer, family, vips)
        ]
        if usable:
            known = [address for address in usable if address in preferred]
            return Hop((known or usable)[0], shared=True)
    internal = next((address for address in preferred if address not in vips), None)
    return None if internal is None else Hop(internal, shared=False)


def is_on(interface: Interface, peer: Address) -> bool:
    """Whether *interface* is on a network that *peer* is on, too."""
    return any(
        own.version == peer.version and peer in own.network and peer != own.ip
        for own in interface.addresses
    )


def _addresses(
    interface: Interface, peer: Address, family: Family, vips: AbstractSet[Address]
) -> list[Address]:
    """Return the interface's addresses of *family*: those on the peer's own network first."""
    found = [
        own
        for own in interface.addresses
        if family_of(own.ip) is family and own.ip not in vips and is_unicast(own.ip)
    ]
    near = [own.ip for own in found if own.version == peer.version and peer in own.network]
    return sorted(near or [own.ip for own in found], key=address_order)
