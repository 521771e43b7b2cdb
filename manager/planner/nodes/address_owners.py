"""Whose each address of the cluster is."""

from manager.snapshot import NodeName, Snapshot
from pointsman.model.address import Address


def address_owners(snapshot: Snapshot) -> dict[Address, NodeName]:
    """Return whose each address is: an InternalIP is a Node's own, others may occur on many."""
    owners: dict[Address, NodeName] = {}
    for name, node in sorted(snapshot.nodes.items()):
        for internal in node.internal_ips:
            owners.setdefault(internal, name)
    for name, announcer in sorted(snapshot.announcers.items()):
        for interface in announcer.interfaces:
            for own in interface.addresses:
                owners.setdefault(own.ip, name)
    return owners
