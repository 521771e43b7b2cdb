"""How far each Eip is used: capacity, what is held, what is left, and whether it may go.

An Eip is in use while an address is allocated from it, or while a status still records one
that is about to be released: the finalizer outlasts every record. Counts follow what changed;
of those who do not stand (allocate.py), who alone give anything up, all is looked at.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

from manager.planner.addresses.adopt import home_pool
from manager.planner.addresses.claims import Claim, Share
from manager.planner.addresses.facts import Facts, Number
from manager.planner.addresses.ledger import Ledger
from manager.planner.addresses.pool import Pool, Pools, name_of
from manager.planner.addresses.source_index import SourceIndex
from manager.planner.addresses.source_ready import has_entries, source_ready
from manager.planner.desired import Allocation, Counts, EipUsage
from manager.snapshot import EipName, ServiceKey
from pointsman.model.address import Family, address_order
from pointsman.model.free import plain
from pointsman.model.memo import Count, Each, Once
from pointsman.model.ranges import Numbers
from pointsman.model.verdicts.address import Disabled, InternalError, InUse
from pointsman.model.verdicts.base import Verdict
from pointsman.model.verdicts.source import Releasing

_PoolFamily = tuple[EipName, int]  # one IP version of one Eip
_Numbers = Mapping[_PoolFamily, int]
_VERSIONS = ((Family.IPV4, 4), (Family.IPV6, 6))


class UsageMemo:
    """The counts of the plan before."""

    def __init__(self) -> None:
        self._capacities = Each[EipName, Counts](_capacity)
        self._allocated = Count[_PoolFamily](_allocated)
        self._services = Count[EipName](_eips)
        self._grantable = Once[_Grantable](_grantable)
        self._taken = Count[_PoolFamily](_granting)
        self._foreign_alone = Each[Number, Mapping[ServiceKey, str]](_alone)
        self._taken_by_others = Count[_PoolFamily](_granting)
        self._usages = Once[Mapping[EipName, EipUsage]](_usages)
        self._each = Each[EipName, EipUsage](_itself)

    def __call__(
        self,
        ledger: Ledger,
        services: Mapping[ServiceKey, Allocation],
        *,
        held: Mapping[Number, Mapping[ServiceKey, EipName]],
        restless: Iterable[Claim],
    ) -> Mapping[EipName, EipUsage]:
        """Return the usage of every Eip after this plan, by name.

        *services*: what every Service has; *held*: by address; *restless*: who does not stand.
        """
        facts, pools, restless = ledger.facts, ledger.pools, tuple(restless)
        grantable = self._grantable(pools)
        alone = self._foreign_alone(None, facts.foreign, facts.named)
        granted = (address_order(g.address) for c in restless for g in services[c.key].grants)
        usages = self._usages(
            pools,
            self._capacities(None, pools.by_name),
            self._allocated(None, held),
            self._services(None, services),
            _users(ledger, restless, services),
            facts.sources,
            frozenset(ask.eip for c in restless for ask in services[c.key].asks),
            self._taken(grantable, facts.named),
            self._taken_by_others(grantable, alone),
            _taken_beside(facts, grantable, granted),
            _taken_there(facts, grantable),
        )
        return self._each(None, usages)


def _usages(
    pools: Pools,
    capacities: Mapping[EipName, Counts],
    allocated: _Numbers,
    services: Mapping[EipName, int],
    users: Mapping[EipName, ServiceKey],
    sources: Mapping[EipName, SourceIndex],
    asked: frozenset[EipName],
    *taken: _Numbers,
) -> Mapping[EipName, EipUsage]:
    usages: dict[EipName, EipUsage] = {}
    for name, pool in pools.by_name.items():
        capacity = capacities[name]
        left = [
            there - sum(one.get((name, version), 0) for one in taken)
            for there, version in ((capacity.ipv4, 4), (capacity.ipv6, 6))
        ]
        usages[name] = EipUsage(
            ready=_ready(pool, users.get(name), sources.get(name)),
            capacity=capacity,
            allocated=Counts(allocated.get((name, 4), 0), allocated.get((name, 6), 0)),
            available=Counts(*left),
            services=services.get(name, 0),
            in_use=name in services
            or name in users
            or name in asked
            or has_entries(pool, sources.get(name)),
        )
    return usages


def _capacity(_: None, pool: Pool) -> Counts:
    return Counts(pool.capacity(Family.IPV4), pool.capacity(Family.IPV6))


def _itself(_: None, usage: EipUsage) -> EipUsage:
    return usage


def _ready(pool: Pool, user: ServiceKey | None, index: SourceIndex | None) -> Verdict:
    if not pool.deleting or isinstance(pool.ready, InternalError):
        return source_ready(pool, index)
    if user is not None:
        return InUse(pool.name, user)
    if has_entries(pool, index):
        return Releasing(pool.name, name_of(pool))
    return Disabled(pool.name, leaving=True)


def _allocated(
    _: None, number: Number, holders: Mapping[ServiceKey, EipName]
) -> Iterator[_PoolFamily]:
    # All who hold an address have it from one Eip: the ledger knows one pool of it.
    yield next(iter(holders.values())), number[0]


def _eips(_: None, __: ServiceKey, allocation: Allocation) -> set[EipName]:
    return {grant.eip for grant in allocation.grants if grant.eip is not None}


@dataclass(frozen=True, slots=True)
class _Grantable:
    """Which Eips might grant an address: all that is asked of the pools for each that is taken.

    By IP version: where each piece begins, and the Eips there with their numbers, and whether
    they give out plain ones only.
    """

    starts: Mapping[int, tuple[int, ...]]
    pieces: Mapping[int, tuple[tuple[tuple[EipName, Numbers, bool], ...], ...]]


def _grantable(pools: Pools) -> _Grantable:
    starts: dict[int, tuple[int, ...]] = {}
    pieces: dict[int, tuple[tuple[tuple[EipName, Numbers, bool], ...], ...]] = {}
    for family, version in _VERSIONS:
        segments = pools.segments[family]
        starts[version] = tuple(start for start, _ in segments)
        pieces[version] = tuple(
            tuple((p.name, p.grantable.of(family), p.avoids_buggy and version == 4) for p in inside)
            for _, inside in segments
        )
    return _Grantable(starts, pieces)


def _granting(grantable: _Grantable, number: Number, _: object) -> Iterable[_PoolFamily]:
    """Return the pools that might grant the address."""
    version, value = number
    at = bisect_right(grantable.starts[version], value) - 1
    if at < 0:
        return ()
    return [
        (name, version)
        for name, numbers, avoids_buggy in grantable.pieces[version][at]
        if value in numbers and (plain(value) or not avoids_buggy)
    ]


def _alone(
    _: None, foreign: Mapping[ServiceKey, str], named: Mapping[ServiceKey, Share | None] | None
) -> Mapping[ServiceKey, str] | None:
    """Return *foreign*, who record an address, unless it counts already: ours name it, too."""
    return foreign if named is None else None


def _taken_beside(facts: Facts, grantable: _Grantable, granted: Iterable[Number]) -> _Numbers:
    """Return how many addresses are taken that no status records: granted now, or on the way."""
    found: dict[_PoolFamily, int] = {}
    for number in sorted({*granted, *facts.pending}):
        if number not in facts.named and number not in facts.foreign:
            for name in _granting(grantable, number, None):
                found[name] = found.get(name, 0) + 1
    return found


def _taken_there(facts: Facts, grantable: _Grantable) -> _Numbers:
    """Return how many addresses only IPAMs know to be taken: somebody else's, or reserved."""
    found: dict[_PoolFamily, int] = {}
    for eip, index in facts.sources.items():
        known = (facts.named, facts.foreign, facts.pending)
        for number in index.taken.difference(*known):
            for name in _granting(grantable, number, None):
                if name[0] == eip:
                    found[name] = found.get(name, 0) + 1
    return found


def _users(
    ledger: Ledger, restless: Iterable[Claim], services: Mapping[ServiceKey, Allocation]
) -> Mapping[EipName, ServiceKey]:
    """Return who uses each Eip, the first by name, of those that do not stand: holds an address
    of it, or gives one up in this plan and has not yet.

    Nobody stands in an Eip that is being deleted: of such these are all.
    """
    found: dict[EipName, ServiceKey] = {}
    for claim in restless:
        grants = services[claim.key].grants
        eips = {grant.eip for grant in grants}
        granted = {grant.address for grant in grants}
        for address in chain.from_iterable(claim.held.values()):
            if address not in granted and (pool := home_pool(ledger, claim, address)) is not None:
                eips.add(pool.name)
        for eip in eips:
            if eip is not None:
                found[eip] = min(claim.key, found.get(eip, claim.key))
    return found
