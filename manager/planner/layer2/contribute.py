"""Protocol `layer2`: who may own each address of one Service.

Exactly one node answers for an address, so what a Service contributes is a wish: the nodes that
could. Who it is is elected of all wishes together (assignments.py). An address is given to
somebody new only once the Service's status records it; one that stands at a node stays there
while the record is being repaired, or nobody can say who may have it.
"""

from dataclasses import replace
from typing import Final, NamedTuple

from manager.planner.contribution import Contribution, ServiceCase
from manager.planner.desired import Candidate, Grant
from manager.planner.layer2.finding import AddressFinding, Finding
from manager.planner.layer2.links import Near
from manager.planner.layer2.standing import Holding, Holdings
from manager.planner.layer2.view import Chosen, Layer2View, Terms
from manager.planner.nodes.election import Contenders
from manager.planner.nodes.placement import merged, notes_on
from manager.planner.nodes.refusals import nobody_carries, unreadable
from manager.planner.nodes.serving import NOTHING, Serving
from manager.snapshot import NodeName
from pointsman.model.address import Address, address_order, family_of
from pointsman.model.verdicts.address import listed
from pointsman.model.verdicts.announcement import (
    NoEligibleNode,
    NoNodeOnSubnet,
    NoServingEndpoint,
    NotAnnounced,
    StrictARPRequired,
)
from pointsman.model.verdicts.base import Verdict

Refused = NoServingEndpoint | NoEligibleNode
NOBODY: Final[Holdings] = {}


class Wish(NamedTuple):
    """What one Service asks for one of its addresses."""

    address: Address
    contenders: Contenders | None  # None: nobody can say, so whoever has it keeps it
    terms: Terms | None = None  # None likewise
    recorded: bool = False  # it may be given to somebody who does not have it
    by: tuple[str, ...] = ()  # by whom its Service's record says that it is announced


Wishes = tuple[Wish, ...]


def contribute(case: ServiceCase, view: Layer2View) -> Contribution[Finding, Wishes]:
    """Return who may own the addresses of one Service, and what its record depends on."""
    wishes: list[Wish] = []
    findings: list[AddressFinding] = []
    candidates: list[tuple[Candidate, ...]] = []
    by = case.service.announced_by
    for grant in case.grants:
        if case.spec is None:
            wishes.append(Wish(grant.address, None))
            findings.append(_undecided(case, grant))
            continue
        found, chosen = _judged(case, view, grant)
        findings.append(found)
        if chosen is None:
            wishes.append(Wish(grant.address, None))
            continue
        candidates.append(chosen.candidates)
        if chosen.contenders.groups or chosen.contenders.lasting:
            wishes.append(
                Wish(
                    grant.address,
                    chosen.contenders,
                    case.terms,
                    recorded=grant.address in case.recorded,
                    by=by,
                )
            )
    return Contribution(Finding(tuple(findings)), tuple(wishes), merged(candidates))


def _undecided(case: ServiceCase, grant: Grant) -> AddressFinding:
    verdict = NotAnnounced(case.service.key, unreadable(case.eip, "who may answer for it"))
    return _found(grant, case, refusal=verdict)


def _found(
    grant: Grant,
    case: ServiceCase,
    contenders: Contenders | None = None,
    *,
    refusal: Verdict | None = None,
    notes: tuple[str, ...] = (),
) -> AddressFinding:
    """Return what is found of an address that *contenders* may own; None: nobody can say who.

    Which nodes could have it besides is nothing that the record depends on: a node that comes or
    goes changes what is found of its own addresses.
    """
    holdings: Holdings = case.standing.get(address_order(grant.address), NOBODY)
    if contenders is None:
        holding = next(iter(holdings.values()), None)
        return AddressFinding(grant.address, grant.text, refusal, holding, notes=notes)
    holding = _holding(contenders, holdings)
    return AddressFinding(
        grant.address,
        grant.text,
        refusal,
        holding,
        electable=frozenset(contenders.interfaces if holding is None else ()),
        moved_often=holding is not None and holding.place.node not in contenders.staying,
        notes=notes,
    )


def _holding(contenders: Contenders, holdings: Holdings) -> Holding | None:
    """Return who has the address, and may keep it."""
    for name, one in holdings.items():
        if name in contenders.staying or (one.damped and name in contenders.able):
            return one
    return None


def _judged(
    case: ServiceCase, view: Layer2View, grant: Grant
) -> tuple[AddressFinding, Chosen | None]:
    """Return what is found of one address, and who may own it; None: nobody was asked."""
    address, service = grant.address, case.service
    family = family_of(address)
    serving = case.serving.get(family, NOTHING)
    terms: Terms = case.terms
    near = view.links.near(terms.interface, address)
    chosen = view.choose(
        case.eip, case.nodes, near, terms=terms, policy=service.policy, serving=serving
    )
    at = grant.text if len(service.families) > 1 or len(case.grants) > 1 else ""
    if chosen.contenders.interfaces:
        notes = notes_on(chosen.placement, chosen.candidates)
        if chosen.reluctant:
            notes += (f"No better node is left: {chosen.reluctant}.",)
        if loose := _loose(view, near, address):
            if service.announced is None or service.announced.status != "True":
                return _not_strict(case, chosen, grant, loose, at=at)
            notes = (*notes, _also_answer(loose))
        return _found(grant, case, chosen.contenders, notes=notes), chosen
    if not chosen.wide.serves and case.slices_awaited and family not in case.serving:
        awaited = NotAnnounced(service.key, "its EndpointSlices are awaited", passing=True)
        return _found(grant, case, refusal=awaited), None
    refusal = _refusal(case, chosen, serving=serving, grant=grant, at=at)
    return _found(grant, case, chosen.contenders, refusal=refusal), chosen


def _loose(view: Layer2View, near: Near, address: Address) -> tuple[NodeName, ...]:
    """Return the nodes whose kernels would answer for *address* beside whoever is elected.

    IPv6 is not answered for on another interface; and where one node alone is near, it is one.
    """
    if address.version != 4 or len(near.interfaces) < 2:
        return ()
    return tuple(sorted(view.loose.intersection(near.interfaces)))


def _not_strict(
    case: ServiceCase, chosen: Chosen, grant: Grant, loose: tuple[NodeName, ...], *, at: str
) -> tuple[AddressFinding, Chosen]:
    """Return that nobody is elected for what was never announced; who has it keeps it."""
    among = chosen.contenders.interfaces
    nobody = Contenders((), {}, lasting=among, able=chosen.contenders.able)
    refusal = StrictARPRequired(case.service.key, loose, at)
    return _found(grant, case, nobody, refusal=refusal), chosen._replace(contenders=nobody)


def _also_answer(loose: tuple[NodeName, ...]) -> str:
    return (
        f"The kernels of {listed(loose)} answer ARP for it, too: see the condition "
        "StrictARPRequired of the Announcer."
    )


def _refusal(
    case: ServiceCase,
    chosen: Chosen,
    *,
    serving: Serving,
    grant: Grant,
    at: str,
) -> Verdict:
    """Return why nobody may be elected."""
    service, address = case.service, grant.address
    if not chosen.wide.carriers:
        nobody: Refused = nobody_carries(
            service, case.nodes, family_of(address), serving=serving, placement=chosen.wide
        )
        return replace(nobody, at=at, shared=address in case.shared)
    return NoNodeOnSubnet(service.key, chosen.nowhere, at)
