"""Addresses that belong to the infrastructure: never granted, whatever an Eip says.

Nodes, the interfaces their agents report, their gateways, the BgpPeers, and where parallel
sessions with these come from. On the nodes' own networks, nor are the addresses that no host
there can have: those of the network itself, and of broadcasts. Interfaces on
which a data plane parks Service addresses are not infrastructure: an address would block
itself.
"""

from collections.abc import Mapping

from manager.snapshot import Announcer, BgpPeer, Node, NodeName, Snapshot
from pointsman.model.address import Address
from pointsman.model.memo import Each, Once
from pointsman.model.printable import clipped
from pointsman.model.route import PeerName

# kube-proxy's IPVS mode binds every Service address to the first, our agents to the second.
PARKED = ("kube-ipvs0", "pointsman")

Owned = tuple[tuple[Address, str], ...]  # addresses, and whose each is


def reserved(snapshot: Snapshot) -> Mapping[Address, str]:
    """Return every infrastructure address and whose it is ("Node node1")."""
    return dict(ReservedMemo()(snapshot))


class ReservedMemo:
    """`reserved`, worked out anew where addresses changed: no status or lease is among them."""

    def __init__(self) -> None:
        self._nodes = Each[NodeName, Owned](_of_node)
        self._peers = Each[PeerName, Owned](_of_peer)
        self._announcers = Each[NodeName, Owned](_of_announcer)
        self._whose = Once[Owned](_whose)

    def __call__(self, snapshot: Snapshot) -> Owned:
        """Return every infrastructure address once, and whose it is: of two, the first counts."""
        return self._whose(
            self._nodes(None, snapshot.nodes),
            self._peers(None, snapshot.bgp_peers, _neighbors_unread(snapshot)),
            self._announcers(None, snapshot.announcers),
        )


class EdgesMemo:
    """The addresses that no host on a network of the nodes can have, and why each."""

    def __init__(self) -> None:
        self._edges = Each[NodeName, Owned](_edges)
        self._all = Once[Owned](_whose)

    def __call__(self, snapshot: Snapshot) -> Owned:
        """Return each once."""
        return self._all(self._edges(None, snapshot.announcers))


def _whose(*groups: Mapping[str, Owned]) -> Owned:
    found: dict[Address, str] = {}
    for group in groups:
        for owned in group.values():
            for address, owner in owned:
                found.setdefault(address, owner)
    return tuple(found.items())  # their order is told, too


def _of_node(_: None, node: Node) -> Owned | None:
    addresses = node.internal_ips + node.other_ips
    return tuple((address, f"Node {node.name}") for address in addresses) or None


def _neighbors_unread(snapshot: Snapshot) -> Mapping[PeerName, tuple[Address, ...]]:
    """Return where the sessions of BgpPeers lead that cannot be read: these stay."""
    return {
        name: tuple(
            neighbor.address
            for speaker in snapshot.speakers
            if (neighbor := speaker.neighbors.get(name)) is not None
        )
        for name, peer in snapshot.bgp_peers.items()
        if peer.spec is None
    }


def _of_peer(_: None, peer: BgpPeer, neighbors: tuple[Address, ...] | None) -> Owned:
    spec, whose = peer.spec, f"BgpPeer {peer.name}"
    if spec is None:
        return tuple((address, whose) for address in neighbors or ())
    parallel = spec.parallel_sessions
    sources = parallel.source_addresses if parallel is not None else ()
    return ((spec.address, whose), *((one, f"sessions with {whose}") for one in sources))


def _of_announcer(_: None, announcer: Announcer) -> Owned | None:
    node = announcer.node
    gateways = ((one, f"gateway of Node {node}") for one in announcer.gateways)
    interfaces = (
        (with_length.ip, f"{clipped(interface.name)} of Node {node}")
        for interface in announcer.interfaces
        if not interface.name.startswith(PARKED)
        for with_length in interface.addresses
    )
    return (*gateways, *interfaces) or None


def _edges(_: None, announcer: Announcer) -> Owned | None:
    """Return the edges of a node's networks; one with two addresses has none (RFC 3021).

    RFC 1122 section 3.2.1.3; IPv6 has no broadcast, and its first one is any router's (RFC 4291
    section 2.6.1).
    """
    found: list[tuple[Address, str]] = []
    for interface in announcer.interfaces:
        for own in interface.addresses if not interface.name.startswith(PARKED) else ():
            network = own.network
            if network.prefixlen + 1 < network.max_prefixlen:
                found.append((network.network_address, f"the address of network {network}"))
                if network.version == 4:
                    last = network.broadcast_address
                    found.append((last, f"the broadcast address of {network}"))
    return tuple(found) or None
