"""What is said of a prefix, by next hop: shared between prefixes, worked on once for all of them.

Next hops that are one object are worked on once, however many prefixes have them: a node that
goes takes the same next hop from ten thousand. Each helper lives for one comparison or change.
"""

from collections.abc import Callable, Mapping
from typing import Final

from pointsman.model.address import Address
from pointsman.model.identity import once_per_object, once_per_pair, once_per_three
from pointsman.model.route import Route, RouteKey, route_order

Hop = tuple[Address, int]  # next hop, and which of the replica's speakers says it
Hops = Mapping[Hop, Route]
NO_HOPS: Final[Hops] = {}


class SharedHops:
    """Next hops that are equal, as one object: numbers and identities are compared first."""

    def __init__(self) -> None:
        self._hops: dict[tuple[tuple[tuple[int, ...], int], ...], Hops] = {}
        routes: dict[Route, Route] = {}
        self._one: Callable[[Route], Route] = once_per_object(lambda r: routes.setdefault(r, r))

    def of(self, found: list[tuple[RouteKey, Route]]) -> Hops:
        """Return the hops of one prefix's routes."""
        if len(found) > 1:
            found.sort(key=by_key)
        signature = tuple([(key.order[3:], id(self._one(route))) for key, route in found])
        hops = self._hops.get(signature)
        if hops is None:
            hops = {(key.next_hop, key.speaker): self._one(route) for key, route in found}
            self._hops[signature] = hops
        return hops


def lacking_hops() -> Callable[[Hops, Hops], tuple[Hops, Hops]]:
    """Return what tells what is to be put and what dropped of a second to have the first."""
    return once_per_pair(_lacking)


def _lacking(wanted: Hops, there: Hops) -> tuple[Hops, Hops]:
    lacks = {
        hop: route
        for hop, route in wanted.items()
        if (had := there.get(hop)) is not route and had != route
    }
    return lacks, {hop: route for hop, route in there.items() if hop not in wanted}


def patched_hops() -> Callable[[Hops, Hops, Hops], Hops]:
    """Return what gives a first with the puts of a second, and then without the third."""
    merged = once_per_three(_patched)

    def of(before: Hops, puts: Hops, dropped: Hops) -> Hops:
        if not dropped and (not puts or not before):
            return before or puts
        return merged(before, puts, dropped)

    return of


def _patched(before: Hops, puts: Hops, dropped: Hops) -> Hops:
    both = sorted({**before, **puts}.items(), key=_by_hop)
    return {hop: one for hop, one in both if hop not in dropped}


def common_hops() -> Callable[[Hops, Hops], Hops]:
    """Return what gives a first as far as it is in the second; itself, if all of it is."""
    return once_per_pair(_common)


def _common(some: Hops, others: Hops) -> Hops:
    if some is others:
        return some
    found = {hop: route for hop, route in some.items() if hop in others}
    return some if len(found) == len(some) else found


def _by_hop(item: tuple[Hop, Route]) -> tuple[int, int, int]:
    (address, speaker), _ = item
    return address.version, int(address), speaker


def by_key(item: tuple[RouteKey, Route]) -> tuple[int, ...]:
    """Sort key of routes with their keys."""
    return route_order(item[0])
