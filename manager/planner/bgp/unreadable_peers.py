"""A BgpPeer that cannot be read keeps its session: only deleting or disabling one ends it.

A newer version may have written what this one does not understand. What the speaker has of
that router stays, as it is: nobody knows which nodes or prefixes it may be sent, so it is
sent nothing new. A path goes when its address does, or when its node carries no more for it.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from manager.planner.desired import Allocation, Announcement, SpeakerPlan
from manager.snapshot import NodeName, Observed, ServiceKey
from pointsman.model.address import Address
from pointsman.model.route import PeerName, Route, RouteKey
from pointsman.model.table import Table

Carried = Mapping[Address, frozenset[NodeName]]
NOBODY: Final[frozenset[NodeName]] = frozenset()


def carried(
    allocations: Mapping[ServiceKey, Allocation], announcements: Mapping[ServiceKey, Announcement]
) -> Carried:
    """Return which nodes carry the traffic of each address, for all its Services together."""
    found: dict[Address, frozenset[NodeName]] = {}
    for key, allocation in allocations.items():
        candidates = announcements[key].candidates
        nodes = frozenset(one.node for one in candidates if not one.excluded_by)
        for grant in allocation.grants:
            found[grant.address] = found.get(grant.address, NOBODY) | nodes
    return found


def with_retained(
    desired: SpeakerPlan, observed: Observed, *, unreadable: frozenset[PeerName], by: Carried
) -> SpeakerPlan:
    """Return *desired* with what the speaker has of *unreadable* routers; *by*: see `carried`."""
    routes = dict(desired.routes)
    for key, route in observed.routes.items():
        theirs = route.peers & unreadable
        if theirs and _still(key, desired.nodes, by):
            ours = routes.get(key, Route(route.attributes, frozenset()))
            routes[key] = replace(ours, peers=ours.peers | theirs)
    taken = {one.address for one in desired.neighbors.values()}  # by a BgpPeer that can be read
    neighbors = {
        name: one
        for name, one in observed.neighbors.items()
        if name in unreadable and one.address not in taken
    }
    exports = {name: one for name, one in observed.exports.items() if name in unreadable}
    return replace(
        desired,
        routes=Table.of(routes),
        neighbors=dict(sorted({**desired.neighbors, **neighbors}.items())),
        exports=dict(sorted({**desired.exports, **exports}.items())),
    )


def _still(key: RouteKey, nodes: Mapping[Address, NodeName], by: Carried) -> bool:
    """Whether an observed path leads where it should; an aggregate does while it has addresses."""
    prefix = key.prefix
    if prefix.prefixlen < prefix.max_prefixlen:
        return any(one.version == prefix.version and one in prefix for one in by)
    return nodes.get(key.next_hop) in by.get(prefix.network_address, NOBODY)
