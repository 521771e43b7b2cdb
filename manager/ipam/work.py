"""What an IPAM lacks of a plan, and what it holds too much. Pure.

An entry is put right before one is asked for, and what nobody has goes last. What the plan did
not know of is not its to release. Refuses to choose an address: that is the planner's, or the
IPAM's own.
"""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass

from pointsman.model.address import Address, address_order
from pointsman.model.reservation import (
    AddressRequest,
    Reservation,
    ReservationKey,
    ReservationState,
    SourcePlan,
    SourceReading,
)


@dataclass(frozen=True, slots=True)
class Reserve:
    """Have an address reserved; for one that is *held*, put back what is not there (any more)."""

    key: ReservationKey
    request: AddressRequest
    held: bool = False


@dataclass(frozen=True, slots=True)
class Describe:
    """Make an entry of ours say whose it is; *request*: what it is asked to meet by that."""

    reservation: Reservation
    key: ReservationKey
    request: AddressRequest
    held: bool = False


Put = Reserve | Describe


@dataclass(frozen=True, slots=True)
class SourceWork:
    """*puts* in their order; *surplus*: entries of ours that nobody has."""

    puts: tuple[Put, ...] = ()
    surplus: tuple[Reservation, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.puts or self.surplus)


def source_work(
    plan: SourcePlan, reading: SourceReading, *, planned_from: SourceReading
) -> SourceWork:
    """Return what the IPAM, as *reading* has it, lacks of *plan* and holds too much.

    *planned_from*: the reading that the plan saw; only entries in it are too many.
    """
    at = _by_address(reading.reservations)
    # What stands twice is granted to nobody: the IPAM is asked again, and finds out whose it is.
    alone = [one for one in reading.reservations if one.address not in reading.foreign]
    owned, alone_at = _by_key(alone), _by_address(alone)
    puts: list[Put] = []
    needed: set[str] = set()
    for address in sorted(plan.held, key=address_order):
        key = plan.owners.get(address)
        entries = at.get(address, ())
        if key is None:  # whose it is cannot be said, so what is there stays
            needed.update(one.id for one in entries)
            continue
        request = AddressRequest(plan.held[address], address)
        chosen = _oldest(entries, key)
        if chosen is None:
            puts.append(Reserve(key, request, held=True))
            continue
        needed.add(chosen.id)
        if not _says(chosen, key, request):
            puts.append(Describe(chosen, key, request, held=True))
    for key, request in plan.requests.items():
        found = _meets(request, owned.get(key, ()), alone_at, plan)
        if found is None:
            puts.append(Reserve(key, request))
            continue
        needed.add(found.id)
        if found.state is not ReservationState.HELD or found.key != key:
            puts.append(Describe(found, key, request))
    known = {one.id for one in planned_from.reservations}
    surplus = [one for one in reading.reservations if one.id not in needed and one.id in known]
    return SourceWork(tuple(puts), tuple(sorted(surplus, key=lambda one: order(one.id))))


def is_wanted(put: Put, plan: SourcePlan) -> bool:
    """Whether *plan*, newer than the work that *put* is of, still has a use for it."""
    if not put.held:
        return plan.requests.get(put.key) == put.request
    address = put.request.address
    return address is not None and plan.owners.get(address) == put.key


def name(put: Put) -> Hashable:
    """Return what *put* is for: somebody may have one address and ask for another."""
    return put.key, put.request.address


def touched(put: Put) -> frozenset[Hashable]:
    """Return whom and what *put* concerns: no other that does is to be asked beside it."""
    found: set[Hashable] = {put.key, put.request.address}
    if isinstance(put, Describe):
        found |= {put.reservation.key, put.reservation.address}
    return frozenset(found - {None})


def order(identity: str) -> tuple[int, str]:
    """Return what sorts ids as the numbers that most of them are."""
    return len(identity), identity


def _by_address(entries: Iterable[Reservation]) -> Mapping[Address, tuple[Reservation, ...]]:
    found: dict[Address, tuple[Reservation, ...]] = {}
    for one in entries:
        found[one.address] = (*found.get(one.address, ()), one)
    return found


def _by_key(entries: Iterable[Reservation]) -> Mapping[ReservationKey, tuple[Reservation, ...]]:
    found: dict[ReservationKey, tuple[Reservation, ...]] = {}
    for one in entries:
        if one.key is not None:
            found[one.key] = (*found.get(one.key, ()), one)
    return found


def _oldest(entries: Iterable[Reservation], key: ReservationKey) -> Reservation | None:
    """Return which of the entries of one address is kept: of the right ones the oldest."""
    return min(
        entries,
        key=lambda one: (one.key != key, one.state is not ReservationState.HELD, order(one.id)),
        default=None,
    )


def _says(entry: Reservation, key: ReservationKey, request: AddressRequest) -> bool:
    return (
        entry.key == key and entry.state is ReservationState.HELD and entry.holder == request.holder
    )


def _fits(address: Address, request: AddressRequest) -> bool:
    return request.address in (None, address) and (
        request.within is None or address in request.within
    )


def _meets(
    request: AddressRequest,
    own: Iterable[Reservation],
    at: Mapping[Address, tuple[Reservation, ...]],
    plan: SourcePlan,
) -> Reservation | None:
    """Return the entry that meets *request*, or will when it is described anew.

    First the key's own; then whichever of ours has the address that is asked for and is held by
    nobody any more.
    """
    candidates = [one for one in own if _fits(one.address, request)]
    candidates = [one for one in candidates if one.address not in plan.held] or candidates
    if not candidates and request.address is not None and request.address not in plan.held:
        candidates = list(at.get(request.address, ()))
    return min(
        candidates,
        key=lambda one: (one.state is not ReservationState.HELD, order(one.id)),
        default=None,
    )
