"""The paths of all Services together: who shares an address or an aggregate has one path.

What a Service decides beats what another merely retains. Equal paths join their routers;
their weights add up, and a path without one takes them from all, because a router that
weighs must know the share of each. Nothing here depends on who comes first.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from pointsman.model.address import Prefix
from pointsman.model.route import PathAttributes, Route, RouteKey, route_order

HEAVIEST: Final = 65_535


@dataclass(frozen=True, slots=True)
class ServicePaths:
    """The paths of one Service: what it wants sent, and what is there and nobody takes back."""

    routes: Mapping[RouteKey, Route] = field(default_factory=dict)
    retained: Mapping[RouteKey, Route] = field(default_factory=dict)


@dataclass(slots=True)
class Paths:
    """Paths while they are being collected."""

    _decided: dict[RouteKey, Route] = field(default_factory=dict)
    _retained: dict[RouteKey, Route] = field(default_factory=dict)
    _weighted: bool = False  # whether any path is
    _joint: set[Prefix] = field(default_factory=set)

    def decide(self, routes: Mapping[RouteKey, Route]) -> None:
        """Add what one Service wants sent."""
        for key, route in routes.items():
            if route.attributes.weight is None:
                before = self._decided.setdefault(key, route)
                if before is not route:
                    self._decided[key] = _joined(before, route)
            else:
                self._weighted = True
                known = self._decided.get(key)
                self._decided[key] = route if known is None else _joined(known, route)

    def retain(self, routes: Mapping[RouteKey, Route]) -> None:
        """Add what the speaker holds and nobody takes back."""
        self._retained.update(routes)

    def join(self, prefixes: Iterable[Prefix]) -> None:
        """Note that several Services decide on these."""
        self._joint.update(prefixes)

    @property
    def joint(self) -> frozenset[Prefix]:
        """Return the prefixes whose paths were chosen by several, or by nobody."""
        return frozenset(self._joint).union(key.prefix for key in self._retained)

    def all(self) -> dict[RouteKey, Route]:
        """Return every path, in order."""
        found = {**self._retained, **self._decided}
        if self._weighted:
            found |= self._plain()
        return dict(sorted(found.items(), key=lambda item: route_order(item[0])))

    def _plain(self) -> dict[RouteKey, Route]:
        """Return the weighted paths of prefixes that have one without weight, without theirs."""
        decided = self._decided.items()
        mixed = {key.prefix for key, route in decided if route.attributes.weight is None}
        return {
            key: Route(replace(route.attributes, weight=None), route.peers)
            for key, route in decided
            if route.attributes.weight is not None and key.prefix in mixed
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
