"""Which addresses every Service of ours has after this plan, and why; how far each Eip is used.

A function of the snapshot: the memo holds what follows from parts of it, and no decision.
Nearly every Service stands (standing.py). Of the others first everything held is adopted, then
requested addresses are given, then pooled ones, the oldest Service
first. It refuses to move an address by itself, and to hand one on before its release is
written.

Where a move or a request cannot be met, the Service keeps what it has and its verdict is
the refusal (status False): `Allocated=True` means that it has what it asks for.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

from manager.planner.addresses.adopt import Retained, adopt
from manager.planner.addresses.allocation_memo import AllocationMemo
from manager.planner.addresses.choose import (
    Choice,
    choose_addresses,
    keep_until_deleted,
    written_over,
)
from manager.planner.addresses.claims import (
    MOST,
    ByFamily,
    Claim,
)
from manager.planner.addresses.facts import HeldAddresses
from manager.planner.addresses.ipam import retaining
from manager.planner.addresses.ledger import Ledger
from manager.planner.addresses.lingering import lingering
from manager.planner.addresses.pool import Pools
from manager.planner.addresses.sharing import terms
from manager.planner.addresses.verdict import verdict
from manager.planner.desired import Allocation, Allocations, Grant, SourceAsk
from manager.snapshot import EipName, Service, ServiceKey, Snapshot
from pointsman.model.address import Address, family_of
from pointsman.model.verdicts.address import InternalError
from pointsman.model.verdicts.base import Verdict


def allocate(
    snapshot: Snapshot,
    ours: Mapping[ServiceKey, Service],
    *,
    pools: Pools,
    memo: AllocationMemo | None = None,
) -> Allocations:
    """Return the addresses of every Service in *ours*, and the usage of every Eip.

    A Service or Eip whose judging raises gets the verdict InternalError and stays as it
    is; its exception is among the failures of the result, for the shell to log.
    *memo*: of the plan before, if any; the answer is the same without.
    """
    memo = AllocationMemo() if memo is None else memo
    facts = memo.facts(snapshot, ours, pools)
    claims = sorted((facts.claims[key] for key in facts.restless), key=_age)
    ledger = Ledger(facts)
    allocator = _Allocator(ledger)
    allocator.retained = adopt(ledger, claims)
    for claim in claims:
        ledger.avoid(_awaited(claim, allocator.retained.get(claim.key, {})))
    for claim in sorted(claims, key=allocator.priority):
        allocator.decide(claim)
    services = memo.every(facts, allocator.allocations)
    held = memo.held(services)
    return Allocations(
        services=services,
        eips=memo.usage(ledger, services, held=held, restless=claims),
        failures=(*pools.failures, *sorted(allocator.failures, key=_first)),
        again_s=ledger.again_s,
        asks={key: one.asks for key, one in allocator.allocations.items() if one.asks},
        lingering=lingering(ledger, claims, allocator.allocations),
        held=HeldAddresses(held),
        common=memo.common(held),
        holders=held,
    )


@dataclass(slots=True)
class _Allocator:
    """One pass over the Services; the only state is the ledger and what was decided."""

    ledger: Ledger
    retained: Retained = field(default_factory=dict)
    allocations: dict[ServiceKey, Allocation] = field(default_factory=dict)
    failures: list[tuple[str, Exception]] = field(default_factory=list)

    def priority(self, claim: Claim) -> tuple[int, tuple[str, str]]:
        """Sort key: requested before pooled, those who lack before those who move, by age."""
        retained = self.retained.get(claim.key, {})
        if any(not set(retained.get(f, ())).issuperset(w) for f, w in claim.requested.items()):
            return 0, claim.age
        return (1 if any(not retained.get(family) for family in claim.families) else 2), claim.age

    def decide(self, claim: Claim) -> None:
        """Decide about one Service and write it into the ledger."""
        retained = self.retained.get(claim.key, {})
        choices, verdict = self._judge(claim, retained)
        self._update_ledger(claim, retained, choices)
        held = [address for found in choices for address in found.addresses]
        problems = [found.problem for found in choices if found.problem is not None]
        grants = tuple(Grant(address, self._eip_of(address)) for address in held)
        outside = frozenset(g.address for g in grants if g.eip is None)
        elsewhere = frozenset(g.address for g in grants if not claim.names(g.eip))
        self.allocations[claim.key] = Allocation(
            grants=grants,
            verdict=verdict,
            shared_as=self._shared_as(claim, held),
            hints=_lasting_hints(claim, choices, outside, elsewhere),
            refusals=tuple(refusal for problem in problems for refusal in problem.refusals),
            asks=self._asked(claim, choices),
        )

    def _asked(self, claim: Claim, choices: tuple[Choice, ...]) -> tuple[SourceAsk, ...]:
        """Return what IPAMs are asked for, and reckon with what they will give."""
        found = [ask for choice in choices for ask in choice.asks]
        for problem in [one.problem for one in choices if one.problem is not None]:
            found += problem.asks
            if problem.promised is not None:
                self.ledger.promise(claim, *problem.promised)
        return tuple(found)

    def _judge(self, claim: Claim, retained: ByFamily) -> tuple[tuple[Choice, ...], Verdict]:
        error = claim.error
        if error is None:
            try:
                choices = _choices(self.ledger, claim, retained)
                return choices, verdict(self.ledger, claim, choices)
            except Exception as raised:  # noqa: BLE001 - docs/architecture.md rule 13
                error = raised
        self.failures.append((f"Service {claim.key}", error))
        unchanged = tuple(Choice(family, retained.get(family, ())) for family in claim.families)
        return unchanged, InternalError("Service", claim.key, type(error).__name__)

    def _shared_as(self, claim: Claim, held: list[Address]) -> str | None:
        """Return the terms to record: today's, but for who has changed them and stays yet."""
        if any((claim.key, address) in self.ledger.leaving_soon for address in held):
            return claim.shared_as
        return terms(claim.share) if held and claim.share is not None else None

    def _eip_of(self, address: Address) -> EipName | None:
        pool = self.ledger.pool_of(address)
        return None if pool is None else pool.name

    def _update_ledger(
        self,
        claim: Claim,
        retained: ByFamily,
        choices: tuple[Choice, ...],
    ) -> None:
        for found in choices:
            before = dict.fromkeys(retained.get(found.family, ()))
            after = dict.fromkeys(found.addresses)
            if before == after:
                continue
            for address in before:
                if address not in after:
                    self.ledger.release(claim, address)
            for address in after:
                if address not in before:
                    self.ledger.hold(claim, address, found.sources[address])


