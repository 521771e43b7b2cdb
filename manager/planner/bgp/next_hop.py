"""By which address a router reaches a node: the next hop, chosen per peer and family.

It is the node's address on a network that the peer shares, because that is one hop away;
else the InternalIP that lies on a network where other agents find the peer; else the first
InternalIP; of the family that is asked for. Addresses that we gave to
Services are never next hops, nor are loopback or link-local ones: a router has no way to
them, and the speaker would refuse the whole table.
"""

from collections.abc import Collection
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from manager.snapshot import Announcer, Interface, Node
from pointsman.model.address import Address, Family, Prefix, address_order, family_of
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
    near: Collection[Prefix] = (),
    foreign: AbstractSet[Address] = frozenset(),
) -> Hop | None:
    """Return how *peer* reaches *node* for prefixes of *family*; None: it has no such address.

    *foreign*: what it reports and other nodes have, too.
    *near*: networks that agents of any node are known to share with the peer.
    """
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
            if address not in foreign
        ]
        if usable:
            known = [address for address in usable if address in preferred]
            return Hop((known or usable)[0], shared=True)
    dead = _on_dead_links(announcer)
    internal = [address for address in preferred if address not in vips]
    # Of those on the peer's links, the one on its own network comes first.
    own = [one for one in near if one.version == peer.version and peer in one]
    for networks in (own, near):
        for address in internal:
            if address not in dead and lies_in(address, networks):
                return Hop(address, shared=False)
    return Hop(internal[0], shared=False) if internal else None


def lies_in(address: Address, networks: Collection[Prefix]) -> bool:
    """Whether *address* is of one of *networks*."""
    return any(one.version == address.version and address in one for one in networks)


def _on_dead_links(announcer: Announcer | None) -> frozenset[Address]:
    """Return the addresses that a node has on interfaces without link, as far as it says."""
    if announcer is None or not announcer.reported:
        return frozenset()
    down = (interface for interface in announcer.interfaces if not interface.up)
    return frozenset(own.ip for interface in down for own in interface.addresses)


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
