"""How many paths of a prefix each router is sent, when all Services are put together.

Each Service chooses within the limits of a router. Those on one address choose alike as long
as their endpoints are seen alike, and what is retained was chosen by nobody: so where
several contribute to a prefix, the choice is made once more, of what they chose. The plan
then is what the router hears: a speaker would send 255 paths, or the one best, by chance.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from manager.planner.bgp.context import BgpContext
from manager.planner.nodes.spread import spread
from manager.snapshot import NodeName
from pointsman.model.address import Prefix, family_of
from pointsman.model.route import PeerName, Route, RouteKey

Routes = dict[RouteKey, Route]


def within_limits(context: BgpContext, routes: Routes, prefixes: Iterable[Prefix]) -> Routes:
    """Return *routes* with no router sent more of the *prefixes* than its limit."""
    wanted = frozenset(prefixes)
    if not wanted or context.peers.conf is None:
        return routes
    found, groups = dict(routes), dict[tuple[Prefix, int], list[RouteKey]]()
    for key in routes:
        if key.prefix in wanted:
            groups.setdefault((key.prefix, key.speaker), []).append(key)
    for (_, speaker), keys in groups.items():
        mine = {key: found[key] for key in keys}
        for peer in sorted(frozenset().union(*(route.peers for route in mine.values()))):
            if peer in context.peers.usable:
                _narrow(context, mine, peer, 1 if speaker else context.limit(peer))
        found |= with_best(mine, context.peers.single if not speaker else frozenset())
    return found


def _narrow(context: BgpContext, routes: Routes, peer: PeerName, limit: int) -> None:
    """Take *peer* away from all *routes* of a prefix but as many as it is sent.

    What is left to nobody stays in the table: it is a Service's all the same.
    """
    theirs = [key for key, route in routes.items() if peer in route.peers]
    if len(theirs) <= limit:
        return
    prefix = theirs[0].prefix
    by_hop = {key.next_hop: key for key in theirs}
    near = context.reachability(peer, family_of(prefix)).hops
    there: dict[NodeName, RouteKey] = {
        name: by_hop[hop] for name, hop in near.items() if hop in by_hop
    }
    chosen = spread(prefix, there, nodes=context.snapshot.nodes, limit=limit)
    stays = {there[name] for name in chosen}
    rest = (key for key in theirs if key not in stays)  # what no node has any more comes last
    stays |= {key for _, key in zip(range(limit - len(stays)), rest, strict=False)}
    for key in theirs:
        if key not in stays:
            routes[key] = replace(routes[key], peers=routes[key].peers - {peer})


def with_best(routes: Routes, single: frozenset[PeerName]) -> Routes:
    """Return *routes* of one prefix of a speaker, the best of them those that *single* are sent.

    None of them is sent any: then all are equal.
    """
    chosen = any(route.peers & single for route in routes.values())
    return {
        key: marked(route, best=not chosen or bool(route.peers & single))
        for key, route in routes.items()
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
        found |= with_best(group, single if decided else peers)
    return found