def _choices(ledger: Ledger, claim: Claim, retained: ByFamily) -> tuple[Choice, ...]:
    """Return what every family gets; RequireDualStack with nothing yet gets both or none."""
    if claim.service.deleting:
        return keep_until_deleted(claim, retained)
    found = tuple(
        choose_addresses(ledger, claim, family, retained=retained.get(family, ()))
        for family in claim.families
    )
    needs_all = claim.service.family_policy == "RequireDualStack"
    if needs_all and not retained and any(one.problem is not None for one in found):
        return tuple(
            Choice(
                one.family, problem=one.problem, asks=(*one.asks, *retaining(claim, one.sources))
            )
            for one in found
        )
    return found


def _awaited(claim: Claim, retained: ByFamily) -> Iterator[Address]:
    """Yield the addresses that *claim* asks or hopes for and does not hold."""
    if claim.service.deleting:
        return
    for family in claim.families:
        held, wanted = set(retained.get(family, ())), claim.requested.get(family, ())
        yield from (address for address in wanted if address not in held)
        if not held and not wanted:
            yield from (address for _, address in claim.hints if family_of(address) is family)
            yield from written_over(claim, family)


def _lasting_hints(
    claim: Claim,
    choices: tuple[Choice, ...],
    outside: frozenset[Address],
    elsewhere: frozenset[Address],
) -> tuple[tuple[EipName, Address], ...]:
    """Return the hints that no grant replaces: of *outside*, which no Eip knows any more, for
    families of which the Service had nothing and gets nothing, and of what an Eip gave that it
    names, and is *elsewhere* now.

    They outlast the wait, or a Service restored before its Eip would come to another address;
    and the last ones say that the Service asked for no other address than it has.
    """
    lacking = {
        one.family for one in choices if not one.addresses and not claim.held.get(one.family)
    }
    hints = (
        hint
        for hint in claim.hints
        if hint[1] in outside
        or family_of(hint[1]) in lacking
        or (claim.names(hint[0]) and hint[1] in elsewhere)
    )
    return tuple(islice(dict.fromkeys(hints), MOST))


def _first(failure: tuple[str, Exception]) -> str:
    return failure[0]


def _age(claim: Claim) -> tuple[str, str]:
    return claim.age
