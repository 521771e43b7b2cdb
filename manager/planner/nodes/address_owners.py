"""Which addresses a node has, and whose each of the cluster is."""

from collections.abc import Iterator

from manager.snapshot import Announcer, Node, NodeName, Snapshot
from pointsman.model.address import Address, address_order


def address_owners(snapshot: Snapshot) -> dict[Address, NodeName]:
    """Return whose each is, by address: an InternalIP is a Node's own, others may be on many."""
    owners: dict[Address, NodeName] = {}
    for name, node in sorted(snapshot.nodes.items()):
        for internal in node.internal_ips:
            owners.setdefault(internal, name)
    for name, announcer in sorted(snapshot.announcers.items()):
        for own in addresses_of(None, announcer):
            owners.setdefault(own, name)
    return dict(sorted(owners.items(), key=_by_address))


def addresses_of(node: Node | None, announcer: Announcer | None) -> Iterator[Address]:
    """Yield the addresses of one node: its InternalIPs, then those that its agent reports."""
    if node is not None:
        yield from node.internal_ips
    for interface in announcer.interfaces if announcer is not None else ():
        yield from (own.ip for own in interface.addresses)


def _by_address(item: tuple[Address, NodeName]) -> tuple[int, int]:
    return address_order(item[0])
