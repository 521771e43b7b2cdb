"""What is held stays held: the statuses are entered into the ledger before any grant.

Held is what our own record in a Service's status says, whatever became of the Eip meanwhile.
What another controller wrote is taken over only where it might be granted (permission.py).
Two Services on one address that may not share are the one exception: who holds it by our
record stays before who doesn't, then whom the Eip admits, then who kept its terms, then the
older.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from manager.planner.addresses.claims import MOST, Claim
from manager.planner.addresses.ledger import Ledger
from manager.planner.addresses.pools import Pool
from manager.planner.addresses.share_grace import OVER, changed_terms, on_record, time_left
from manager.planner.addresses.sharing import Tenants, faithfulness
from manager.snapshot import ServiceKey
from pointsman.model.address import Address, Family, family_of

Kept = Mapping[ServiceKey, Mapping[Family, tuple[Address, ...]]]
_Faith = Mapping[ServiceKey, tuple[int, tuple[str, str]]]
_Keeping = dict[ServiceKey, dict[Family, set[Address]]]


def adopt(ledger: Ledger, claims: Iterable[Claim]) -> Kept:
    """Enter what *claims* hold, in families they still want, and return who keeps what."""
    claims = tuple(claims)
    keeping = _adopted(ledger, claims)
    _restore(ledger, claims, keeping)
    return {
        key: {family: tuple(sorted(many, key=int)) for family, many in families.items()}
        for key, families in keeping.items()
    }


@dataclass(frozen=True, slots=True)
class _Holding:
    """An address that a Service may go on holding, the Eip it is booked on, and on whose word."""

    claim: Claim
    address: Address
    home: Pool | None
    ours: bool  # our record names it


def _adopted(ledger: Ledger, claims: Iterable[Claim]) -> _Keeping:
    holders: dict[Address, list[_Holding]] = {}
    for claim in claims:
        for one in _holdings(ledger, claim):
            holders.setdefault(one.address, []).append(one)
    keeping: _Keeping = {}
    several = (found for found in holders.values() if len(found) > 1)
    claims_there = {one.claim.key: one.claim for found in several for one in found}
    faith = {key: faithfulness(claim) for key, claim in claims_there.items()}
    for found in holders.values():
        stay = _rightful(ledger, found, faith) if len(found) > 1 else found
        for one in stay:
            _keep(ledger, keeping, one.claim, one.address, one.home)
        if len(stay) < len(found):
            _let_linger(ledger, keeping, found, faith)
    return keeping


def _let_linger(ledger: Ledger, keeping: _Keeping, found: list[_Holding], faith: _Faith) -> None:
    """Leave an address for a while to those of *found* who shared it and changed their terms."""
    shared = on_record(one.claim for one in found)
    for one in found:
        claim, address = one.claim, one.address
        obstacle = ledger.tenants[address].obstacle(claim)
        if claim.key in ledger.tenants[address].claims or obstacle is None or not one.ours:
            continue
        left = time_left(claim, ledger.taken_at)
        faithful = faith[claim.key][0] == 0
        if left > OVER and changed_terms(claim, address, faithful=faithful, shared=shared):
            ledger.linger(claim, address, obstacle, left)
            families = keeping.setdefault(claim.key, {})
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
                yield _Holding(claim, address, home(ledger, claim, address), ours)
        for address in claim.others.get(family, ()) if claim.takes_over else ():
            pool = ledger.giver(claim, address)
            if pool is not None:
                yield _Holding(claim, address, pool, ours=False)


def _restore(ledger: Ledger, claims: Iterable[Claim], keeping: _Keeping) -> None:
    """Give back what was wiped or overwritten, as hints have it that are our own writing.

    So this is adoption: neither our own path nor a disabled Eip stands in the way, and the
    Eip is the one that has the address now, whatever its name. Where it cannot be had again,
    what stands in the status is taken over after all.
    """
    overwritten = [claim for claim in claims if claim.overwritten]
    for claim in overwritten:
        for address in claim.recorded:
            family = family_of(address)
            if family not in claim.families:
                continue
            if address in keeping.get(claim.key, {}).get(family, ()):
                continue
            pools = ledger.pools.at(address)
            if all(ledger.forbidden(claim, pool, address) for pool in pools):
                continue
            if ledger.obstacle(claim, address) is None:
                _keep(ledger, keeping, claim, address, home(ledger, claim, address))
    for claim in overwritten:
        there = keeping.get(claim.key, {})
        lost = any(address not in there.get(family_of(address), ()) for address in claim.recorded)
        if lost and claim.service.load_balancer_class is None:
            for family in set(claim.families).difference(there):
                for address in claim.others.get(family, ())[:MOST]:
                    pool = ledger.giver(claim, address)
                    if pool is not None and ledger.obstacle(claim, address) is None:
                        _keep(ledger, keeping, claim, address, pool)


def home(ledger: Ledger, claim: Claim, address: Address) -> Pool | None:
    """Return the pool that a held *address* is booked on; None: no Eip knows it.

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


def _rightful(ledger: Ledger, found: list[_Holding], faith: _Faith) -> list[_Holding]:
    """Return those of *found*, all of one address, that may go on holding it together."""
    address = found[0].address
    at = [pool for pool in ledger.pools.at(address) if address in pool.own]

    shared = on_record(one.claim for one in found)

    def rank(one: _Holding) -> tuple[bool, bool, bool, tuple[int, tuple[str, str]]]:
        admitted = not at or any(ledger.refused(one.claim, pool) is None for pool in at)
        trust = faith[one.claim.key]
        changed = changed_terms(one.claim, address, faithful=trust[0] == 0, shared=shared)
        return not one.ours, not admitted, changed, trust

    tenants = Tenants()
    stay = [one for one in found if one.claim.opaque]
    for one in sorted(found, key=rank):
        if not one.claim.opaque and tenants.obstacle(one.claim) is None:
            tenants.add(one.claim)
            stay.append(one)
    return stay


def _keep(
    ledger: Ledger, keeping: _Keeping, claim: Claim, address: Address, pool: Pool | None
) -> None:
    ledger.hold(claim, address, pool)
    keeping.setdefault(claim.key, {}).setdefault(family_of(address), set()).add(address)
