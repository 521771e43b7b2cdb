"""What is known about one address, Service or Eip, as values: `pointsman explain` prints them.

It decides nothing: it looks into the snapshot and into the allocations that were made
from it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from manager.planner.addresses.allocation_memo import AllocationMemo
from manager.planner.addresses.claims import Claim, read_claim
from manager.planner.addresses.honoured import honour_of
from manager.planner.addresses.ledger import Ledger
from manager.planner.addresses.pool import Pool
from manager.planner.addresses.pools import read_pools
from manager.planner.addresses.sources import why_not
from manager.planner.desired import Allocation, Allocations, EipUsage, Refusal
from manager.snapshot import EipName, Service, ServiceKey, Snapshot
from pointsman.model.address import Address, Family, address_order, family_of
from pointsman.model.ranges import read_address
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
    facts = AllocationMemo().facts(snapshot, {}, read_pools(snapshot))
    pools = facts.pools.at(address)
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
    recorded, routed = facts.recorded_by(address), address in facts.routed
    return AddressExplanation(
        address=address,
        sources=sources,
        holders=tuple(grants),
        recorded=recorded,
        eip=next((grant.eip for grant in grants.values()), None),
        routed=routed,
        waiting=waiting,
        summary=_summary(
            address,
            pools or facts.pools.seem_at(address),
            holders=(*grants, *recorded),
            routed=routed,
        ),
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
    ledger, claim = (
        Ledger(AllocationMemo().facts(snapshot, {}, pools)),
        read_claim(service, honour_of(snapshot)),
    )
    return tuple(
        Prospect(name, family, _answer(ledger, claim, pool, family))
        for name, pool in sorted(pools.by_name.items())
        for family in claim.families
    )


def _answer(ledger: Ledger, claim: Claim, pool: Pool, family: Family) -> str:
    if claim.named and not claim.names(pool.name):
        return "the Service names other Eips"
    if not claim.named and not pool.default:
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


@dataclass(frozen=True, slots=True)
class EipExplanation:
    """Who has what of an Eip, what it never gives, and whom it has nothing for; sorted."""

    usage: EipUsage
    holders: Mapping[ServiceKey, tuple[Address, ...]]
    withheld: Mapping[Address, str]  # of the infrastructure, and whose
    refused: tuple[Refusal, ...]  # Services that lack an address, and why they get none here


def explain_eip(snapshot: Snapshot, allocations: Allocations, name: EipName) -> EipExplanation:
    """Return everything the planner knows about an Eip, which exists."""
    pools = read_pools(snapshot)
    pool, ledger = pools.by_name[name], Ledger(AllocationMemo().facts(snapshot, {}, pools))
    services = sorted(allocations.services.items())
    holders = {
        key: tuple(grant.address for grant in allocation.grants if grant.eip == name)
        for key, allocation in services
    }
    waiting = [(key, one) for key, one in services if one.refusals or not one.verdict.ok]
    return EipExplanation(
        usage=allocations.eips[name],
        holders={key: addresses for key, addresses in holders.items() if addresses},
        withheld=dict(sorted(pool.infrastructure.items(), key=lambda one: address_order(one[0]))),
        refused=tuple(
            Refusal(key, why)
            for key, allocation in waiting
            for why in _refused(
                ledger, read_claim(snapshot.services[key], honour_of(snapshot)), pool, allocation
            )
        ),
    )


def _refused(ledger: Ledger, claim: Claim, pool: Pool, allocation: Allocation) -> list[str]:
    """Return why a Service that lacks an address has none from *pool*."""
    asked = {one.candidate: one.why for one in allocation.refusals}
    clauses = [why for name, why in asked.items() if name == f"Eip {pool.name}"]
    clauses += (f"{name}: {why}" for name, why in asked.items() if _is_of(pool, name))
    if clauses:
        return clauses
    if claim.requested:
        return ["the Service asks for addresses that are not of this Eip"]
    held = {family_of(grant.address) for grant in allocation.grants}
    missing = (family for family in claim.families if family not in held)
    answers = (_answer(ledger, claim, pool, family) for family in missing)
    return list(dict.fromkeys(filter(None, answers)))


def _is_of(pool: Pool, candidate: str) -> bool:
    """Whether *candidate* is an address of *pool*, or seems to be one."""
    try:
        address = read_address(candidate)
    except ValueError:
        return False
    return address in pool.own or address in pool.legible
