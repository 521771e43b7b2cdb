"""What the agent of a node that drains looks for: whatever may still be sent to our addresses.

By prefixes of the Eips, not by what Services hold: so few that a kernel's filter takes them, and
nothing that changes as Services come and go. A flow to an address that no Service has says as
well as any that a router still sends here. What others announce is not ours to withdraw. Pure.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from ipaddress import collapse_addresses, summarize_address_range
from itertools import chain
from typing import Final

from manager.planner.addresses.pool import Pools
from manager.planner.desired import Allocation, Allocations
from manager.planner.nodes.eligible import drains
from manager.snapshot import NodeName, ServiceKey, Snapshot
from pointsman.api import Protocol
from pointsman.model.address import Address, Family, Prefix, family_of, prefix_order
from pointsman.model.assignment import MOST_WATCHED
from pointsman.model.memo import Once
from pointsman.model.ranges import AddressSet, address_of, union

WATCHED: Final = "watched"  # in an Announcer's spec
STEPS: Final = 32  # in which prefixes are made wider, down to the shortest

LeftToOthers = Callable[[Protocol], bool]
Specs = Mapping[NodeName, Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class Watched:
    """The prefixes, in order."""

    prefixes: tuple[Prefix, ...] = ()
    widened: bool = False  # there were too many, so they hold other addresses, too


class WatchedMemo:
    """The stage: it does nothing while no node drains."""

    def __init__(self, others: LeftToOthers) -> None:
        self._prefixes = Once[Watched](partial(_watched, others))
        self._spec = Once[Mapping[str, object]](_spec)

    def __call__(self, snapshot: Snapshot, pools: Pools, allocations: Allocations) -> Specs:
        """Return what the Announcer of each node that drains says of it."""
        away = [
            name for name, node in sorted(snapshot.nodes.items()) if drains(node, snapshot.settings)
        ]
        if not away:
            return {}
        spec = self._spec(self._prefixes(pools, allocations.services))
        return dict.fromkeys(away, spec) if spec else {}


def watched(others: LeftToOthers, pools: Pools, allocations: Allocations) -> Watched:
    """Return what a node that drains may still be sent; what is left to *others* is not ours."""
    return _watched(others, pools, allocations.services)


def _spec(found: Watched) -> Mapping[str, object]:
    return {WATCHED: [str(one) for one in found.prefixes]} if found.prefixes else {}


def _watched(
    others: LeftToOthers, pools: Pools, services: Mapping[ServiceKey, Allocation]
) -> Watched:
    readable = [pool for pool in pools.by_name.values() if pool.spec is not None]
    ours = union(
        (family, span)
        for pool in readable
        if pool.spec is not None and not others(pool.spec.protocol)
        for family in Family
        for span in pool.own.of(family).spans
    )
    known = {pool.name for pool in readable}
    strays = {
        grant.address
        for allocation in services.values()
        for grant in allocation.grants
        # Of no Eip, or of one that cannot be read: it goes on being announced.
        if grant.eip not in known and grant.address not in ours
    }
    prefixes = _prefixes(_with(ours, strays))
    if len(prefixes) <= MOST_WATCHED:
        return Watched(prefixes)
    return Watched(_within_limits(prefixes), widened=True)


def _with(ours: AddressSet, strays: set[Address]) -> AddressSet:
    spans = ((family, span) for family in Family for span in ours.of(family).spans)
    hosts = ((family_of(one), (int(one), int(one))) for one in strays)
    return union(chain(spans, hosts)) if strays else ours


def _prefixes(ours: AddressSet) -> tuple[Prefix, ...]:
    return tuple(
        prefix
        for family in Family
        for first, last in ours.of(family).spans
        for prefix in summarize_address_range(address_of(family, first), address_of(family, last))
    )


def _within_limits(prefixes: tuple[Prefix, ...]) -> tuple[Prefix, ...]:
    """Return prefixes that hold *prefixes*, so few that an Announcer takes them."""
    for step in range(1, STEPS + 1):
        wider = [
            one.supernet(new_prefix=min(one.prefixlen, one.max_prefixlen * (STEPS - step) // STEPS))
            for one in prefixes
        ]
        found: list[Prefix] = []
        for version in (4, 6):
            found += collapse_addresses(one for one in wider if one.version == version)  # type: ignore[type-var]
        if len(found) <= MOST_WATCHED:
            return tuple(sorted(found, key=prefix_order))
    raise AssertionError("one prefix of each family holds all")
