"""What a map shows, as values: routers, nodes, and Services grouped by how they are carried. Pure.

A group is what one Eip gave and the same nodes carry in the same shares for the same routers:
ten thousand Services are mostly a handful of these. It judges nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from ipaddress import ip_network
from typing import Final

from cli.source import recorded
from cli.source.cluster import PlannedCluster
from manager.planner.addresses.source_blocks import entries_of
from manager.planner.announcer_specs import assignments_in
from manager.planner.bgp.explain import PeerExplanation, explain_peers
from manager.planner.desired import Plan
from manager.snapshot import EipName, NodeName, Resource, ServiceKey
from pointsman.api import BgpPeerSpec
from pointsman.model.address import Address, Family, Prefix
from pointsman.model.names import ZONE
from pointsman.model.ranges import read_address
from pointsman.model.route import PeerName

NAMED: Final = 5  # nodes in a sentence
Shares = tuple[tuple[NodeName, Fraction], ...]


@dataclass(frozen=True, slots=True)
class Router:
    """A BgpPeer, the state of its session as last recorded, and the nodes it is told."""

    name: str
    address: str
    asn: str
    used: bool
    why: str  # the sentence on whether it is used
    state: str  # "": nothing is recorded
    nodes: Mapping[NodeName, int]  # how many paths by each


@dataclass(frozen=True, slots=True)
class Place:
    """A node, and why it carries nothing for whom."""

    name: NodeName
    zone: str
    carries: bool  # anything at all
    refusals: tuple[tuple[str, int], ...]  # a clause, and for how many Services it holds


@dataclass(frozen=True, slots=True)
class GroupKey:
    """What its Services have in common."""

    eip: str
    shares: Shares
    routers: tuple[PeerName, ...]
    reason: str  # of the verdict on being announced
    announced: bool


@dataclass(frozen=True, slots=True)
class Group:
    """Services that are carried alike, in order."""

    key: GroupKey
    services: tuple[ServiceKey, ...]
    addresses: tuple[Address, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """Who gets nothing, or not everything, and why, in the planner's words."""

    subject: str
    reason: str
    why: str


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything on a map; sorted."""

    routers: tuple[Router, ...]
    places: tuple[Place, ...]
    groups: tuple[Group, ...]
    eips: Mapping[str, str]  # name -> protocol and addresses
    refused: tuple[Refused, ...]


def facts_of(seen: PlannedCluster) -> Facts:
    """Return the map of a cluster once its plan has taken effect."""
    groups = tuple(sorted(_groups(seen), key=_order))
    carriers = {name for group in groups for name, _ in group.key.shares}
    return Facts(
        routers=tuple(_routers(seen)),
        places=tuple(_places(seen, carriers)),
        groups=groups,
        eips={str(name): _eip(seen, name) for name in sorted(seen.found.eips)},
        refused=tuple(_refused(seen)),
    )


def _order(group: Group) -> tuple[object, ...]:
    return group.key.eip, -len(group.services), group.services[0]


def _groups(seen: PlannedCluster) -> Iterator[Group]:
    plan, carried = seen.plan, _Carried(seen.plan)
    services: dict[GroupKey, list[ServiceKey]] = defaultdict(list)
    addresses: dict[GroupKey, dict[Address, None]] = defaultdict(dict)
    for name, allocation in sorted(plan.allocations.services.items()):
        verdict = plan.announcements[name].verdict
        for grant in allocation.grants:
            shares, routers = carried.of(grant.address)
            key = GroupKey(str(grant.eip or ""), shares, routers, verdict.reason, verdict.ok)
            if name not in services[key][-1:]:
                services[key].append(name)
            addresses[key][grant.address] = None
    for key, names in services.items():
        yield Group(key, tuple(names), tuple(addresses[key]))


class _Carried:
    """Which nodes carry an address, by paths of BGP or as an Announcer's spec assigns it."""

    def __init__(self, plan: Plan) -> None:
        self._weights: dict[Prefix, dict[NodeName, int]] = defaultdict(dict)
        routers: dict[Prefix, set[PeerName]] = defaultdict(set)
        nodes = {hop: name for one in plan.speakers for hop, name in one.nodes.items()}
        for key, route in plan.routes.items():
            if (node := nodes.get(key.next_hop)) is not None:
                self._weights[key.prefix][node] = route.attributes.weight or 1
            routers[key.prefix] |= route.peers
        self._routers = {prefix: tuple(sorted(names)) for prefix, names in routers.items()}
        self._lengths = {4: set[int](), 6: set[int]()}
        for prefix in self._weights:
            self._lengths[prefix.version].add(prefix.prefixlen)
        # Of layer2 one node; of kernel each that its own router may lead packets to.
        self._assigned: dict[Address, list[NodeName]] = defaultdict(list)
        for node, record in sorted(plan.announcers.items()):
            for entry in assignments_in(record.spec):
                for text in entry["addresses"]:
                    self._assigned[read_address(text)].append(node)

    def of(self, address: Address) -> tuple[Shares, tuple[PeerName, ...]]:
        """Return the nodes with their shares, which are 1 together, and the routers told."""
        if nodes := self._assigned.get(address):
            return tuple((node, Fraction(1, len(nodes))) for node in nodes), ()
        for length in sorted(self._lengths[address.version], reverse=True):
            prefix = ip_network((address, length), strict=False)
            if prefix in self._weights:
                weights = self._weights[prefix]
                total = sum(weights.values())
                shares = tuple((n, Fraction(w, total)) for n, w in sorted(weights.items()))
                return shares, self._routers[prefix]
        return (), ()


