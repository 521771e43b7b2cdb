"""How many paths of a prefix each router is sent, when all Services are put together.

Each Service chooses within the limits of a router. Those on one address choose alike as long
as their endpoints are seen alike, and what is retained was chosen by nobody: so where
several contribute to a prefix, the choice is made once more, of what they chose. The plan
then is what the router hears: a speaker would send 255 paths, or the one best, by chance.
"""

from collections.abc import Hashable, Mapping
from dataclasses import replace
from typing import TypeVar

from manager.planner.bgp.view import BgpView
from manager.planner.nodes.spread import spread
from pointsman.model.address import Prefix, address_order, family_of
from pointsman.model.hops import Hop, Hops
from pointsman.model.route import PeerName, Route, RouteKey

Routes = dict[RouteKey, Route]
Key = TypeVar("Key", bound=Hashable)


def within_limits(view: BgpView, prefix: Prefix, hops: Hops) -> Hops:
    """Return *hops* of *prefix* with no router sent more of them than its limit."""
    found: dict[Hop, Route] = {}
    for speaker in sorted({index for _, index in hops}):
        mine = {hop: route for hop, route in hops.items() if hop[1] == speaker}
        for peer in sorted(frozenset().union(*(route.peers for route in mine.values()))):
            if peer in view.peers.usable:
                _narrow(view, prefix, mine, peer=peer, limit=1 if speaker else view.limit(peer))
        found |= _with_best(mine, view.peers.single if not speaker else frozenset())
    return found


def _narrow(
    view: BgpView, prefix: Prefix, hops: dict[Hop, Route], *, peer: PeerName, limit: int
) -> None:
    """Take *peer* away from all *hops* of a prefix but as many as it is sent.

    What is left to nobody stays in the table: it is a Service's all the same.
    """
    theirs = sorted((hop for hop, route in hops.items() if peer in route.peers), key=_by_address)
    if len(theirs) <= limit:
        return
    by_address = {hop[0]: hop for hop in theirs}
    near = view.reachability(peer, family_of(prefix)).hops
    there = {name: by_address[hop] for name, hop in near.items() if hop in by_address}
    chosen = spread(prefix, there, zones=view.zones, limit=limit)
    stays = {there[name] for name in chosen}
    rest = (hop for hop in theirs if hop not in stays)  # what no node has any more comes last
    stays |= {hop for _, hop in zip(range(limit - len(stays)), rest, strict=False)}
    for hop in theirs:
        if hop not in stays:
            hops[hop] = replace(hops[hop], peers=hops[hop].peers - {peer})


def _by_address(hop: Hop) -> tuple[int, int]:
    return address_order(hop[0])


def _with_best(hops: Mapping[Key, Route], single: frozenset[PeerName]) -> dict[Key, Route]:
    """Return *hops* of one prefix of a speaker, the best of them those that *single* are sent.

    None of them is sent any: then all are equal.
    """
    chosen = any(route.peers & single for route in hops.values())
    return {
        key: marked(route, best=not chosen or bool(route.peers & single))
        for key, route in hops.items()
    }


def marked(route: Route, *, best: bool) -> Route:
    """Return *route* as one of the best of its prefix, or as another."""
    if route.attributes.best == best:
        return route
    return replace(route, attributes=replace(route.attributes, best=best))


def with_best_for(
    routes: Mapping[RouteKey, Route], peers: frozenset[PeerName], single: frozenset[PeerName]
) -> Routes:
    """Return *routes* of one speaker with the best path where it is one of *peers* that needs it.

    Those of *single* come first: what they are sent was decided now.
    """
    found, groups = dict(routes), dict[Prefix, Routes]()
    concerned = {key.prefix for key, route in routes.items() if route.peers & peers}
    for key, route in routes.items():
        if key.prefix in concerned:
            groups.setdefault(key.prefix, {})[key] = route
    for group in groups.values():
        decided = any(route.peers & single for route in group.values())
        found |= _with_best(group, single if decided else peers)
    return found
