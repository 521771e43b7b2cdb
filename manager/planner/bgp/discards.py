"""Where packets end that come to a node for addresses of an aggregate that nobody has.

Routers send a node all of an aggregate. What the node does not know it sends on by its default
route, to the router again, until the TTL ends (measured). So a node that is a next hop of one
keeps an `unreachable` route of it, if its agent may change routes, and if nothing that is the
node's own lies in it. Of the others the Eip warns.

What is told to routers is what counts: paths that are only retained, too. An Announcer holds so
many routes, and those that protocol `kernel` has in it come first.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, NamedTuple

from manager.planner.addresses.reserved import ReservedMemo
from manager.planner.announcer_specs import Spec
from manager.planner.bgp.context import BgpContext
from manager.planner.contribution import Conditions
from manager.planner.desired import SpeakerPlan
from manager.planner.nodes.connected import Connected, OwnNetworks, own_networks
from manager.planner.nodes.rights import Unable, unable
from manager.planner.records import condition_of
from manager.snapshot import Announcer, NodeName, Snapshot
from pointsman.model.address import Address, Prefix, prefix_order
from pointsman.model.assignment import MOST_UNREACHABLE, Unreachable
from pointsman.model.memo import Each, Once
from pointsman.model.names import AGGREGATES_UNGUARDED
from pointsman.model.record import ConditionValue, ResourceKey
from pointsman.model.table import Group, Order, Table
from pointsman.model.verdicts.aggregates import UnassignedAddressesLoop
from pointsman.wire.asked_prefixes import UNREACHABLE, unreachable_entry

NAMED: Final = 8  # nodes that a sentence names; more help nobody
Owners = Mapping[Address, NodeName]
Redistributed = Mapping[NodeName, frozenset[Prefix]]


class _Aggregate(NamedTuple):
    """A prefix that is wider than a host route, and the nodes that are its next hops."""

    prefix: Prefix
    nodes: frozenset[NodeName]


Aggregates = Mapping[Order, _Aggregate]


class Discards(NamedTuple):
    """What each Announcer's spec says of them, and why some nodes have none."""

    specs: Mapping[NodeName, Spec] = {}
    unguarded: Mapping[Prefix, tuple[str, ...]] = {}  # a clause for each node


class DiscardsMemo:
    """The stages, from the tables of speakers to specs."""

    def __init__(self) -> None:
        self._aggregates: list[Each[Order, _Aggregate]] = []
        self._networks = Each[NodeName, OwnNetworks](own_networks)
        self._reserved = ReservedMemo()
        self._connected = Once[Connected](Connected)
        self._unable = Each[NodeName, str](unable)
        self._redistributed = Each[NodeName, frozenset[Prefix]](_redistributed)
        self._discards = Once[Discards](_discards)

    def __call__(
        self, snapshot: Snapshot, owners: Owners, plans: Sequence[SpeakerPlan]
    ) -> Discards:
        """Return where each aggregate ends that *plans* advertise; *owners*: whose next hops."""
        found = tuple(self._of(index, owners, one) for index, one in enumerate(plans))
        if not any(found):
            return Discards()
        networks = self._networks(None, snapshot.announcers)
        return self._discards(
            found,
            self._connected(networks, self._reserved(snapshot)),
            self._unable(None, snapshot.nodes, snapshot.announcers),
            self._redistributed(None, snapshot.announcers),
        )

    def _of(self, index: int, owners: Owners, one: SpeakerPlan) -> Aggregates:
        while len(self._aggregates) <= index:
            self._aggregates.append(Each[Order, _Aggregate](_aggregate))
        return self._aggregates[index](owners, Table.of(one.routes).groups)


def _aggregate(owners: Owners, group: Group) -> _Aggregate | None:
    if group.prefix.prefixlen == group.prefix.max_prefixlen:
        return None
    nodes = (owners.get(next_hop) for next_hop, _ in group.hops)
    return _Aggregate(group.prefix, frozenset(one for one in nodes if one is not None))


def _redistributed(_: None, one: Announcer) -> frozenset[Prefix] | None:
    """Return the routes that stand there for a router on the node: they have their places."""
    return frozenset(route.prefix for route in one.unreachable if route.redistribute) or None


def _discards(
    tables: tuple[Aggregates, ...], connected: Connected, lacking: Unable, standing: Redistributed
) -> Discards:
    nodes: dict[Prefix, frozenset[NodeName]] = {}
    for one in (one for table in tables for one in table.values()):
        nodes[one.prefix] = nodes.get(one.prefix, frozenset()) | one.nodes
    specs: dict[NodeName, list[Spec]] = {}
    taken: dict[NodeName, set[Prefix]] = {}
    unguarded: dict[Prefix, tuple[str, ...]] = {}
    for prefix in sorted(nodes, key=prefix_order):
        inside, near = connected.inside(prefix), connected.near(prefix)
        against = {}
        for name in sorted(nodes[prefix]):
            listed = specs.setdefault(name, [])
            if clause := lacking.get(name) or near.get(name) or inside:
                against[name] = clause
                continue
            there = taken.setdefault(name, set(standing.get(name, ())))
            if prefix not in there and len(there) >= MOST_UNREACHABLE:
                against[name] = f"{name} has as many routes as one Announcer holds"
                continue
            there.add(prefix)  # of two protocols it is one route
            listed.append(unreachable_entry(Unreachable(prefix, redistribute=False)))
        if against:
            unguarded[prefix] = tuple(dict.fromkeys(islice(against.values(), NAMED + 1)))
    return Discards(
        {name: {UNREACHABLE: listed} for name, listed in sorted(specs.items()) if listed},
        unguarded,
    )


def unguarded_conditions(
    context: BgpContext, discards: Discards
) -> Iterator[tuple[ResourceKey, Conditions]]:
    """Yield what the Eips say of their aggregates that loop."""
    if not discards.unguarded:
        return
    for name, policy in context.policies.items():
        of_eip = {
            prefix: clauses
            for prefix, clauses in discards.unguarded.items()
            if policy.aggregates.holds(prefix)
        }
        if of_eip:
            why = dict.fromkeys(clause for clauses in of_eip.values() for clause in clauses)
            verdict = UnassignedAddressesLoop(name, tuple(map(str, of_eip)), tuple(why))
            conditions: dict[str, ConditionValue] = {AGGREGATES_UNGUARDED: condition_of(verdict)}
            yield ResourceKey("Eip", name), conditions
