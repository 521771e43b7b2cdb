"""Which nodes one router may be sent, and by which addresses: `nextHops` of a BgpPeer.

A node is connected when it is on a network of the router, in either family; that is known
from what agents report. A node whose agent has not spoken yet
counts as connected when its address lies in a network that others are known to share
with the router: nobody is withdrawn because its agent starts late. Where the only links to
a router are down, it has nodes all the same: it is not sent those of other racks instead,
whose packets it could only give back.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from manager.planner.bgp.next_hop import Hop, is_on, lies_in, next_hop
from manager.planner.nodes.duplicate_addresses import (
    NOTHING,
    DuplicateAddresses,
    duplicate_addresses,
)
from manager.snapshot import NodeName, Snapshot
from pointsman.api import BgpPeerSpec, Scope
from pointsman.model.address import Address, Family, Prefix
from pointsman.model.route import PeerName


@dataclass(frozen=True, slots=True)
class Reachability:
    """The next hops a router may be sent in one family, by node, and why others may not."""

    hops: Mapping[NodeName, Address]
    without: Mapping[NodeName, str]  # a clause after the node's name, such as "has no address"
    far: frozenset[NodeName]  # of them: not on a network that the router is known to share
    # addresses on the router's links that several nodes have
    duplicates: Mapping[Address, tuple[NodeName, ...]] = field(default_factory=dict)


def reachability(
    snapshot: Snapshot,
    spec: BgpPeerSpec,
    *,
    family: Family,
    vips: AbstractSet[Address],
    over_ipv6: bool = False,
    duplicates: DuplicateAddresses = NOTHING,
) -> Reachability:
    """Return which nodes the router of *spec* may be sent in *family*.

    *over_ipv6*: it takes IPv6 next hops for IPv4 prefixes. It is sent one of a node without
    IPv4 address.
    """
    found: dict[NodeName, Hop] = {}
    without: dict[NodeName, str] = {}
    near = _connected(snapshot, spec.address)
    for name, node in sorted(snapshot.nodes.items()):
        announcer = snapshot.announcers.get(name)
        wanted = (family, Family.IPV6) if over_ipv6 else (family,)
        found_hops = (
            next_hop(
                node,
                announcer,
                peer=spec.address,
                family=each,
                vips=vips,
                near=near.networks,
                foreign=duplicates.foreign.get(name, frozenset()),
            )
            for each in wanted
        )
        hop = next((one for one in found_hops if one is not None), None)
        if hop is None:
            without[name] = f"has no {family} address"
        elif announcer is not None and announcer.reported:
            found[name] = hop
        else:
            found[name] = Hop(hop.address, shared=lies_in(hop.address, near.networks))
    scope = spec.next_hops.scope
    if scope is Scope.CONNECTED or (scope is Scope.AUTO and near.shared):
        for name in [name for name in found if name not in near.nodes]:
            del found[name]
            without[name] = f"is on no network that {spec.address} shares"
    selector = spec.next_hops.node_selector
    for name in list(found):
        if selector is not None and not selector.matches(snapshot.nodes[name].labels):
            del found[name]
            without[name] = f"does not match nextHops.nodeSelector for {spec.address}"
    return Reachability(
        hops={name: hop.address for name, hop in found.items()},
        without=without,
        far=frozenset(name for name, hop in found.items() if not hop.shared),
        duplicates={
            address: names
            for address, names in duplicates.nodes.items()
            if lies_in(address, near.networks)
        },
    )


@dataclass(frozen=True, slots=True)
class _Near:
    """What is one hop away from a router: networks of its links, and nodes on them."""

    networks: frozenset[Prefix]
    nodes: frozenset[NodeName]
    shared: bool  # some node has an address there, its link up or not


def _connected(snapshot: Snapshot, peer: Address) -> _Near:
    """Return what shares a network with *peer*, as far as agents have reported."""
    networks: set[Prefix] = set()
    nodes: set[NodeName] = set()
    down: set[NodeName] = set()
    for name, announcer in snapshot.announcers.items():
        for interface in announcer.interfaces:
            if interface.up and is_on(interface, peer):
                networks.update(own.network for own in interface.addresses)
                nodes.add(name)
            elif is_on(interface, peer):
                down.add(name)
    near = _Near(frozenset(networks), frozenset(nodes), shared=False)
    for name, node in snapshot.nodes.items():
        agent = snapshot.announcers.get(name)
        silent = agent is None or not agent.reported
        if silent and any(lies_in(address, near.networks) for address in node.internal_ips):
            nodes.add(name)
    shared = not snapshot.nodes.keys().isdisjoint(nodes | down)
    return _Near(near.networks, frozenset(nodes & snapshot.nodes.keys()), shared)


Reachabilities = Mapping[tuple[PeerName, Family], Reachability]


def reachabilities(
    facts: Snapshot,
    usable: Mapping[PeerName, BgpPeerSpec],
    vips: frozenset[Address],
    taking_ipv6: frozenset[PeerName],
) -> Reachabilities:
    """Return which nodes each of the routers *usable* may be sent, by family.

    *facts*: nodes and Announcers. *vips*: what we gave to Services. *taking_ipv6*: routers that
    take IPv6 next hops for IPv4 prefixes.
    """
    duplicates = duplicate_addresses(facts, vips) if usable else NOTHING
    return {
        (name, family): reachability(
            facts,
            spec,
            family=family,
            vips=vips,
            over_ipv6=family is Family.IPV4 and name in taking_ipv6,
            duplicates=duplicates,
        )
        for name, spec in usable.items()
        for family in Family
    }


def taking_ipv6_next_hops(snapshot: Snapshot) -> frozenset[PeerName]:
    """Return the routers that do for IPv4 prefixes, as a session of each has negotiated.

    Unknown is no: a router that did not ask for it may end the session (RFC 8950
    section 4 forbids to send it), and that would begin again and again.
    """
    return frozenset(
        name
        for one in snapshot.speakers
        for name, report in one.sessions.items()
        if report.ipv6_next_hops
    )
