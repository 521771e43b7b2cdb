"""What is held stays held: the statuses are entered into the ledger before any grant.

Held is what a Service's status records, whatever became of the Eip meanwhile; unless our
own condition and annotation both say that somebody wrote it over ours. Two Services on one
address that may not share are the one exception: the one that changed its terms leaves,
else the younger.
"""

from collections.abc import Iterable

from manager.planner.admission import refuses
from manager.planner.claims import Claim, held_addresses
from manager.planner.ledger import Ledger
from manager.planner.pools import Pool, Pools
from manager.planner.sharing import Tenants, faithfulness
from manager.snapshot import Service, ServiceKey
from pointsman.model.address import Address, Family, family_of

Kept = dict[ServiceKey, dict[Family, tuple[Address, ...]]]


def adopt(ledger: Ledger, claims: Iterable[Claim]) -> Kept:
    """Enter what *claims* hold, in families they still want, and return who keeps what."""
    holders: dict[Address, list[Claim]] = {}
    for claim in claims:
        for family in claim.families:
            for address in claim.held.get(family, ()):
                if not claim.remembered or _hinted(claim, address):
                    holders.setdefault(address, []).append(claim)
    kept: Kept = {}
    for address, found in holders.items():
        for claim in _rightful(found) if len(found) > 1 else found:
            _keep(ledger, kept, claim, address, home(ledger, claim, address))
    return kept


def restore(ledger: Ledger, claims: Iterable[Claim], kept: Kept) -> None:
    """Give back what was overwritten, on the terms of a hint that our condition confirms.

    The condition is part of the status, which users cannot write; so this is adoption,
    and neither a path that is still there nor a disabled Eip stands in the way. Where it
    cannot be had again, what stands in the status is held after all.
    """
    overwritten = [claim for claim in claims if claim.remembered]
    for claim in overwritten:
        for name, address in claim.hints:
            pool, family = ledger.pools.by_name.get(name), family_of(address)
            if pool is None or family not in claim.families:
                continue
            if address in kept.get(claim.key, {}).get(family, ()):
                continue
            if _restorable(ledger, claim, address, pool):
                _keep(ledger, kept, claim, address, pool)
    for claim in overwritten:
        there = kept.get(claim.key, {})
        if any(address not in there.get(family_of(address), ()) for _, address in claim.hints):
            for family in set(claim.families).difference(there):
                for address in claim.held.get(family, ()):
                    if ledger.obstacle(claim, address) is None:
                        _keep(ledger, kept, claim, address, home(ledger, claim, address))


def home(ledger: Ledger, claim: Claim, address: Address) -> Pool | None:
    """Return the pool that a held *address* is booked on; None: no Eip knows it.

    A live Eip that contains it comes first: the one hinted at if several overlap and it
    admits the Service, else the one that won the overlap. Then whatever Eip it came from.
    """
    at = ledger.pools.at(address)
    if len(at) == 1 and not at[0].deleting and address in at[0].own:
        return at[0]  # nearly always
    hinted = [name for name, hint in claim.hints if hint == address]
    live = [pool for pool in at if not pool.deleting and address in pool.own]
    for pool in live if len(live) > 1 else ():
        if pool.name in hinted and not refusal(ledger, claim, pool):
            return pool
    came_from = (ledger.pools.by_name.get(name) for name in hinted)
    owning = (pool for pool in at if address in pool.own)
    return next((pool for pool in (*live, *came_from, *owning, *at) if pool is not None), None)


def refusal(ledger: Ledger, claim: Claim, pool: Pool) -> str:
    """Return the field of the Eip that keeps the Service out, or ""."""
    if pool.spec is None or not pool.selective:
        return ""
    return refuses(pool.spec, claim.service, namespaces=ledger.namespaces)


def _rightful(found: list[Claim]) -> list[Claim]:
    """Return those of *found* that may go on holding their address together."""
    tenants = Tenants()
    stay = [claim for claim in found if claim.opaque]
    for claim in sorted(found, key=faithfulness):
        if not claim.opaque and tenants.obstacle(claim) is None:
            tenants.add(claim)
            stay.append(claim)
    return stay


def _hinted(claim: Claim, address: Address) -> bool:
    return any(hint == address for _, hint in claim.hints)


def _restorable(ledger: Ledger, claim: Claim, address: Address, pool: Pool) -> bool:
    if address not in pool.declared or pool.withholds(address):
        return False
    return not refusal(ledger, claim, pool) and ledger.obstacle(claim, address) is None


def _keep(ledger: Ledger, kept: Kept, claim: Claim, address: Address, pool: Pool | None) -> None:
    ledger.hold(claim, address, pool)
    families = kept.setdefault(claim.key, {})
    family = family_of(address)
    families[family] = tuple(sorted((*families.get(family, ()), address), key=int))


def all_inside(pools: Pools, service: Service) -> bool:
    """Whether *service* has an ingress and every entry of it is an address of an Eip.

    What an Eip excludes is not its own: that is how an address is left to another
    controller.
    """
    addresses = held_addresses(service)
    if not addresses or any(not entry.ip for entry in service.ingress):
        return False
    return all(any(address in pool.own for pool in pools.at(address)) for address in addresses)
