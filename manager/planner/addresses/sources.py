"""From which Eip a Service gets an address: the one it asks for, or any; and why from none.

Judging changes nothing. It refuses to look at what the Service has: that is choose.py's.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from manager.planner.addresses.claims import Claim
from manager.planner.addresses.ledger import Ledger
from manager.planner.addresses.pools import Pool
from manager.planner.desired import Refusal
from manager.snapshot import EipName
from pointsman.model.address import Address, Family
from pointsman.model.printable import clipped, quoted
from pointsman.model.verdicts.address import (
    AddressExcluded,
    AddressInUse,
    AddressOutsideEips,
    AddressPoolExhausted,
    EipDisabled,
    EipNotFound,
    NoDefaultEip,
    NotAdmitted,
    Unserved,
    WrongFamily,
    listed,
)

# Of several Eips that refuse, the reason is that of the one that came nearest to granting.
NEAREST: tuple[type[Unserved], ...] = (
    AddressPoolExhausted,
    EipDisabled,
    NotAdmitted,
    WrongFamily,
    EipNotFound,
)


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a request cannot be met; a verdict once it is known what the Service keeps."""

    reason: type[Unserved]
    because: tuple[str, ...]
    about: str = ""
    refusals: tuple[Refusal, ...] = ()
    leaving_soon: bool = False  # it keeps a shared address for a while only, which comes first


def requested_pool(ledger: Ledger, claim: Claim, address: Address) -> Pool | Problem:
    """Return the pool that gives *claim* the very *address* it asks for, or why it cannot."""
    source = pool_for(ledger, claim, address)
    if isinstance(source, Problem):
        return source
    obstacle = ledger.obstacle(claim, address)
    if obstacle is not None:
        clause = f"it asks for {address}, and {obstacle.clause}"
        return Problem(
            obstacle.reason, (clause,), str(address), (refusal_of(address, obstacle.clause),)
        )
    if address in ledger.routed and address not in ledger.holders:
        clause = f"it asks for {address}, which is still being withdrawn from the routers"
        return Problem(AddressInUse, (clause,), str(address), (refusal_of(address, clause),))
    return source


def pool_for(ledger: Ledger, claim: Claim, address: Address) -> Pool | Problem:
    """Return the Eip that may give *address* to *claim*; else why the likeliest may not."""
    at = ledger.pools.at(address)
    if claim.named:
        missing = [name for name in claim.named if name not in ledger.pools.by_name]
        inside = tuple(pool for pool in at if pool.name in claim.named)
        if not inside and len(missing) == len(claim.named):
            clause = f"there is no Eip {' or '.join(quoted(missing))}"
            return Problem(EipNotFound, (clause,), missing[0], (refusal_of(address, clause),))
        if not inside and at:
            names = listed(quoted(claim.named))
            clause = f"it asks for {address}, which is in Eip '{at[0].name}' and not in {names}"
            return Problem(
                AddressOutsideEips, (clause,), str(address), (refusal_of(address, clause),)
            )
        at = inside
    if not at:
        clause = f"it asks for {address}, which is in no Eip"
        return Problem(AddressOutsideEips, (clause,), str(address), (refusal_of(address, clause),))
    problems = []
    for pool in at:
        problem = _pool_problem(ledger, claim, pool, address)
        if problem is None:
            return pool
        problems.append(problem)
    return problems[0]


def _pool_problem(ledger: Ledger, claim: Claim, pool: Pool, address: Address) -> Problem | None:
    found = ledger.forbidden(claim, pool, address)
    # An Eip that admits nobody of the kind says so first; one that is closed, before the address.
    if pool.closed and (found is None or found[0] is AddressExcluded):
        found = EipDisabled, f"Eip '{pool.name}' {pool.closed}"
    if found is None:
        return None
    reason, why = found
    clause = f"it asks for {address}, and {why}"
    return Problem(reason, (clause,), pool.name, (Refusal(f"Eip {pool.name}", why),))


def any_free(ledger: Ledger, claim: Claim, family: Family) -> tuple[Address, Pool] | Problem:
    # Two passes: with fifty full Eips before the first free one, the words cost more
    # than the search.
    for _, pool in _candidates(ledger, claim):
        if pool is None or pool.closed or ledger.refused(claim, pool):
            continue
        address = ledger.first_free(pool, family)
        if address is not None:
            return address, pool
    refused = [
        (*why_not(ledger, claim, family, name=name, pool=pool), name)
        for name, pool in _candidates(ledger, claim)
    ]
    if not refused:
        clause = "it names no Eip, and no Eip has default: true"
        return Problem(NoDefaultEip, (clause,), refusals=(Refusal("default Eips", clause),))
    reason, _, about = min(refused, key=lambda entry: NEAREST.index(entry[0]))
    clauses = tuple(clause for _, clause, _ in refused)
    refusals = tuple(Refusal(f"Eip {name}", clause) for _, clause, name in refused)
    return Problem(reason, clauses, about, refusals)


def _candidates(ledger: Ledger, claim: Claim) -> Iterator[tuple[EipName, Pool | None]]:
    """Yield the Eips to try: as the Service lists them, else the defaults."""
    if claim.named:
        return ((name, ledger.pools.by_name.get(name)) for name in claim.named)
    return ((pool.name, pool) for pool in ledger.pools.defaults)


def why_not(
    ledger: Ledger, claim: Claim, family: Family, *, name: EipName, pool: Pool | None
) -> tuple[type[Unserved], str]:
    """Return why an Eip has no address of *family* for *claim*; the clause is "" if it has."""
    if pool is None:
        return EipNotFound, f"there is no Eip '{clipped(name)}'"
    if found := ledger.refused(claim, pool):
        return found
    if pool.closed:
        return EipDisabled, f"Eip '{name}' {pool.closed}"
    reason = AddressPoolExhausted if pool.declared.of(family) else WrongFamily
    return reason, ledger.why_none(pool, family) if ledger.first_free(pool, family) is None else ""


def refusal_of(address: Address, why: str) -> Refusal:
    return Refusal(str(address), why)
