"""Which addresses one Service should have in one family, or why it cannot have them.

Judging changes nothing: the answer is written into the ledger afterwards, so that a
Service that needs both families can be refused both.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice

from manager.planner.addresses.claims import MOST, ByFamily, Claim
from manager.planner.addresses.ipam import retaining, unconfirmed
from manager.planner.addresses.ledger import Ledger
from manager.planner.addresses.pool import Pool
from manager.planner.addresses.problem import Problem, refusal_of
from manager.planner.addresses.sources import any_free, none_there, pool_for, requested_pool
from manager.planner.desired import SourceAsk
from manager.snapshot import EipName
from pointsman.model.address import Address, Family, family_of
from pointsman.model.printable import CLAUSES_MAX
from pointsman.model.verdicts.address import LEAVES_SOON, AddressInUse, Deleting, ShareConflict
from pointsman.model.verdicts.source import WaitingForSource


@dataclass(frozen=True, slots=True)
class Choice:
    """The addresses chosen for one family of a Service, and what it lacks."""

    family: Family
    addresses: tuple[Address, ...] = ()
    sources: Mapping[Address, Pool] = field(default_factory=dict)  # where new ones come from
    problem: Problem | None = None
    asks: tuple[SourceAsk, ...] = ()  # what is to stay reserved though it is not given yet


def choose_addresses(
    ledger: Ledger, claim: Claim, family: Family, *, retained: tuple[Address, ...]
) -> Choice:
    """Return what *claim*, which keeps *retained* if it wants to, gets in *family*."""
    found = _choose(ledger, claim, family, retained=retained)
    for address in found.addresses if ledger.leaving_soon else ():
        obstacle = ledger.leaving_soon.get((claim.key, address))
        if obstacle is not None:
            clause = f"{obstacle.clause}, {LEAVES_SOON}"
            refusals = (refusal_of(address, obstacle.clause),)
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
                source = requested_pool(ledger, claim, address)
                if isinstance(source, Problem):
                    return Choice(family, retained, problem=source, asks=retaining(claim, sources))
                sources[address] = source
        return Choice(family, wanted, sources)
    fitting = (
        tuple(a for a in retained if fits_named(ledger, claim, a))
        if claim.named and not claim.named_by
        else retained
    )
    if fitting:
        return Choice(family, fitting)
    if claim.named and not claim.named_by and (gave := _gave(claim, retained)):
        return Choice(family, retained, problem=none_there(ledger, claim, family, gave))
    found = _shared_or_pooled(ledger, claim, family)
    if isinstance(found, Problem):
        return Choice(family, retained, problem=found)
    return Choice(family, tuple(found), found)


def _gave(claim: Claim, retained: tuple[Address, ...]) -> tuple[EipName, ...]:
    """Return which of the Eips that *claim* names gave it the first of *retained* that any did.

    Where that no longer `fits_named`, the Eips were edited and not the Service: that moves nobody,
    not even to another Eip that it names.
    """
    return next(filter(None, map(claim.gave, retained)), ())


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
    """Whether a held *address* is of one of the Eips that the Service names, or was.

    An Eip that is there and gave it may have lost it to another since: the Service asked for
    nothing else, and what becomes of Eips moves nobody. One that is gone is asked for in vain:
    the address stays, and that is said.
    """
    pool = ledger.pool_of(address)
    if pool is not None and claim.names(pool.name):
        return True
    at = ledger.pools.at(address)
    if any(claim.names(p.name) and not p.deleting and address in p.own for p in at):
        return True
    there = (ledger.pools.by_name.get(name) for name in claim.gave(address))
    return any(pool is not None and not pool.closed for pool in there)


def _shared_or_pooled(
    ledger: Ledger, claim: Claim, family: Family
) -> Mapping[Address, Pool] | Problem:
    if claim.share is not None:
        held = frozenset(claim.held.get(family, ()))
        problems: list[Problem] = []
        for address in ledger.joinable(claim.share, family):
            if held and address in held and not _is_others(ledger, claim, address):
                continue
            if len(problems) >= CLAUSES_MAX and ledger.is_closed(claim, address):
                continue  # of so many nobody reads, and others have as many
            source = _joined(ledger, claim, address)
            if not isinstance(source, Problem):
                return {address: source}
            problems.append(source)
        if problems:
            refusals = tuple(refusal for problem in problems for refusal in problem.refusals)
            return replace(problems[0], refusals=refusals)
    if hinted := _hinted(ledger, claim, family) or _written_over(ledger, claim, family):
        return hinted
    found = any_free(ledger, claim, family)
    return found if isinstance(found, Problem) else dict([found])


def _is_others(ledger: Ledger, claim: Claim, address: Address) -> bool:
    """Whether somebody else than *claim* stays on *address* under its key.

    What it leaves it does not wait for, where only such have its key as leave soon, too.
    """
    holders = ledger.holders_of(address)
    held_by = {} if holders is None else holders.claims
    other = next((one for key, one in held_by.items() if key != claim.key), None)
    theirs = None if other is None else other.share
    if theirs is not None and claim.share is not None and theirs.key == claim.share.key:
        return True
    return address not in claim.held.get(family_of(address), ())


def _hinted(ledger: Ledger, claim: Claim, family: Family) -> Mapping[Address, Pool] | Problem:
    """Return those of the addresses it had once that *claim* can have again, in order.

    Whose a path in our speakers is cannot be known from a hint that anybody may have written:
    the Service waits until it is gone, rather than take another address for good.
    """
    origins = (address for address in claim.origins if family_of(address) is family)
    found = dict(islice(_unheld(ledger, claim, origins), MOST))  # whatever anybody wrote there
    for source in found.values():
        if isinstance(source, Problem):
            return source
    for address in sorted(found, key=int):
        if address in ledger.routed:
            clause = f"it had {address}, which is still being withdrawn from the routers"
            return Problem(AddressInUse, (clause,), str(address), (refusal_of(address, clause),))
    pools = {address: one for address, one in found.items() if isinstance(one, Pool)}
    return {address: pools[address] for address in sorted(pools, key=int)}


def _unheld(
    ledger: Ledger, claim: Claim, addresses: Iterable[Address]
) -> Iterator[tuple[Address, Pool | Problem]]:
    """Yield those of *addresses* that nobody holds and an Eip may give to *claim*, with it.

    Or with the Problem that its IPAM has yet to reserve it.
    """
    for address in addresses:
        if ledger.is_nobodys(address) and not _is_elsewhere(ledger, claim, address):
            pool = pool_for(ledger, claim, address)
            if not isinstance(pool, Pool):
                continue
            waits = unconfirmed(ledger, claim, pool, address)
            if waits is None:
                yield address, pool
            elif waits.reason is WaitingForSource:
                clause = waits.because[0].replace("it asks for", "it had", 1)
                yield address, replace(waits, because=(clause,))


def _is_elsewhere(ledger: Ledger, claim: Claim, address: Address) -> bool:
    """Whether no Eip that *claim* names has *address*: said without the words for it."""
    return bool(claim.named) and not any(claim.names(p.name) for p in ledger.pools.at(address))


def written_over(claim: Claim, family: Family) -> tuple[Address, ...]:
    """Return what somebody wrote over the addresses of *family* that *claim* had.

    Where those cannot be had again, that may be what is in use: it is as good as a hint, and no
    more. With our class nobody else gives any.
    """
    had = any(family_of(address) is family for address in claim.recorded)
    if not had or not claim.overwritten or claim.service.load_balancer_class is not None:
        return ()
    return claim.others.get(family, ())[:MOST]


def _written_over(ledger: Ledger, claim: Claim, family: Family) -> Mapping[Address, Pool] | Problem:
    there = (one for one in written_over(claim, family) if one not in ledger.routed)
    found: dict[Address, Pool] = {}
    for address, source in _unheld(ledger, claim, there):
        if isinstance(source, Problem):
            return source
        found[address] = source
    return found


def _joined(ledger: Ledger, claim: Claim, address: Address) -> Pool | Problem:
    """Return the pool of *address*, which others hold under the share-key of *claim*."""
    source = requested_pool(ledger, claim, address)
    if not isinstance(source, Problem):
        return source
    clause = source.because[0].replace("it asks for", "its share-key asks for", 1)
    return replace(source, because=(clause,))
