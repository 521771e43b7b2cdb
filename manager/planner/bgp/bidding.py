"""How our paths stand beside those of another replica: silent, as usual, or preferred. Pure.

Where another replica is not heard, it may advertise what is no longer so; a prefix that it would
lead astray is advertised with a preference that every router sees, and then leads where we say.
Of all other prefixes nothing changes, so that no router notices.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from manager.snapshot import Snapshot
from pointsman.model.hops import Hop, Hops
from pointsman.model.memo import Each
from pointsman.model.replicas import BASE_MED, Held, outbidding
from pointsman.model.route import PeerName, Route
from pointsman.model.table import Group, Order, Table

MOST_REMEMBERED: Final = 4096


class BiddingMemo:
    """Both stages, each of which is skipped while all is well."""

    def __init__(self) -> None:
        self.bids = Each[Order, Group](self._bid)
        self.quiet = Each[Order, Group](_quieted)
        # Prefixes that say the same share their next hops, and go on to.
        self._made: dict[int, tuple[Hops, Hops]] = {}

    def _bid(self, _: None, group: Group, unheard: Group | None) -> Group:
        """Return *group*, preferred if the other may lead the prefix anywhere else."""
        hops = group.hops
        if unheard is None or all(_is_same(hops, hop, old) for hop, old in unheard.hops.items()):
            return group
        known = self._made.get(id(hops))
        if known is None:
            if len(self._made) >= MOST_REMEMBERED:
                self._made.clear()
            known = self._made[id(hops)] = hops, _outbidding(hops)
        return Group(group.prefix, known[1])


def among_replicas(
    snapshot: Snapshot, groups: Mapping[Order, Group], memo: BiddingMemo
) -> Mapping[Order, Group]:
    """Return *groups* as this replica advertises them, given how the others fare."""
    among = snapshot.among
    if among.unheard:
        groups = memo.bids(None, groups, _together(among.unheard))
    if among.quiet:
        groups = memo.quiet(among.quiet, groups)
    return groups


def base_med(given: int | None, *, bids: bool) -> int | None:
    """Return the MED of a path of which the user says *given*."""
    return BASE_MED if given is None and bids else given


def _together(tables: Iterable[Held]) -> Mapping[Order, Group]:
    """Return what any of *tables* says, by prefix."""
    first, *rest = (Table.of(one).groups for one in tables)
    if not rest:
        return first
    found = dict(first)
    for groups in rest:
        for order, group in groups.items():
            known = found.get(order)
            if known is None or known == group:
                found[order] = group
            else:
                found[order] = Group(group.prefix, {**known.hops, **group.hops})
    return found


def _is_same(hops: Hops, hop: Hop, old: Route) -> bool:
    """Whether the other's path is one of ours, for each router that has it."""
    route = hops.get(hop)
    return route is not None and route.attributes == old.attributes and old.peers <= route.peers


def _outbidding(hops: Hops) -> Hops:
    return {hop: Route(outbidding(route.attributes), route.peers) for hop, route in hops.items()}


def _quieted(quiet: frozenset[PeerName], group: Group) -> Group | None:
    """Return *group* without the routers *quiet*."""
    if all(quiet.isdisjoint(route.peers) for route in group.hops.values()):
        return group
    hops = {
        hop: Route(route.attributes, left)
        for hop, route in group.hops.items()
        if (left := route.peers - quiet)
    }
    return Group(group.prefix, hops) if hops else None
