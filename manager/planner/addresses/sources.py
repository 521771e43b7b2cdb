"""From which Eip a Service gets an address: the one it asks for, or any; and why from none.

Judging changes nothing. It refuses to look at what the Service has: that is choose.py's.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from manager.planner.addresses.claims import Claim
from manager.planner.addresses.ipam import Declined, reserved_in, unconfirmed, unread
from manager.planner.addresses.ledger import Ledger, none_left
from manager.planner.addresses.pool import Pool
from manager.planner.addresses.problem import Problem, refusal_of
from manager.planner.desired import Refusal
from manager.snapshot import EipName
from pointsman.model.address import Address, Family
from pointsman.model.printable import clipped, quoted
from pointsman.model.verdicts.address import (
    LISTED_MAX,
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
from pointsman.model.verdicts.source import SourceRefused

# Of several Eips that refuse, the reason is that of the one that came nearest to granting.
NEAREST: tuple[type[Unserved], ...] = (
    AddressPoolExhausted,
    SourceRefused,
    EipDisabled,
    NotAdmitted,
    WrongFamily,
    EipNotFound,
)


def requested_pool(ledger: Ledger, claim: Claim, address: Address) -> Pool | Problem:
    """Return the pool that gives *claim* the very *address* it asks for, or why it cannot."""
    source = pool_for(ledger, claim, address)
    if isinstance(source, Problem):
        return source
    obstacle = ledger.obstacle(claim, address)
    if obstacle is not None:
        if ledger.is_promised(address) and obstacle.reason is AddressInUse:
            obstacle = replace(obstacle, clause=f"Service {obstacle.holder} waits for it already")
        clause = f"it asks for {address}, and {obstacle.clause}"
        return Problem(
            obstacle.reason, (clause,), str(address), (refusal_of(address, obstacle.clause),)
        )
    if address in ledger.routed and not ledger.is_held(address):
        clause = f"it asks for {address}, which is still being withdrawn from the routers"
        return Problem(AddressInUse, (clause,), str(address), (refusal_of(address, clause),))
    return unconfirmed(ledger, claim, source, address) or source


def pool_for(ledger: Ledger, claim: Claim, address: Address) -> Pool | Problem:
    """Return the Eip that may give *address* to *claim*; else why the likeliest may not."""
    at = ledger.pools.at(address)
    if claim.named:
        inside = tuple(pool for pool in at if claim.names(pool.name))
        if not inside and (closed := _unreadable(ledger, claim, address)) is not None:
            return closed
        if not inside and claim.names_none_of(ledger.pools.by_name):
            clause = f"there is no Eip {' or '.join(quoted(claim.named[:LISTED_MAX]))}"
            refusals = (refusal_of(address, clause),)
            return Problem(EipNotFound, (clause,), claim.named[0], refusals)
        if not inside and at:
            names = listed(quoted(claim.named[: LISTED_MAX + 1]))
            clause = f"it asks for {address}, which is in Eip '{at[0].name}' and not in {names}"
            refusals = (refusal_of(address, clause),)
            return Problem(
                AddressOutsideEips, (clause,), str(address), refusals, elsewhere=at[0].name
            )
        at = inside
    if not at:
        if (waits := unread(ledger, claim, address)) is not None:
            return waits
        if (closed := _unreadable(ledger, claim, address)) is not None:
            return closed
        clause = f"it asks for {address}, which is in no Eip"
        return Problem(AddressOutsideEips, (clause,), str(address), (refusal_of(address, clause),))
    problems = []
    for pool in at:
        problem = _pool_problem(ledger, claim, pool, address)
        if problem is None:
            return pool
        problems.append(problem)
    return problems[0]


def _unreadable(ledger: Ledger, claim: Claim, address: Address) -> Problem | None:
    """Return why *claim* waits for an *address* that an unreadable Eip seems to hold; or None."""
    for pool in ledger.pools.seem_at(address):
        if not claim.named or claim.names(pool.name):
            clause = f"it asks for {address}, and Eip '{pool.name}' {pool.closed}"
            return Problem(EipDisabled, (clause,), pool.name, (refusal_of(address, clause),))
    return None


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
    declined: dict[EipName, Declined] = {}
    for _, pool in _candidates(ledger, claim):
        if pool is None or pool.closed or ledger.refused(claim, pool):
            continue
        found = (
            reserved_in(ledger, claim, family, pool)
            if pool.source
            else ledger.first_free(pool, family)
        )
        if isinstance(found, Declined):
            declined[pool.name] = found
        elif isinstance(found, Problem):
            return replace(found, asks=(*(one.ask for one in declined.values()), *found.asks))
        elif found is not None:
            return found, pool
    refused = [
        (SourceRefused, declined[name].clause, name)
        if name in declined
        else (*why_not(ledger, claim, family, name=name, pool=pool), name)
        for name, pool in _candidates(ledger, claim)
    ]
    problem = none_of(refused)
    pool = ledger.pools.by_name.get(EipName(problem.about))
    return replace(
        problem,
        asks=tuple(one.ask for one in declined.values()),
        source="" if pool is None else pool.source,
    )


def none_there(ledger: Ledger, claim: Claim, family: Family, names: Iterable[EipName]) -> Problem:
    """Return why none of the Eips *names* gives *claim* an address of *family*."""
    by_name = ledger.pools.by_name
    return none_of(
        [(*why_not(ledger, claim, family, name=one, pool=by_name.get(one)), one) for one in names]
    )


def none_of(refused: Sequence[tuple[type[Unserved], str, EipName]]) -> Problem:
    """Return why none of the Eips gives an address that refused, each with reason and clause."""
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


def out_of_reach(pool: Pool | None, family: Family, name: EipName) -> tuple[type[Unserved], str]:
    """Return why an Eip gives nobody an address of *family*, as `why_not` has it; "": it might."""
    if pool is None:
        return EipNotFound, f"there is no Eip '{clipped(name)}'"
    if pool.closed:
        return EipDisabled, f"Eip '{name}' {pool.closed}"
    has = not pool.known or pool.declared.of(family)
    return WrongFamily, "" if has else none_left(pool, family)


def why_not(
    ledger: Ledger, claim: Claim, family: Family, *, name: EipName, pool: Pool | None
) -> tuple[type[Unserved], str]:
    """Return why an Eip has no address of *family* for *claim*; the clause is "" if it has."""
    if pool is not None and (found := ledger.refused(claim, pool)):
        return found
    reason, clause = out_of_reach(pool, family, name)
    if pool is None or clause:
        return reason, clause
    if not pool.known or ledger.first_free(pool, family) is not None:
        return AddressPoolExhausted, ""
    return AddressPoolExhausted, ledger.why_none(pool, family)
