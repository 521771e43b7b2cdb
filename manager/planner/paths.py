"""The paths of all Services together: who shares an address or an aggregate says one thing.

What a Service decides beats what another merely keeps. Equal paths join their routers;
their weights add up, and a path without one takes them from all, because a router that
weighs must know the share of each. Nothing here depends on who comes first.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from pointsman.model.address import Prefix
from pointsman.model.route import PathAttributes, Route, RouteKey, route_order

HEAVIEST: Final = 65_535


@dataclass(slots=True)
class Paths:
    """Paths while they are being collected."""

    _decided: dict[RouteKey, Route] = field(default_factory=dict)
    _kept: dict[RouteKey, Route] = field(default_factory=dict)
    _unweighted: set[Prefix] = field(default_factory=set)

    def decide(self, routes: Mapping[RouteKey, Route]) -> None:
        """Add what one Service wants said."""
        for key, route in routes.items():
            if route.attributes.weight is None:
                self._unweighted.add(key.prefix)
            before = self._decided.get(key)
            self._decided[key] = route if before is None else _joined(before, route)

    def keep(self, routes: Mapping[RouteKey, Route]) -> None:
        """Add what the speaker holds and nobody takes back."""
        self._kept.update(routes)

    def all(self) -> dict[RouteKey, Route]:
        """Return every path, in order."""
        found = {**self._kept, **self._decided}
        for key, route in self._decided.items():
            if route.attributes.weight is not None and key.prefix in self._unweighted:
                plain = replace(route.attributes, weight=None)
                found[key] = Route(plain, route.peers)
        return {key: found[key] for key in sorted(found, key=route_order)}


def _joined(one: Route, other: Route) -> Route:
    if one == other and one.attributes.weight is None:
        return one
    return Route(_added(one.attributes, other.attributes), one.peers | other.peers)


def _added(one: PathAttributes, other: PathAttributes) -> PathAttributes:
    if one.weight is None or other.weight is None:
        return replace(one, weight=None)
    return replace(one, weight=min(one.weight + other.weight, HEAVIEST))
