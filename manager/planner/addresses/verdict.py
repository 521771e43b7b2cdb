"""From what a Service gets in each family to the one verdict its condition states.

`Allocated=True` says that the Service has what it asks for; a second family that
PreferDualStack still lacks doesn't contradict that. A refusal takes precedence over
what was granted beside it, and names what the Service keeps.
"""

from collections.abc import Iterable
from dataclasses import replace

from manager.planner.addresses.choose import Choice
from manager.planner.addresses.claims import Claim
from manager.planner.addresses.ledger import Ledger
from manager.planner.addresses.problem import Problem
from pointsman.model.address import Address
from pointsman.model.names import EIP
from pointsman.model.verdicts.address import (
    AddressOutsideEips,
    Allocated,
    Unserved,
    WaitingForFamily,
)
from pointsman.model.verdicts.base import Verdict


def verdict(ledger: Ledger, claim: Claim, choices: tuple[Choice, ...]) -> Verdict:
    """Return the verdict on *claim*, whose *choices* are in order of its families."""
    if any(found.problem is not None for found in choices):
        refused = _refusal(claim, choices)
        if refused is not None:
            return _warned(ledger, claim, choices, refused)
    held = [address for found in choices for address in found.addresses]
    outside = [address for address in held if _eip_of(ledger, address, choices) is None]
    if outside:
        clause = f"{outside[0]} is in no Eip, so nothing announces it"
        return _stated(claim, Problem(AddressOutsideEips, (clause,), str(outside[0])), choices)
    grants = tuple((str(a), _eip_of(ledger, a, choices) or "") for a in held)
    return _warned(ledger, claim, choices, Allocated(claim.key, grants, later(choices)))


def _warned(
    ledger: Ledger, claim: Claim, choices: tuple[Choice, ...], found: Allocated | Unserved
) -> Verdict:
    """Return the verdict *found*, which names who else has the first such address."""
    held = (address for one in choices for address in one.addresses)
    clauses = (ledger.collision(claim, address) for address in held)
    warning = next(filter(None, clauses), "") or claim.ignored or _elsewhere(ledger, claim, choices)
    return replace(found, warning=warning) if warning else found


def _elsewhere(ledger: Ledger, claim: Claim, choices: tuple[Choice, ...]) -> str:
    """Return a clause if an Eip that another's annotation names isn't the one it has."""
    if not claim.named_by or any(claim.requested.values()):
        return ""
    for address in (a for found in choices for a in found.addresses):
        name = _eip_of(ledger, address, choices)
        if name is not None and not claim.names(name):
            return (
                f"its annotation {claim.named_by} names '{claim.named[0]}', and {address}, which "
                f"it has, stays; {EIP} would move it"
            )
    return ""


def _refusal(claim: Claim, choices: tuple[Choice, ...]) -> Unserved | None:
    """Return the verdict if the Service must wait, None if it can do without."""
    stuck = [found for found in choices if found.problem is not None and found.addresses]
    lacking = [found for found in choices if found.problem is not None and not found.addresses]
    asked = [found for found in lacking if claim.requested.get(found.family)]
    served = any(found.addresses for found in choices)
    needs_all = claim.service.family_policy == "RequireDualStack"
    leaving_soon = [one for one in stuck if one.problem is not None and one.problem.leaving_soon]
    first = next(iter((*leaving_soon, *stuck, *asked)), None)
    if first is None and claim.fault is None and needs_all and len(lacking) < len(choices):
        found = lacking[0]
        assert found.problem is not None
        cause = "; ".join(found.problem.because)
        clause = f"it needs both families, and {found.family} is not to be had: {cause}"
        return _stated(claim, Problem(WaitingForFamily, (clause,)), choices)
    if first is None and (not served or claim.fault is not None):
        first = lacking[0]
    if first is None:
        return None
    assert first.problem is not None
    return _stated(claim, first.problem, choices, lacks=f"{first.family} address")


def _stated(
    claim: Claim, problem: Problem, choices: tuple[Choice, ...], *, lacks: str = "address"
) -> Unserved:
    keeps = tuple(str(address) for found in choices for address in found.addresses)
    return problem.reason(
        claim.key,
        lacks,
        problem.because,
        problem.about,
        keeps,
        source=problem.source,
        elsewhere=problem.elsewhere,
    )


def later(choices: Iterable[Choice]) -> str:
    """Return what families follow later, in sentences; "": the Service lacks none."""
    return " ".join(
        f"An {found.family} address follows when there is one: {'; '.join(found.problem.because)}."
        for found in choices
        if found.problem is not None
    )


def _eip_of(ledger: Ledger, address: Address, choices: tuple[Choice, ...]) -> str | None:
    """Return the Eip that counts *address* as its own, now or once it is granted."""
    sources = (found.sources[address] for found in choices if address in found.sources)
    pool = ledger.pool_of(address) or next(sources, None)
    return None if pool is None else pool.name
