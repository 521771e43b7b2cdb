"""What the IPAM of each Eip should come to: what is asked of it, and who has what.

Whatever is in use stays written there: what Services are given, what they give up and have by
their status yet, what a router may still be sent. All else of ours the driver releases, but not
of an Eip that is missing here: nobody knows what that means.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from manager.planner.addresses.facts import Number, Routed
from manager.planner.addresses.ipam import key_of
from manager.planner.addresses.source_index import SourceIndex, index_of
from manager.planner.desired import Allocation, Allocations, SourceAsk
from manager.snapshot import Eip, EipName, Service, ServiceKey, Snapshot
from pointsman.api import EipSpec
from pointsman.model.address import Address, Family, address_order, family_of
from pointsman.model.memo import Each, Index, Once
from pointsman.model.ranges import address_of
from pointsman.model.reservation import (
    AddressRequest,
    Holder,
    Reservation,
    ReservationKey,
    ReservationState,
    SourcePlan,
)

Owners = Mapping[Number, ReservationKey]


@dataclass(frozen=True, slots=True)
class _Terms:
    """How entries of an Eip are written into its IPAM."""

    publishes: bool
    dns_name: str  # a template; "": none
    leaving: bool

    def name_of(self, service: str, eip: str) -> str:
        """Return the DNS name of what *service* ("NAMESPACE/NAME") has."""
        namespace, _, name = service.partition("/")
        found = self.dns_name.replace("{namespace}", namespace).replace("{name}", name)
        return found.replace("{eip}", eip)


@dataclass(frozen=True, slots=True)
class _Holding:
    """What one Service has of such Eips."""

    uid: str
    created: str
    grants: tuple[tuple[Number, EipName], ...]


@dataclass(frozen=True, slots=True)
class _Grant:
    """One address of one Service, from such an Eip."""

    number: Number
    eip: EipName
    uid: str
    created: str


@dataclass(frozen=True, slots=True)
class _Entry:
    """Who has one address, and in whose name it is reserved."""

    eip: EipName
    holder: Holder
    owner: ReservationKey


@dataclass(frozen=True, slots=True)
class _Held:
    """What is held of one Eip, and the reservations that nobody holds."""

    plan: SourcePlan
    others: tuple[Reservation, ...]


class SourcePlansMemo:
    """`source_plans`, worked out anew where something changed."""

    def __init__(self) -> None:
        self._terms = Each[EipName, _Terms](_terms_of)
        self._holdings = Each[ServiceKey, _Holding](_holding)
        self._by_number = Index[ServiceKey, Number, _Grant](_numbers)
        self._indexes = Each[EipName, SourceIndex](index_of)
        self._owners = Once[Owners](_owners)
        self._entries = Each[Number, _Entry](_entry)
        self._by_eip = Index[Number, EipName, _Entry](_eips)
        self._held = Each[EipName, _Held](_held)

    def __call__(
        self, snapshot: Snapshot, ours: Mapping[ServiceKey, Service], allocations: Allocations
    ) -> Mapping[EipName, SourcePlan]:
        """Return the plan of every Eip that has an IPAM or publishes."""
        terms = self._terms(None, snapshot.eips)
        if not terms:
            return {}
        held = self._held(
            None,
            terms,
            self._by_eip(self._each(snapshot, ours, allocations, terms)),
            self._indexes(None, snapshot.sources),
        )
        routed = Routed(snapshot.speakers, snapshot.among.released)
        plans = {
            name: _Draft(name, terms[name], one, snapshot, routed) for name, one in held.items()
        }
        for address, (eip, keys) in allocations.lingering.items():
            if eip in plans:
                plans[eip].linger(address, keys)
        for key, asks in allocations.asks.items():
            for ask in asks:
                plans[ask.eip].ask(key, ask)
        return {name: draft.plan() for name, draft in plans.items()}

    def _each(
        self,
        snapshot: Snapshot,
        ours: Mapping[ServiceKey, Service],
        allocations: Allocations,
        terms: Mapping[EipName, _Terms],
    ) -> Mapping[Number, _Entry]:
        holdings = self._holdings(frozenset(terms), allocations.services, ours)
        owners = self._owners(self._indexes(None, snapshot.sources))
        return self._entries(terms, self._by_number(holdings), owners)


class _Draft:
    """The plan of one IPAM, while what is not at rest is added."""

    def __init__(
        self,
        eip: EipName,
        terms: _Terms,
        held: _Held,
        snapshot: Snapshot,
        routed: Routed,
    ) -> None:
        self._eip, self._terms, self._base = eip, terms, held.plan
        self._services = snapshot.services
        self._reserved = {one.address: one for one in held.others}
        self._requests: dict[ReservationKey, AddressRequest] = {}
        self._held: dict[Address, Holder] = {}
        self._owners: dict[Address, ReservationKey] = {}
        coming = {one for addresses in snapshot.pending.values() for one in addresses}
        for one in held.others:
            if one.address in coming or one.address in routed:
                self._keep(one.address, one.holder, one.key)

    def linger(self, address: Address, keys: tuple[ServiceKey, ...]) -> None:
        """Keep what *keys* give up and have by their status yet."""
        if address not in self._base.held:
            self._keep(address, self._holder(keys), self._owner(address, keys[0]))

    def ask(self, key: ServiceKey, ask: SourceAsk) -> None:
        """Add what the Service *key* asks for; what is reserved for it already stays."""
        there = None if ask.address is None else self._reserved.get(ask.address)
        stands = there is not None and there.state is ReservationState.HELD
        if ask.address is not None and there is not None and stands and there.key == ask.key:
            self._keep(ask.address, self._holder((key,)), ask.key)
        else:
            request = AddressRequest(self._holder((key,)), ask.address, ask.within)
            self._requests.setdefault(ask.key, request)

    def plan(self) -> SourcePlan:
        """Return the whole of it; what is at rest, if nothing was added."""
        if not (self._requests or self._held):
            return self._base
        return replace(
            self._base,
            requests=self._requests,
            held={**self._base.held, **self._held},
            owners={**self._base.owners, **self._owners},
        )

    def _keep(self, address: Address, holder: Holder, owner: ReservationKey | None) -> None:
        self._held[address] = holder
        if owner is not None:
            self._owners[address] = owner

    def _holder(self, keys: tuple[ServiceKey, ...]) -> Holder:
        return Holder.of(keys, self._terms.name_of(keys[0], self._eip))

    def _owner(self, address: Address, key: ServiceKey) -> ReservationKey:
        there = self._reserved.get(address)
        if there is not None and there.key is not None:
            return there.key
        return key_of(self._services[key], family_of(address))


def _terms_of(_: None, eip: Eip) -> _Terms | None:
    spec = eip.spec
    if not isinstance(spec, EipSpec) or (ipam := spec.ipam) is None:
        return None
    entries = ipam.netbox
    dns_name = "" if entries is None else entries.dns_name or ""
    return _Terms(spec.source is None, dns_name, eip.deleting)


def _holding(
    eips: frozenset[EipName], allocation: Allocation, service: Service | None
) -> _Holding | None:
    grants = tuple(
        (address_order(one.address), one.eip)
        for one in allocation.grants
        if one.eip is not None and one.eip in eips
    )
    if not grants or service is None:
        return None
    return _Holding(service.uid or service.key, service.created, grants)


def _numbers(_: ServiceKey, holding: _Holding) -> Iterator[tuple[Number, _Grant]]:
    return (
        (number, _Grant(number, eip, holding.uid, holding.created))
        for number, eip in holding.grants
    )


def _owners(indexes: Mapping[EipName, SourceIndex]) -> Owners:
    found = list(indexes.values())
    if len(found) == 1:
        return found[0].owners
    return {number: key for one in found for number, key in one.owners.items()}


def _entry(
    terms: Mapping[EipName, _Terms],
    grants: Mapping[ServiceKey, _Grant],
    reserved_for: ReservationKey | None,
) -> _Entry:
    """Return the entry of one address: of several who share it, it stays in the name it is in."""
    by_age = sorted(grants.items(), key=lambda one: (one[1].created, one[0]))
    owner, grant = next(
        (one for one in by_age if reserved_for and one[1].uid == reserved_for.service_uid),
        by_age[0],
    )
    holder = Holder.of(grants, terms[grant.eip].name_of(owner, grant.eip))
    return _Entry(grant.eip, holder, ReservationKey(grant.uid, _family(grant.number)))


def _eips(_: Number, entry: _Entry) -> Iterable[tuple[EipName, _Entry]]:
    return ((entry.eip, entry),)


def _held(
    _: None,
    terms: _Terms,
    entries: Mapping[Number, _Entry] | None,
    index: SourceIndex | None,
) -> _Held:
    there = {} if entries is None else entries
    plan = SourcePlan(
        held={_address(number): one.holder for number, one in there.items()},
        owners={_address(number): one.owner for number, one in there.items()},
        publish_only=terms.publishes,
        leaving=terms.leaving,
    )
    reservations = () if index is None else index.reading.reservations
    others = [one for one in reservations if address_order(one.address) not in there]
    return _Held(plan, tuple(sorted(others, key=lambda one: address_order(one.address))))


def _address(number: Number) -> Address:
    return address_of(_family(number), number[1])


def _family(number: Number) -> Family:
    return Family.IPV4 if number[0] == 4 else Family.IPV6
