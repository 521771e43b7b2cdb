"""Paths by nodes that are about to leave say so: community GRACEFUL_SHUTDOWN (RFC 8326 section 4).

A router that obeys it prefers every other path, and has turned to them by the time that these are
withdrawn. Pure. A prefix that leads to no other node stays as it is: there is nothing to turn to.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from manager.planner.bgp.view import remember, remembered
from manager.snapshot import NodeName, Snapshot
from pointsman.model.address import Address
from pointsman.model.hops import Hops
from pointsman.model.route import Route
from pointsman.model.table import Group

COMMUNITY: Final = "graceful-shutdown"  # 65535:0


def leaving_hops(snapshot: Snapshot, owners: Mapping[Address, NodeName]) -> frozenset[Address]:
    """Return the addresses of the nodes that are about to leave."""
    if not snapshot.leaving:
        return frozenset()
    return frozenset(address for address, name in owners.items() if name in snapshot.leaving)


@dataclass(frozen=True, slots=True)
class Marks:
    """The community on paths by next hops in *away*; prefixes that say the same still share it."""

    away: frozenset[Address]
    _known: dict[int, tuple[Hops, Hops]] = remembered()

    def of(self, hops: Hops) -> Hops:
        """Return *hops* with the community where it belongs; itself, where it is nowhere."""
        known = self._known.get(id(hops))
        if known is None:  # what was marked is held with it, so its id is nobody else's
            known = hops, self._marked(hops)
            remember(self._known, id(hops), known)
        return known[1]

    def _marked(self, hops: Hops) -> Hops:
        away = self.away
        if away.isdisjoint(hop for hop, _ in hops) or all(hop in away for hop, _ in hops):
            return hops
        return {hop: _marked(route) if hop[0] in away else route for hop, route in hops.items()}


def marked_group(marks: Marks, group: Group) -> Group:
    """Return *group* with *marks* on its paths."""
    hops = marks.of(group.hops)
    return group if hops is group.hops else Group(group.prefix, hops)


def _marked(route: Route) -> Route:
    has = route.attributes
    communities = tuple(sorted({*has.communities, COMMUNITY}))
    return replace(route, attributes=replace(has, communities=communities))
