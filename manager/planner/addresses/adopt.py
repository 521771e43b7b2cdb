"""Who goes on holding what: the statuses are entered into the ledger before any grant.

Held is what our own record in a Service's status says, whatever became of the Eip meanwhile.
What another controller wrote is taken over only where it might be granted (permission.py).
Two Services on one address that may not share are the one exception: precedence.py says who
stays.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from manager.planner.addresses.claims import ByFamily, Claim
from manager.planner.addresses.ledger import Ledger
from manager.planner.addresses.pool import Pool
from manager.planner.addresses.precedence import Precedence, TermsRank, owning, precedence
from manager.planner.addresses.share_grace import OVER, changed_terms, recorded_as_shared, time_left
from manager.planner.addresses.sharing import Holders, terms_rank
from manager.snapshot import ServiceKey
from pointsman.model.address import Address, Family, family_of

Retained = Mapping[ServiceKey, ByFamily]
_Ranks = Mapping[ServiceKey, TermsRank]
_RetainedSets = dict[ServiceKey, dict[Family, set[Address]]]


def adopt(ledger: Ledger, claims: Iterable[Claim]) -> Retained:
    """Enter what *claims* hold, in families they still want, and return who retains what."""
    claims = tuple(claims)
    retained = _adopted(ledger, claims)
    _restore(ledger, claims, retained)
    return {
        key: {family: tuple(sorted(many, key=int)) for family, many in families.items()}
        for key, families in retained.items()
    }


@dataclass(frozen=True, slots=True)
class _Holding:
    """An address that a Service may go on holding, its Eip, and by whose record."""

    claim: Claim
    address: Address
    home_pool: Pool | None
    ours: bool  # our own record names it


def _adopted(ledger: Ledger, claims: Iterable[Claim]) -> _RetainedSets:
    holders: dict[Address, list[_Holding]] = {}
    for claim in claims:
        for one in _holdings(ledger, claim):
            holders.setdefault(one.address, []).append(one)
    retained: _RetainedSets = {}
    several = (found for found in holders.values() if len(found) > 1)
    claims_there = {one.claim.key: one.claim for found in several for one in found}
    ranks = {key: terms_rank(claim) for key, claim in claims_there.items()}
    for found in holders.values():
        staying = _rightful(ledger, found, ranks) if len(found) > 1 else found
        for one in staying:
            _retain(ledger, retained, one.claim, one.address, one.home_pool)
        if len(staying) < len(found):
            _hold_for_grace(ledger, retained, found, ranks)
    return retained


def _hold_for_grace(
    ledger: Ledger, retained: _RetainedSets, found: list[_Holding], ranks: _Ranks
) -> None:
    """Leave an address for a while to those of *found* who shared it and changed their terms."""
    shared = recorded_as_shared(one.claim for one in found)
    for one in found:
        claim, address = one.claim, one.address
        holders = ledger.holders_of(address)
        obstacle = None if holders is None else holders.obstacle(claim)
        if holders is None or obstacle is None or claim.key in holders.claims or not one.ours:
            continue
        left = time_left(claim, ledger.taken_at)
        unchanged = ranks[claim.key][0] == 0
        if left > OVER and changed_terms(claim, address, unchanged=unchanged, shared=shared):
            ledger.hold_for_grace(claim, address, obstacle, left)
            families = retained.setdefault(claim.key, {})
            families.setdefault(family_of(address), set()).add(address)


def _holdings(ledger: Ledger, claim: Claim) -> Iterator[_Holding]:
    """Yield what *claim* may go on holding, or take over."""
    for family in claim.families:
        for address in claim.held.get(family, ()):
            if claim.overwritten and address not in claim.recorded:
                continue
            ours = address not in claim.presumed
            # That we gave out what is a node's, a router's, nothing but the status says.
            if ours or address not in ledger.pools.infrastructure:
                yield _Holding(claim, address, home_pool(ledger, claim, address), ours)
        for address in claim.others.get(family, ()) if claim.takes_over else ():
            pool = ledger.giver(claim, address)
            if pool is not None:
                yield _Holding(claim, address, pool, ours=False)


def _restore(ledger: Ledger, claims: Iterable[Claim], retained: _RetainedSets) -> None:
    """Give back what was wiped or overwritten, as hints have it that are our own writing.

    So this is adoption: neither our own path nor a disabled Eip stands in the way, and the
    Eip is the one that has the address now, whatever its name. What stands there instead is no
    more than a hint (see choose.py): what others write into a status passes by no rule.
    """
    for claim in claims:
        if not claim.overwritten:
            continue
        for address in claim.recorded:
            family = family_of(address)
            if family not in claim.families:
                continue
            if address in retained.get(claim.key, {}).get(family, ()):
                continue
            pools = ledger.pools.at(address)
            if all(ledger.forbidden(claim, pool, address) for pool in pools):
                continue
            if ledger.obstacle(claim, address) is None:
                _retain(ledger, retained, claim, address, home_pool(ledger, claim, address))


def home_pool(ledger: Ledger, claim: Claim, address: Address) -> Pool | None:
    """Return the pool that counts a held *address* as its own; None: no Eip has it.

    A live Eip that contains it comes first: the one hinted at if several overlap and it
    admits the Service, else the one that won the overlap. Then whatever Eip it came from.
    """
    at = ledger.pools.at(address)
    if len(at) == 1 and not at[0].deleting and address in at[0].own:
        return at[0]  # nearly always
    hinted = claim.origins.get(address, ())
    live = [pool for pool in at if not pool.deleting and address in pool.own]
    for pool in live if len(live) > 1 else ():
        if pool.name in hinted and ledger.refused(claim, pool) is None:
            return pool
    came_from = (ledger.pools.by_name.get(name) for name in hinted)
    owning = (pool for pool in at if address in pool.own)
    return next((pool for pool in (*live, *came_from, *owning, *at) if pool is not None), None)


def _rightful(ledger: Ledger, found: list[_Holding], ranks: _Ranks) -> list[_Holding]:
    """Return those of *found*, all of one address, that may go on holding it together."""
    address = found[0].address
    at = owning(ledger.pools.at(address), address)
    shared = recorded_as_shared(one.claim for one in found)

    def rank(one: _Holding) -> Precedence:
        admitted = ledger.admitted(one.claim, at)
        own_rank = ranks[one.claim.key]
        return precedence(
            one.claim, address, ours=one.ours, admitted=admitted, rank=own_rank, shared=shared
        )

    holders = Holders()
    staying = [one for one in found if one.claim.opaque]
    for one in sorted(found, key=rank):
        if not one.claim.opaque and holders.obstacle(one.claim) is None:
            holders.add(one.claim)
            staying.append(one)
    return staying


def _retain(
    ledger: Ledger, retained: _RetainedSets, claim: Claim, address: Address, pool: Pool | None
) -> None:
    ledger.hold(claim, address, pool)
    retained.setdefault(claim.key, {}).setdefault(family_of(address), set()).add(address)
