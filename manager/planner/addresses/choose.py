"""Which addresses one Service should have in one family, or why it cannot have them.

Judging changes nothing: the answer is written into the ledger afterwards, so that a
Service that needs both families can be refused both.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from manager.planner.addresses.claims import MOST, ByFamily, Claim
from manager.planner.addresses.ledger import Ledger
from manager.planner.addresses.pools import Pool
from manager.planner.desired import Refusal
from manager.snapshot import EipName
from pointsman.model.address import Address, Family, address_order, family_of
from pointsman.model.printable import clipped, quoted
from pointsman.model.verdicts.address import (
    LEAVES_SOON,
    AddressExcluded,
    AddressInUse,
    AddressOutsideEips,
    AddressPoolExhausted,
    Deleting,
    EipDisabled,
    EipNotFound,
    NoDefaultEip,
    NotAdmitted,
    ShareConflict,
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


@dataclass(frozen=True, slots=True)
class Choice:
    """The addresses chosen for one family of a Service, and what it lacks."""

    family: Family
    addresses: tuple[Address, ...] = ()
    sources: Mapping[Address, Pool] = field(default_factory=dict)  # where new ones come from
    problem: Problem | None = None


def choose_addresses(
    ledger: Ledger, claim: Claim, family: Family, *, retained: tuple[Address, ...]
) -> Choice:
    """Return what *claim*, which keeps *retained* if it wants to, gets in *family*."""
    found = _choose(ledger, claim, family, retained=retained)
    for address in found.addresses if ledger.leaving_soon else ():
        obstacle = ledger.leaving_soon.get((claim.key, address))
        if obstacle is not None:
            clause = f"{obstacle.clause}, {LEAVES_SOON}"
            refusals = (_refusal(address, obstacle.clause),)
            problem = Problem(ShareConflict, (clause,), str(address), refusals, leaving_soon=True)
            return replace(found, problem=problem)
    return found


def _choose(
    ledger: Ledger, claim: Claim, family: Family, *, retained: tuple[Address, ...]
) -> Choice:
    if claim.fault is not None:
        fault = claim.fault
        return Choice(family, retained, problem=Problem(fault.reason, (fault.clause,), fault.about))
    wanted = claim.requested.get(family, ())
    if wanted:
        sources: dict[Address, Pool] = {}
        held = frozenset(retained)
        for address in wanted:
            if address not in held:
                source = _requested(ledger, claim, address)
                if isinstance(source, Problem):
                    return Choice(family, retained, problem=source)
                sources[address] = source
        return Choice(family, wanted, sources)
    fitting = (
        tuple(a for a in retained if fits_named(ledger, claim, a)) if claim.named else retained
    )
    if fitting:
        return Choice(family, fitting)
    found = _shared_or_pooled(ledger, claim, family)
    if isinstance(found, Problem):
        return Choice(family, retained, problem=found)
    return Choice(family, tuple(found), found)


def keep_until_deleted(claim: Claim, retained: ByFamily) -> tuple[Choice, ...]:
    """Return what *claim*, whose Service is being deleted, has until then: nothing new."""
    found = []
    for family in claim.families:
        has = retained.get(family, ())
        lacks = set(claim.requested.get(family, ())).difference(has) or not retained
        clause = "it is being deleted, and gets nothing new"
        problem = Problem(Deleting, (clause,)) if lacks else None
        found.append(Choice(family, has, problem=problem))
    return tuple(found)


def fits_named(ledger: Ledger, claim: Claim, address: Address) -> bool:
    """Whether a held *address* is of one of the Eips that the Service names."""
    pool = ledger.pool_of.get(address)
    if pool is not None and pool.name in claim.named:
        return True
    at = ledger.pools.at(address)
    return any(p.name in claim.named and not p.deleting and address in p.own for p in at)


def _requested(ledger: Ledger, claim: Claim, address: Address) -> Pool | Problem:
    """Return the pool that gives *claim* the very *address* it asks for, or why it cannot."""
    source = _source(ledger, claim, address)
    if isinstance(source, Problem):
        return source
    obstacle = ledger.obstacle(claim, address)
    if obstacle is not None:
        clause = f"it asks for {address}, and {obstacle.clause}"
        return Problem(
            obstacle.reason, (clause,), str(address), (_refusal(address, obstacle.clause),)
        )
    if address in ledger.routed and address not in ledger.holders:
        clause = f"it asks for {address}, which is still being withdrawn from the routers"
        return Problem(AddressInUse, (clause,), str(address), (_refusal(address, clause),))
    return source


def _source(ledger: Ledger, claim: Claim, address: Address) -> Pool | Problem:
    """Return the Eip that may give *address* to *claim*; else why the likeliest may not."""
    at = ledger.pools.at(address)
    if claim.named:
        missing = [name for name in claim.named if name not in ledger.pools.by_name]
        inside = tuple(pool for pool in at if pool.name in claim.named)
        if not inside and len(missing) == len(claim.named):
            clause = f"there is no Eip {' or '.join(quoted(missing))}"
            return Problem(EipNotFound, (clause,), missing[0], (_refusal(address, clause),))
        if not inside and at:
            names = listed(quoted(claim.named))
            clause = f"it asks for {address}, which is in Eip '{at[0].name}' and not in {names}"
            return Problem(
                AddressOutsideEips, (clause,), str(address), (_refusal(address, clause),)
            )
        at = inside
    if not at:
        clause = f"it asks for {address}, which is in no Eip"
        return Problem(AddressOutsideEips, (clause,), str(address), (_refusal(address, clause),))
    problems = []
    for pool in at:
        problem = _pool_problem(ledger, claim, pool, address)
        if problem is None:
            return pool
        problems.append(problem)
    return problems[0]


def _pool_problem(ledger: Ledger, claim: Claim, pool: Pool, address: Address) -> Problem | None:
    found = ledger.forbidden(claim, pool, address)
    # An Eip that admits nobody of the kind says so first; one that is shut, before the address.
    if pool.shut and (found is None or found[0] is AddressExcluded):
        found = EipDisabled, f"Eip '{pool.name}' {pool.shut}"
    if found is None:
        return None
    reason, why = found
    clause = f"it asks for {address}, and {why}"
    return Problem(reason, (clause,), pool.name, (Refusal(f"Eip {pool.name}", why),))


def _shared_or_pooled(
    ledger: Ledger, claim: Claim, family: Family
) -> Mapping[Address, Pool] | Problem:
    if claim.share is not None:
        joinable = ledger.share_index.addresses(claim.share, family)
        shared = sorted((a for a in joinable if _is_others(ledger, claim, a)), key=address_order)
        problems = []
        for address in shared:
            source = _joined(ledger, claim, address)
            if not isinstance(source, Problem):
                return {address: source}
            problems.append(source)
        if problems:
            refusals = tuple(refusal for problem in problems for refusal in problem.refusals)
            return Problem(problems[0].reason, problems[0].because, problems[0].about, refusals)
    if hinted := _hinted(ledger, claim, family) or _written_over(ledger, claim, family):
        return hinted
    found = _pooled(ledger, claim, family)
    return found if isinstance(found, Problem) else dict([found])


def _is_others(ledger: Ledger, claim: Claim, address: Address) -> bool:
    """Whether somebody else than *claim* stays on *address* under its key.

    What it leaves it does not wait for, where only such have its key as leave soon, too.
    """
    holders = ledger.holders[address].claims if address in ledger.holders else {}
    other = next((one for key, one in holders.items() if key != claim.key), None)
    theirs = None if other is None else other.share
    if theirs is not None and claim.share is not None and theirs.key == claim.share.key:
        return True
    return address not in claim.held.get(family_of(address), ())


def _hinted(ledger: Ledger, claim: Claim, family: Family) -> Mapping[Address, Pool] | Problem:
    """Return those of the addresses it had once that *claim* can have again, in order.

    Whose a path in our speakers is cannot be known from a hint that anybody may have written:
    the Service waits until it is gone, rather than take another address for good.
    """
    found: dict[Address, Pool] = {}
    for address in claim.origins:
        if family_of(address) is family and ledger.is_nobodys(address):
            pool = _source(ledger, claim, address)
            if isinstance(pool, Pool):
                found[address] = pool
                if len(found) == MOST:  # whatever anybody wrote into the annotation
                    break
    for address in sorted(found, key=int):
        if address in ledger.routed:
            clause = f"it had {address}, which is still being withdrawn from the routers"
            return Problem(AddressInUse, (clause,), str(address), (_refusal(address, clause),))
    return {address: found[address] for address in sorted(found, key=int)}


def written_over(claim: Claim, family: Family) -> tuple[Address, ...]:
    """Return what somebody wrote over the addresses of *family* that *claim* had.

    Where those cannot be had again, that may be what is in use: it is as good as a hint, and no
    more. With our class nobody else gives any.
    """
    had = any(family_of(address) is family for address in claim.recorded)
    if not had or not claim.overwritten or claim.service.load_balancer_class is not None:
        return ()
    return claim.others.get(family, ())[:MOST]


def _written_over(ledger: Ledger, claim: Claim, family: Family) -> Mapping[Address, Pool]:
    found: dict[Address, Pool] = {}
    for address in written_over(claim, family):
        if ledger.is_nobodys(address) and address not in ledger.routed:
            pool = _source(ledger, claim, address)
            if isinstance(pool, Pool):
                found[address] = pool
    return found


def _joined(ledger: Ledger, claim: Claim, address: Address) -> Pool | Problem:
    """Return the pool of *address*, which others hold under the share-key of *claim*."""
    source = _requested(ledger, claim, address)
    if not isinstance(source, Problem):
        return source
    clause = source.because[0].replace("it asks for", "its share-key asks for", 1)
    return Problem(source.reason, (clause,), source.about, source.refusals)


def _pooled(ledger: Ledger, claim: Claim, family: Family) -> tuple[Address, Pool] | Problem:
    # Two passes: with fifty full Eips before the first free one, the words cost more
    # than the search.
    for _, pool in _candidates(ledger, claim):
        if pool is None or pool.shut or ledger.refused(claim, pool):
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
    if pool.shut:
        return EipDisabled, f"Eip '{name}' {pool.shut}"
    reason = AddressPoolExhausted if pool.declared.of(family) else WrongFamily
    return reason, ledger.why_none(pool, family) if ledger.first_free(pool, family) is None else ""


def _refusal(address: Address, why: str) -> Refusal:
    return Refusal(str(address), why)
