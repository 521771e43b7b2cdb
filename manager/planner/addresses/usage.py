"""How far each Eip is used: capacity, what is held, what is left, and whether it may go.

An Eip is in use while an address is allocated from it, or while a status still records one
that is about to be released: the finalizer outlasts every record.
"""

from collections.abc import Iterable, Mapping

from manager.planner.addresses.adopt import home_pool
from manager.planner.addresses.claims import Claim
from manager.planner.addresses.ledger import Ledger
from manager.planner.addresses.pools import Pool
from manager.planner.desired import Allocation, Counts, EipUsage
from manager.snapshot import EipName, ServiceKey
from pointsman.model.address import Address, Family, family_of
from pointsman.model.free import BUGGY
from pointsman.model.verdicts.address import Disabled, InternalError, InUse
from pointsman.model.verdicts.base import Verdict


def eip_usages(
    ledger: Ledger, claims: Iterable[Claim], allocations: Mapping[ServiceKey, Allocation]
) -> Mapping[EipName, EipUsage]:
    """Return the usage of every Eip after this plan, by name."""
    addresses: dict[EipName, set[Address]] = {}
    holders: dict[EipName, set[ServiceKey]] = {}
    for key, allocation in allocations.items():
        for grant in allocation.grants:
            if grant.eip is not None:
                addresses.setdefault(grant.eip, set()).add(grant.address)
                holders.setdefault(grant.eip, set()).add(key)
    leaving = _still_recorded(ledger, claims, allocations)
    taken = _taken(ledger)
    usages: dict[EipName, EipUsage] = {}
    for name, pool in sorted(ledger.pools.by_name.items()):
        users = holders.get(name, set()) | leaving.get(name, set())
        capacity = {family: pool.capacity(family) for family in Family}
        usages[name] = EipUsage(
            ready=_ready(pool, users),
            capacity=_counts(capacity),
            allocated=_counts(_per_family(addresses.get(name, ()))),
            available=_counts({f: capacity[f] - taken.get((name, f), 0) for f in Family}),
            services=len(holders.get(name, ())),
            in_use=bool(users),
        )
    return usages


def _ready(pool: Pool, users: set[ServiceKey]) -> Verdict:
    if not pool.deleting or isinstance(pool.ready, InternalError):
        return pool.ready
    return InUse(pool.name, min(users)) if users else Disabled(pool.name, leaving=True)


def _still_recorded(
    ledger: Ledger, claims: Iterable[Claim], allocations: Mapping[ServiceKey, Allocation]
) -> Mapping[EipName, set[ServiceKey]]:
    """Return who gives an address of which Eip up in this plan, and has not yet."""
    leaving: dict[EipName, set[ServiceKey]] = {}
    for claim in claims:
        granted = {grant.address for grant in allocations[claim.key].grants}
        for addresses in claim.held.values():
            for address in addresses:
                if (
                    address not in granted
                    and (pool := home_pool(ledger, claim, address)) is not None
                ):
                    leaving.setdefault(pool.name, set()).add(claim.key)
    return leaving


def _taken(ledger: Ledger) -> Mapping[tuple[EipName, Family], int]:
    """Return how many of the addresses that each Eip may grant somebody holds."""
    taken: dict[tuple[EipName, Family], int] = {}
    held = {address for address, holders in ledger.holders.items() if holders.claims}
    for address in held.union(ledger.recorded):
        for pool in ledger.pools.at(address):
            buggy = pool.avoids_buggy and address.version == 4 and (int(address) & 0xFF) in BUGGY
            if not buggy and address in pool.grantable:
                key = pool.name, family_of(address)
                taken[key] = taken.get(key, 0) + 1
    return taken


def _per_family(addresses: Iterable[Address]) -> Mapping[Family, int]:
    counts = dict.fromkeys(Family, 0)
    for address in addresses:
        counts[family_of(address)] += 1
    return counts


def _counts(by_family: Mapping[Family, int]) -> Counts:
    return Counts(ipv4=by_family[Family.IPV4], ipv6=by_family[Family.IPV6])
