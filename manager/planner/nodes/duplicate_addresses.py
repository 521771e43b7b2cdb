"""Addresses that several nodes report to have: whose each is, and whose next hop it may not be.

A router that is sent such an address reaches one of those nodes, nobody knows which. A Node's
InternalIP is its own, whoever else reports it. Any other is nobody's next hop, until one node
alone reports it. Addresses that we gave to Services, and those that data planes park on every
node, are no node's own: they are not looked at.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from manager.planner.addresses.reserved import PARKED
from manager.snapshot import NodeName, Snapshot
from pointsman.model.address import Address
from pointsman.model.unicast import is_unicast


@dataclass(frozen=True, slots=True)
class DuplicateAddresses:
    """Addresses with all the nodes that have them, and by which of them a node is not reached."""

    nodes: Mapping[Address, tuple[NodeName, ...]] = field(default_factory=dict)
    foreign: Mapping[NodeName, frozenset[Address]] = field(default_factory=dict)


NOTHING = DuplicateAddresses()


def duplicate_addresses(snapshot: Snapshot, vips: AbstractSet[Address]) -> DuplicateAddresses:
    """Return which addresses of *snapshot* several nodes have."""
    first: dict[Address, NodeName] = {}
    duplicates: dict[Address, set[NodeName]] = {}
    internal = {name: frozenset(node.internal_ips) for name, node in snapshot.nodes.items()}
    reported = {
        name: frozenset(
            own.ip
            for interface in announcer.interfaces
            if not interface.name.startswith(PARKED)
            for own in interface.addresses
            if own.ip not in vips and is_unicast(own.ip)
        )
        for name, announcer in snapshot.announcers.items()
        if name in snapshot.nodes
    }
    for name, own in internal.items():
        for address in own | reported.get(name, frozenset()):
            if first.setdefault(address, name) != name:
                duplicates.setdefault(address, {first[address]}).add(name)
    return DuplicateAddresses(
        nodes={address: tuple(sorted(names)) for address, names in duplicates.items()},
        foreign={
            name: found
            for name, addresses in reported.items()
            if (found := (addresses & duplicates.keys()) - internal[name])
        },
    )
