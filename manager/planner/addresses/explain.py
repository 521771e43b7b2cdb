"""What is known about one address or Service, as values: `pointsman explain` prints them.

It decides nothing: it looks into the snapshot and into the allocations that were made
from it.
"""

from dataclasses import dataclass

from manager.planner.addresses.claims import Claim, read_claim
from manager.planner.addresses.ledger import Ledger, recorded_holders, still_routed
from manager.planner.addresses.pools import Pool, read_pools
from manager.planner.addresses.sources import why_not
from manager.planner.desired import Allocations, Refusal
from manager.snapshot import EipName, Service, ServiceKey, Snapshot
from pointsman.model.address import Address, Family
from pointsman.model.verdicts.base import Verdict


@dataclass(frozen=True, slots=True)
class Source:
    """An Eip whose spec.addresses hold the address."""

    eip: EipName
    ready: Verdict
    withheld: str  # why this Eip never gives it out, or ""


@dataclass(frozen=True, slots=True)
class AddressExplanation:
    """Everything the planner knows about one address; lists are sorted."""

    address: Address
    sources: tuple[Source, ...]  # the one that may grant it first
    holders: tuple[ServiceKey, ...]  # after this plan
    recorded: tuple[ServiceKey, ...]  # whose status holds it now, ours or not
    eip: EipName | None  # that counts it as its own
    routed: bool  # a speaker of ours still has a host route for it
    waiting: tuple[Refusal, ...]  # Services that ask for it, and why they have to wait
    summary: str


def explain_address(
    snapshot: Snapshot, allocations: Allocations, address: Address
) -> AddressExplanation:
    """Return who holds *address*, who may grant it, and who waits for it."""
    pools = read_pools(snapshot).at(address)
    grants = {
        key: grant
        for key, allocation in sorted(allocations.services.items())
        for grant in allocation.grants
        if grant.address == address
    }
    waiting = tuple(
        Refusal(f"Service {key}", refusal.why)
        for key, allocation in sorted(allocations.services.items())
        for refusal in allocation.refusals
        if refusal.candidate == str(address)
    )
    sources = tuple(
        Source(pool.name, allocations.eips[pool.name].ready, pool.withholds(address))
        for pool in pools
    )
    recorded = recorded_holders(snapshot).get(address, ())
    routed = address in still_routed(snapshot)
    return AddressExplanation(
        address=address,
        sources=sources,
        holders=tuple(grants),
        recorded=recorded,
        eip=next((grant.eip for grant in grants.values()), None),
        routed=routed,
        waiting=waiting,
        summary=_summary(address, pools, holders=(*grants, *recorded), routed=routed),
    )


@dataclass(frozen=True, slots=True)
class Prospect:
    """Whether an Eip could give a Service one more address of a family; *why* not, or ""."""

    eip: EipName
    family: Family
    why: str


def explain_eips(snapshot: Snapshot, service: Service) -> tuple[Prospect, ...]:
    """Return what every Eip of the cluster would answer *service*, in order of names.

    It asks as if the Service held nothing; whether it shares or requests is not looked at.
    """
    pools = read_pools(snapshot)
    ledger, claim = Ledger(snapshot, pools), read_claim(service)
    return tuple(
        Prospect(name, family, _answer(ledger, claim, pool, family))
        for name, pool in sorted(pools.by_name.items())
        for family in claim.families
    )


def _answer(ledger: Ledger, claim: Claim, pool: Pool, family: Family) -> str:
    if claim.named and pool.name not in claim.named:
        return "the Service names other Eips"
    if not claim.named and (pool.spec is None or not pool.spec.default):
        return "it is not a default, and the Service does not name it"
    return why_not(ledger, claim, family, name=pool.name, pool=pool)[1]


def _summary(
    address: Address, pools: tuple[Pool, ...], *, holders: tuple[ServiceKey, ...], routed: bool
) -> str:
    if holders:
        names = ", ".join(dict.fromkeys(holders))
        return f"{address} is held by Service {names}."
    if not pools:
        return f"{address} is in no Eip."
    pool = pools[0]
    if pool.closed:
        return f"{address} is not given out: Eip '{pool.name}' {pool.closed}."
    if why := pool.withholds(address):
        return f"{address} is never given out: {why}."
    if routed:
        return f"{address} is still being withdrawn from the routers, then it is free again."
    return f"{address} is free in Eip '{pool.name}'."
