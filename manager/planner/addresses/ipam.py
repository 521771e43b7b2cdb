"""Addresses from an IPAM: what is reserved there for a Service, and what it is asked for.

A Service is given an address of such an Eip only once it was observed as reserved for that very
Service, or when it shares one that another holds. Until then it waits, with what the IPAM last
said. Judging changes nothing: what is asked for comes back in the Problem.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from manager.planner.addresses.claims import Claim
from manager.planner.addresses.ledger import Ledger
from manager.planner.addresses.pool import Pool
from manager.planner.addresses.problem import Problem, refusal_of
from manager.planner.addresses.source_index import LONGEST, SourceIndex
from manager.planner.desired import Refusal, SourceAsk
from manager.snapshot import Service
from pointsman.model.address import Address, Family, family_of
from pointsman.model.printable import clipped
from pointsman.model.ranges import AddressSet, union
from pointsman.model.reservation import RefusedRequest, ReservationKey
from pointsman.model.verdicts.address import AddressInUse
from pointsman.model.verdicts.source import SourceRefused, WaitingForSource


@dataclass(frozen=True, slots=True)
class Declined:
    """The IPAM will not reserve any address for a Service: another Eip may have one."""

    ask: SourceAsk
    clause: str


def key_of(service: Service, family: Family) -> ReservationKey:
    """Return under which key an IPAM reserves for *service*; offline it may have no uid."""
    return ReservationKey(service.uid or service.key, family)


def reserved_in(
    ledger: Ledger, claim: Claim, family: Family, pool: Pool
) -> Address | Problem | Declined | None:
    """Return the address that the IPAM of *pool* reserved for *claim*; None: it has none left.

    A Problem: the Service waits there, whatever other Eips have.
    """
    index = ledger.facts.sources.get(pool.name)
    if not pool.known:
        return _waiting(pool, index, f"Eip '{pool.name}' {_asks(pool, index)}")
    key = key_of(claim.service, family)
    useless: list[Address] = []
    for address in () if index is None else index.reserved.get(key, ()):
        assert index is not None
        foreign = index.is_foreign(address)
        if foreign or ledger.forbidden(claim, pool, address) or not ledger.is_nobodys(address):
            useless.append(address)
        elif address in ledger.routed:
            clause = f"{address}, which {clipped(pool.source)} reserved, is still being withdrawn"
            ask = SourceAsk(pool.name, key, address)
            return _waiting(pool, index, f"{clause} from the routers", ask, address)
        else:
            return address
    expected = ledger.first_free(pool, family)
    if expected is None:
        return None
    ask = SourceAsk(pool.name, key, within=_without(pool, useless))
    refused = _refusal(index, key, None)
    if refused is not None:
        return Declined(ask, f"{_name(pool)} refuses: {clipped(refused.why, LONGEST)}")
    return _waiting(pool, index, f"Eip '{pool.name}' {_asks(pool, index)}", ask, expected)


def unconfirmed(ledger: Ledger, claim: Claim, pool: Pool, address: Address) -> Problem | None:
    """Return why *claim* has to wait for *address*, which *pool* may give it; None: it need not.

    What another holds and it may share is reserved already.
    """
    if not pool.source:
        return None
    index = ledger.facts.sources.get(pool.name)
    if ledger.is_promised(address):
        clause = f"it asks for {address}, and Eip '{pool.name}' {_asks(pool, index)} for it"
        return _waiting(pool, index, f"{clause} for the Service that it shares with")
    if ledger.is_held(address):
        return None
    key = key_of(claim.service, family_of(address))
    ask = SourceAsk(pool.name, key, address)
    is_reserved = index is not None and address in index.reserved.get(key, ())
    if index is not None and index.is_foreign(address):
        whose = index.reading.foreign[address]
        why = f"in {clipped(pool.source)} it is somebody else's" + (
            f" ({clipped(whose)})" if whose else ""
        )
        clause = f"it asks for {address}, and {why}"
        asks = (ask,) if is_reserved else ()  # who of two gives way, the IPAM's reader knows
        refusals = (refusal_of(address, why),)
        return Problem(AddressInUse, (clause,), str(address), refusals, asks=asks)
    if is_reserved:
        return None
    refused = _refusal(index, key, address)
    if refused is not None:
        why = f"{_name(pool)} refuses: {clipped(refused.why, LONGEST)}"
        refusals = (refusal_of(address, why),)
        clause = f"it asks for {address}, and {why}"
        return Problem(SourceRefused, (clause,), pool.name, refusals, asks=(ask,))
    clause = f"it asks for {address}, and Eip '{pool.name}' {_asks(pool, index)} for it"
    return _waiting(pool, index, clause, ask, address)


def retaining(claim: Claim, sources: Mapping[Address, Pool]) -> tuple[SourceAsk, ...]:
    """Return what keeps addresses reserved that *claim* is not given yet, as it lacks others."""
    return tuple(
        SourceAsk(pool.name, key_of(claim.service, family_of(address)), address)
        for address, pool in sources.items()
        if pool.source
    )


def unread(ledger: Ledger, claim: Claim, address: Address) -> Problem | None:
    """Return that *claim* waits for an IPAM that nobody has read, which may have *address*."""
    for name in claim.named or sorted(ledger.pools.by_name):
        pool = ledger.pools.by_name.get(name)
        if pool is None or pool.known or pool.closed or ledger.refused(claim, pool):
            continue
        index = ledger.facts.sources.get(pool.name)
        clause = f"it asks for {address}, which is in no Eip but perhaps in '{pool.name}', which "
        return _waiting(pool, index, clause + _asks(pool, index))
    return None


def _waiting(
    pool: Pool,
    index: SourceIndex | None,
    clause: str,
    ask: SourceAsk | None = None,
    expected: Address | None = None,
) -> Problem:
    if index is not None and index.reading.problem:
        since = f" since {index.reading.since}" if index.reading.since else ""
        clause += f"; it is not available{since}: {clipped(index.reading.problem, LONGEST)}"
    return Problem(
        WaitingForSource,
        (clause,),
        pool.source,
        (Refusal(f"Eip {pool.name}", clause),),
        asks=() if ask is None else (ask,),
        promised=None if expected is None else (expected, pool),
    )


def _asks(pool: Pool, index: SourceIndex | None) -> str:
    """Return how it stands between *pool* and its IPAM: "asks NetBox prefix 42"."""
    asks = "would ask" if index is None else "asks"
    return f"{asks} {clipped(pool.source)}"


def _name(pool: Pool) -> str:
    return f"{clipped(pool.source)} of Eip '{pool.name}'"


def _refusal(
    index: SourceIndex | None, key: ReservationKey, address: Address | None
) -> RefusedRequest | None:
    """Return what was said to that very request."""
    refused = None if index is None else index.reading.refusals.get(key)
    return refused if refused is not None and refused.address == address else None


def _without(pool: Pool, useless: list[Address]) -> AddressSet | None:
    if not useless:
        return pool.within
    points = union((family_of(one), (int(one), int(one))) for one in useless)
    return (pool.without_buggy() if pool.within is None else pool.within) - points
