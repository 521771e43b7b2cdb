"""Addresses that belong to the infrastructure: never granted, whatever an Eip says.

Nodes, the interfaces their agents report, their gateways, the BgpPeers, and where parallel
sessions with these come from. Interfaces on
which a data plane parks Service addresses are not infrastructure: an address would block
itself.
"""

from collections.abc import Iterator, Mapping

from manager.snapshot import Snapshot
from pointsman.model.address import Address
from pointsman.model.printable import clipped

# kube-proxy's IPVS mode binds every Service address to the first, our agents to the second.
PARKED = ("kube-ipvs0", "pointsman")


def reserved(snapshot: Snapshot) -> Mapping[Address, str]:
    """Return every infrastructure address and whose it is ("Node node1")."""
    found: dict[Address, str] = {}
    for address, owner in _all(snapshot):
        found.setdefault(address, owner)
    return found


def _all(snapshot: Snapshot) -> Iterator[tuple[Address, str]]:
    for _, node in sorted(snapshot.nodes.items()):
        for address in node.internal_ips + node.other_ips:
            yield address, f"Node {node.name}"
    for name, peer in sorted(snapshot.bgp_peers.items()):
        if peer.spec is not None:
            yield peer.spec.address, f"BgpPeer {peer.name}"
            if peer.spec.parallel_sessions is not None:
                for source in peer.spec.parallel_sessions.source_addresses:
                    yield source, f"sessions with BgpPeer {peer.name}"
        else:  # it cannot be read, and its sessions stay
            for speaker in snapshot.speakers:
                if (neighbor := speaker.neighbors.get(name)) is not None:
                    yield neighbor.address, f"BgpPeer {peer.name}"
    for _, announcer in sorted(snapshot.announcers.items()):
        for gateway in announcer.gateways:
            yield gateway, f"gateway of Node {announcer.node}"
        for interface in announcer.interfaces:
            if not interface.name.startswith(PARKED):
                for with_length in interface.addresses:
                    yield with_length.ip, f"{clipped(interface.name)} of Node {announcer.node}"
