"""Allocation, stage by stage: what is known of each Service by itself is worked out once.

Each stage is asked again about what changed since the plan before; an answer that is equal stays
the same object. The stages that depend on what others hold stand apart: those claims alone
go the whole way, in every plan (see allocate.py). The newcomer's page is ../DESIGN.md.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from manager.planner.addresses.claims import (
    Claim,
    Share,
    read_claim,
    unreadable,
    with_pending,
)
from manager.planner.addresses.facts import Block, Facts, Number, Routed, block_of
from manager.planner.addresses.honoured import Honour, honour_of
from manager.planner.addresses.own_record import Traces
from manager.planner.addresses.pool import Pools
from manager.planner.addresses.source_index import SourceIndex, disputed_in, index_of
from manager.planner.addresses.split_keys import SplitKeysMemo
from manager.planner.addresses.standing import PoolView, contested, standing, view_of
from manager.planner.addresses.usage import UsageMemo
from manager.planner.desired import Allocation
from manager.snapshot import EipName, Service, ServiceKey, Snapshot
from pointsman.model.address import Address, Family, address_order
from pointsman.model.free import plain
from pointsman.model.memo import Count, Each, Index, Once
from pointsman.model.ranges import address_of

Held = Mapping[Number, Mapping[ServiceKey, EipName]]


class AllocationMemo:
    """What allocation worked out for the plan before; a new one knows nothing."""

    def __init__(self) -> None:
        self._claims = Each[ServiceKey, Claim](_claim)
        self._named = Index[ServiceKey, Number, Share | None](_names)
        self._beside = Each[ServiceKey, _Beside](_beside)
        self._foreign = Index[ServiceKey, Number, str](_recorded)
        self._external = Index[ServiceKey, Number, str](_external)
        self._pending = Index[ServiceKey, Number, None](_coming)
        self._owners = Once[Mapping[Number, str]](_by_number)
        self._sources = Each[EipName, SourceIndex](index_of)
        self._disputed = Each[EipName, Mapping[Number, str]](disputed_in)
        self._contested = Each[Number, bool](contested)
        self._view = Once[PoolView](view_of)
        self._standing = Each[ServiceKey, Allocation](standing)
        self._sharers = Index[ServiceKey, str, Share](_shares)
        self._in_block = Count[Block](_block)
        self._every = Each[ServiceKey, Allocation](_either)
        self._held = Index[ServiceKey, Number, EipName](_grants)
        self._several = Each[Number, bool](_several)
        self._common = Once[frozenset[Address]](_addresses)
        self.split_keys = SplitKeysMemo()
        self.usage = UsageMemo()

    def facts(self, snapshot: Snapshot, ours: Mapping[ServiceKey, Service], pools: Pools) -> Facts:
        """Return what this plan is made from, and which claims do not stand."""
        claims = self._claims(honour_of(snapshot), ours, snapshot.pending)
        named = self._named(claims)
        beside = self._beside(None, snapshot.services, ours)
        foreign, external = self._foreign(beside), self._external(beside)
        pending = self._pending(snapshot.pending)
        disputed = self._disputed(None, snapshot.sources)
        owners = self._owners(pools.infrastructure, disputed)
        doubtful = self._contested(None, named, foreign, pending, external, owners)
        stand = self._standing(self._view(pools), claims)
        return Facts(
            pools=pools,
            namespaces=snapshot.namespaces,
            taken_at=snapshot.taken_at,
            routed=Routed(snapshot.speakers, snapshot.among.released),
            claims=claims,
            named=named,
            foreign=foreign,
            pending=pending,
            external=external,
            sharers=self._sharers(claims),
            stand=stand,
            sources=self._sources(None, snapshot.sources),
            restless=_restless(claims, stand, named, doubtful),
            in_block=lambda: self._in_block(None, named),
        )

    def every(
        self, facts: Facts, restless: Mapping[ServiceKey, Allocation]
    ) -> Mapping[ServiceKey, Allocation]:
        """Return what every Service has: what was decided of the *restless*, and what stands."""
        every = self._every(None, facts.claims, restless, facts.stand)
        return self.split_keys(facts.claims, every)

    def held(self, services: Mapping[ServiceKey, Allocation]) -> Held:
        """Return who holds each address from which Eip; what lies in none is nobody's VIP."""
        return self._held(services)

    def common(self, held: Held) -> frozenset[Address]:
        """Return which addresses several Services hold."""
        return self._common(self._several(None, held))


