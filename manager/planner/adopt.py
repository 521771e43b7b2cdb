"""What is held stays held: the statuses are entered into the ledger before any grant.

Held is what our own record in a Service's status says, whatever became of the Eip meanwhile.
What another controller wrote is taken over only where it might be granted (permission.py).
Two Services on one address that may not share are the one exception: who holds it by our
record stays before who doesn't, then whom the Eip admits, then who kept its terms, then the
older.
"""

from collections.abc import Iterable, Iterator, Mapping

from manager.planner.claims import MOST, Claim
from manager.planner.ledger import Ledger
from manager.planner.pools import Pool
from manager.planner.sharing import Tenants, faithfulness
from manager.snapshot import ServiceKey
from pointsman.model.address import Address, Family, family_of

Kept = Mapping[ServiceKey, Mapping[Family, tuple[Address, ...]]]
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


def _adopted(ledger: Ledger, claims: Iterable[Claim]) -> _Keeping:
    holders: dict[Address, list[Claim]] = {}
    homes: dict[tuple[Address, ServiceKey], Pool | None] = {}
    for claim in claims:
        for address, pool in _holdings(ledger, claim):
            holders.setdefault(address, []).append(claim)
            homes[address, claim.key] = pool
    keeping: _Keeping = {}
    for address, found in holders.items():
        for claim in _rightful(ledger, address, found) if len(found) > 1 else found:
            _keep(ledger, keeping, claim, address, homes[address, claim.key])
    return keeping


def _holdings(ledger: Ledger, claim: Claim) -> Iterator[tuple[Address, Pool | None]]:
    """Yield the addresses that *claim* may go on holding, and the Eip each is booked on."""
    for family in claim.families:
        for address in claim.held.get(family, ()):
            if claim.overwritten and address not in claim.origins:
                continue
            # That we gave out what is a node's, a router's, nothing but the status says.
            if address not in claim.presumed or address not in ledger.pools.infrastructure:
                yield address, home(ledger, claim, address)
        for address in claim.others.get(family, ()) if claim.takes_over else ():
            pool = ledger.giver(claim, address)
            if pool is not None:
                yield address, pool


def _restore(ledger: Ledger, claims: Iterable[Claim], keeping: _Keeping) -> None:
    """Give back what was wiped or overwritten, as hints have it that are our own writing.

    So this is adoption: neither our own path nor a disabled Eip stands in the way, and the
    Eip is the one that has the address now, whatever its name. Where it cannot be had again,
    what stands in the status is taken over after all.
    """
    overwritten = [claim for claim in claims if claim.overwritten]
    for claim in overwritten:
        for address in claim.origins:
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
        lost = any(address not in there.get(family_of(address), ()) for _, address in claim.hints)
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


def _rightful(ledger: Ledger, address: Address, found: list[Claim]) -> list[Claim]:
    """Return those of *found* that may go on holding their *address* together."""
    tenants = Tenants()
    stay = [claim for claim in found if claim.opaque]
    ranks = {claim.key: _rank(ledger, address, claim) for claim in found}
    for claim in sorted(found, key=lambda claim: ranks[claim.key]):
        if not claim.opaque and tenants.obstacle(claim) is None:
            tenants.add(claim)
            stay.append(claim)
    return stay


def _rank(
    ledger: Ledger, address: Address, claim: Claim
) -> tuple[bool, bool, tuple[int, tuple[str, str]]]:
    ours = address not in claim.presumed and address in claim.held.get(family_of(address), ())
    at = [pool for pool in ledger.pools.at(address) if address in pool.own]
    admitted = any(ledger.refused(claim, pool) is None for pool in at)
    return not ours, bool(at) and not admitted, faithfulness(claim)


def _keep(
    ledger: Ledger, keeping: _Keeping, claim: Claim, address: Address, pool: Pool | None
) -> None:
    ledger.hold(claim, address, pool)
    keeping.setdefault(claim.key, {}).setdefault(family_of(address), set()).add(address)
