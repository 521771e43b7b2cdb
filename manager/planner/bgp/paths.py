"""The paths of all Services together: who shares an address or an aggregate has one path.

What a Service decides beats what another merely retains. Equal paths join their routers;
their weights add up, and a path without one takes them from all of its prefix, because a router
that weighs must know the share of each. Nothing here depends on who comes first.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from pointsman.model.address import Prefix
from pointsman.model.hops import Hops
from pointsman.model.route import PathAttributes, Route, RouteKey

HEAVIEST: Final = 65_535


class PrefixPaths(NamedTuple):
    """The paths of one prefix that one Service wants sent."""

    prefix: Prefix
    hops: Hops


@dataclass(frozen=True, slots=True)
class ServicePaths:
    """The paths of one Service: what it wants sent, and what is there and nobody takes back."""

    wanted: tuple[PrefixPaths, ...] = ()
    retained: Mapping[RouteKey, Route] = field(default_factory=dict)


def together(wanted: Iterable[Hops]) -> Hops:
    """Return the paths of one prefix that several Services want sent; of one: its very paths."""
    first, *rest = wanted
    if not _weighs(first) and all(one is first or one == first for one in rest):
        return first
    found = dict(first)
    for hops in rest:
        for hop, route in hops.items():
            known = found.get(hop)
            found[hop] = route if known is None else _joined(known, route)
    return _evenly(found)


def _weighs(hops: Hops) -> bool:
    return any(route.attributes.weight is not None for route in hops.values())


def _evenly(hops: Hops) -> Hops:
    """Return *hops* with weights on all or none."""
    weights = [route.attributes.weight for route in hops.values()]
    if all(one is None for one in weights) or None not in weights:
        return hops
    return {
        hop: Route(replace(route.attributes, weight=None), route.peers)
        for hop, route in hops.items()
    }


def _joined(one: Route, other: Route) -> Route:
    if one == other and one.attributes.weight is None:
        return one
    return Route(_added(one.attributes, other.attributes), one.peers | other.peers)


def _added(one: PathAttributes, other: PathAttributes) -> PathAttributes:
    best = one.best or other.best
    if one.weight is None or other.weight is None:
        return replace(one, weight=None, best=best)
    return replace(one, weight=min(one.weight + other.weight, HEAVIEST), best=best)