def _claim(honour: Honour, service: Service, coming: tuple[Address, ...] | None) -> Claim:
    try:
        claim = read_claim(service, honour)
        return claim if coming is None else with_pending(claim, coming)
    except Exception as error:  # noqa: BLE001 - docs/architecture.md rule 13
        return unreadable(service, error)


def numbers_of(claim: Claim) -> dict[Number, Address]:
    """Return every address that *claim* holds, records or may take over, by its number."""
    found = {address_order(one): one for several in claim.held.values() for one in several}
    for one in claim.in_status:
        found.setdefault(address_order(one), one)
    for several in claim.others.values() if claim.takes_over else ():
        for one in several:
            found.setdefault(address_order(one), one)
    return found


def _names(_: ServiceKey, claim: Claim) -> Iterator[tuple[Number, Share | None]]:
    return ((number, claim.share) for number in numbers_of(claim))


def _shares(_: ServiceKey, claim: Claim) -> tuple[tuple[str, Share], ...]:
    return () if claim.share is None else ((claim.share.key, claim.share),)


def _block(_: None, number: Number, __: object) -> tuple[Block, ...]:
    return (block_of(number),) if plain(number[1]) else ()


@dataclass(frozen=True, slots=True)
class _Beside:
    """What of a Service matters to the addresses of others."""

    created: str
    recorded: tuple[Address, ...]  # in its status, if it isn't ours: we read that for its claim
    external: tuple[Address, ...]


def _beside(_: None, service: Service, ours: Service | None) -> _Beside | None:
    recorded: tuple[Address, ...] = ()
    if ours is None and service.ingress:
        traces = Traces(service)
        recorded = traces.recorded(traces.record())
    if not recorded and not service.external_ips:
        return None
    return _Beside(service.created, recorded, service.external_ips)


def _recorded(_: ServiceKey, beside: _Beside) -> Iterator[tuple[Number, str]]:
    return ((address_order(one), beside.created) for one in beside.recorded)


def _external(_: ServiceKey, beside: _Beside) -> Iterator[tuple[Number, str]]:
    return ((address_order(one), beside.created) for one in beside.external)


def _coming(_: ServiceKey, addresses: tuple[Address, ...]) -> Iterator[tuple[Number, None]]:
    return ((address_order(one), None) for one in addresses)


def _by_number(
    owners: Mapping[Address, str], disputed: Mapping[EipName, Mapping[Number, str]]
) -> Mapping[Number, str]:
    """Return whose addresses are by the infrastructure, and what IPAMs say of some."""
    found = {number: clause for one in disputed.values() for number, clause in one.items()}
    return {**found, **{address_order(address): owner for address, owner in owners.items()}}


def _restless(
    claims: Mapping[ServiceKey, Claim],
    stand: Mapping[ServiceKey, Allocation],
    named: Mapping[Number, Mapping[ServiceKey, Share | None]],
    doubtful: Mapping[Number, bool],
) -> frozenset[ServiceKey]:
    """Return which claims do not stand: those on one address stand together, or none does."""
    found = set(claims.keys() - stand.keys()) if len(claims) > len(stand) else set()
    for number in doubtful:
        found.update(named[number])
    seen = set(doubtful)
    waiting = list(found)
    while waiting:
        for number in numbers_of(claims[waiting.pop()]):
            if number not in seen:
                seen.add(number)
                more = named[number].keys() - found
                found |= more
                waiting += more
    return frozenset(found)


def _either(
    _: None, __: Claim, decided: Allocation | None, stands: Allocation | None
) -> Allocation | None:
    return stands if decided is None else decided


def _grants(_: ServiceKey, allocation: Allocation) -> Iterator[tuple[Number, EipName]]:
    return ((address_order(g.address), g.eip) for g in allocation.grants if g.eip is not None)


def _several(_: None, holders: Mapping[ServiceKey, EipName]) -> bool | None:
    return True if len(holders) > 1 else None


def _addresses(numbers: Mapping[Number, bool]) -> frozenset[Address]:
    return frozenset(
        address_of(Family.IPV4 if version == 4 else Family.IPV6, number)
        for version, number in numbers
    )