def _routers(seen: PlannedCluster) -> Iterator[Router]:
    plan = seen.plan
    nodes = {hop: name for one in plan.speakers for hop, name in one.nodes.items()}
    paths: dict[PeerName, Counter[NodeName]] = defaultdict(Counter)
    for key, route in plan.routes.items():
        if (node := nodes.get(key.next_hop)) is not None:
            for hearer in route.peers:
                paths[hearer][node] += 1
    explained = explain_peers(seen.settled, plan.allocations)
    for name, peer in sorted(seen.found.bgp_peers.items()):
        ready = explained[name].ready
        yield Router(
            name=str(name),
            address=str(peer.spec.address) if peer.spec else "",
            asn=str(peer.spec.asn) if peer.spec else "",
            used=ready.ok,
            why=str(ready),
            state=_state(peer),
            nodes=dict(sorted(paths[name].items())),
        )


def _state(peer: Resource[BgpPeerSpec]) -> str:
    report = recorded.report(peer, 0)
    return report.state if report is not None else ""


def _places(seen: PlannedCluster, carriers: Container[NodeName]) -> Iterator[Place]:
    clauses: dict[NodeName, Counter[str]] = defaultdict(Counter)
    for announcement in seen.plan.announcements.values():
        for one in announcement.candidates:
            if one.excluded_by:
                clauses[one.node][one.excluded_by] += 1
    nodes = seen.found.nodes
    for name in sorted(nodes, key=lambda one: (nodes[one].labels.get(ZONE, ""), one)):
        found = tuple(sorted(clauses[name].items(), key=lambda one: (-one[1], one[0])))
        yield Place(name, nodes[name].labels.get(ZONE, ""), name in carriers, found)


def _eip(seen: PlannedCluster, name: EipName) -> str:
    eip = seen.found.eips[name]
    if eip.spec is None:
        return "cannot be read"
    source = f" from {eip.spec.source.label}" if eip.spec.source is not None else ""
    return f"{eip.spec.protocol}: {', '.join(entries_of(eip))}{source}"


def _refused(seen: PlannedCluster) -> Iterator[Refused]:
    plan = seen.plan
    for key, allocation in sorted(plan.allocations.services.items()):
        announced = plan.announcements[key].verdict
        for verdict in (allocation.verdict, announced if allocation.verdict.ok else None):
            if verdict is not None and not verdict.ok:
                yield Refused(f"Service {key}", verdict.reason, str(verdict))
    for key, verdict in sorted(plan.left_alone.items()):
        yield Refused(f"Service {key}", verdict.reason, str(verdict))
    for name, usage in sorted(plan.allocations.eips.items()):
        if not usage.ready.ok:
            yield Refused(f"Eip {name}", usage.ready.reason, str(usage.ready))
    for peer, one in explain_peers(seen.settled, plan.allocations).items():
        if not one.ready.ok:
            yield Refused(f"BgpPeer {peer}", one.ready.reason, str(one.ready))
        yield from _not_hops(peer, one)


def _not_hops(peer: PeerName, one: PeerExplanation) -> Iterator[Refused]:
    """Yield the nodes that a router is not sent, those with one reason together."""
    alike: dict[tuple[Family, str], list[str]] = defaultdict(list)
    for found in one.candidates:
        if found.why:
            alike[found.family, found.why.removeprefix(f"{found.node} ")].append(found.node)
    for (family, clause), nodes in alike.items():
        more = f" and {len(nodes) - NAMED} more" if len(nodes) > NAMED else ""
        yield Refused(f"BgpPeer {peer}", str(family), f"{', '.join(nodes[:NAMED])}{more}: {clause}")


def moved(before: Facts, after: Facts) -> tuple[frozenset[GroupKey], frozenset[GroupKey]]:
    """Return the groups of *before* and of *after* that are not the same in the other."""
    old, new = (_content(one.groups) for one in (before, after))
    return (
        frozenset(key for key, content in old.items() if new.get(key) != content),
        frozenset(key for key, content in new.items() if old.get(key) != content),
    )


def _content(groups: Iterable[Group]) -> dict[GroupKey, object]:
    return {one.key: (one.services, one.addresses) for one in groups}
