"""Protocol `kernel`: which nodes have each address of one Service, or a route to its aggregate.

Nothing is put anywhere anew before the Service's status records the address; what stands on a
node that may carry stays while the record is being repaired, and what stands anywhere while
nobody can say who may have it.
"""

from dataclasses import replace
from typing import NamedTuple

from manager.planner.addresses.aggregates import Aggregation
from manager.planner.contribution import Contribution, ServiceCase
from manager.planner.desired import Candidate, Grant
from manager.planner.kernel.finding import AddressFinding, Finding, Looked
from manager.planner.kernel.view import KernelView, Placed
from manager.planner.nodes.placement import merged, notes_on
from manager.planner.nodes.refusals import nobody_carries, unreadable
from manager.planner.nodes.serving import NOTHING, SOMEWHERE
from manager.snapshot import NodeName
from pointsman.model.address import Address, Prefix, family_of
from pointsman.model.printable import some
from pointsman.model.verdicts.announcement import (
    NoEligibleNode,
    NoServingEndpoint,
    NotAnnounced,
    OnNodeNetwork,
)
from pointsman.model.verdicts.base import Verdict


class Wanted(NamedTuple):
    """A prefix that nodes are to have: a host address, or an aggregate's route."""

    prefix: Prefix
    nodes: frozenset[NodeName]


class _Judged(NamedTuple):
    wanted: Wanted | None
    finding: AddressFinding
    candidates: tuple[Candidate, ...] = ()


def contribute(case: ServiceCase, view: KernelView) -> Contribution[Finding, tuple[Wanted, ...]]:
    """Return what the nodes are to have for one Service, and what its record depends on."""
    judged = [_judged(case, view, grant) for grant in case.grants]
    wanted = [one.wanted for one in judged if one.wanted is not None and one.wanted.nodes]
    if case.spec is None and view.held is not None:
        wanted += [one for grant in case.grants for one in as_it_stands(view, grant.address)]
    return Contribution(
        Finding(tuple(one.finding for one in judged), local=case.service.policy == "Local"),
        tuple(wanted),
        merged([one.candidates for one in judged if one.candidates]),
    )


def as_it_stands(view: KernelView, address: Address) -> list[Wanted]:
    """Return what leads to *address* now; only of a view that has looked."""
    assert view.held is not None, "it is looked at whenever something may have to stay"
    found = view.held.leading_to(address)
    return [Wanted(prefix, frozenset(nodes)) for prefix, nodes in found]


def _judged(case: ServiceCase, view: KernelView, grant: Grant) -> _Judged:
    if case.spec is None:
        verdict = NotAnnounced(case.service.key, unreadable(case.eip, "who may have it"))
        return _Judged(None, AddressFinding(grant.address, grant.text, verdict, undecided=True))
    assert isinstance(case.terms, Aggregation)
    family, policy = family_of(grant.address), case.service.policy
    serving = case.serving.get(family, NOTHING)
    prefix = case.terms.prefix(grant, policy)
    if prefix != grant.host and view.refused(prefix):
        prefix = grant.host
    placed = view.placed(case.nodes, prefix, policy=policy, serving=serving)
    carriers = placed.carriers
    if prefix != grant.host:  # it is there for all of it, whoever is served
        everywhere = view.placed(case.nodes, prefix, policy="Cluster", serving=SOMEWHERE)
        carriers = everywhere.carriers
    looked: Looked | None = case.observed
    finding = AddressFinding(
        grant.address,
        grant.text,
        _refusal(case, view, grant, prefix, placed),
        notes=_notes(placed),
        handed=looked is None or looked.handed(prefix, carriers),
        wholly=looked is None or looked.wholly(prefix, carriers),
    )
    if grant.address not in case.recorded:
        there = view.held.of(prefix) if looked is None and view.held else _held(looked, prefix)
        carriers &= there
    return _Judged(Wanted(prefix, carriers), finding, placed.candidates)


def _held(looked: Looked | None, prefix: Prefix) -> frozenset[NodeName]:
    return frozenset() if looked is None else looked.held.get(prefix, frozenset())


def _notes(placed: Placed) -> tuple[str, ...]:
    """Return what is so although one might expect otherwise."""
    found = notes_on(placed.wide, placed.candidates)
    if placed.carriers and placed.cannot:
        found += (f"Not everywhere: {'; '.join(some(placed.cannot))}.",)
    return found


def _refusal(
    case: ServiceCase, view: KernelView, grant: Grant, prefix: Prefix, placed: Placed
) -> Verdict | None:
    """Return why nobody carries; None: somebody does."""
    service, family = case.service, family_of(grant.address)
    at = grant.text if len(service.families) > 1 or len(case.grants) > 1 else ""
    if placed.carriers:
        full, what = (view.full, "addresses") if prefix == grant.host else (view.crowded, "routes")
        if placed.carriers <= full and not _stands(case, prefix):
            names = sorted(placed.carriers)
            clauses = tuple(f"{one} has as many {what} as one Announcer holds" for one in names)
            return NoEligibleNode(service.key, clauses, at)
        return None
    if placed.wide.carriers:
        if placed.on_network:
            return OnNodeNetwork(service.key, placed.cannot, at)
        return NoEligibleNode(service.key, placed.cannot, at)
    if not placed.wide.serves and case.slices_awaited and family not in case.serving:
        return NotAnnounced(service.key, "its EndpointSlices are awaited", passing=True)
    serving = case.serving.get(family, NOTHING)
    nobody = nobody_carries(service, case.nodes, family, serving=serving, placement=placed.wide)
    nobody = replace(nobody, at=at, shared=grant.address in case.shared)
    if prefix != grant.host and isinstance(nobody, NoServingEndpoint):
        return replace(nobody, inside=str(prefix))
    return nobody


def _stands(case: ServiceCase, prefix: Prefix) -> bool:
    """Whether a node has *prefix* already; of a Service that is announced one does."""
    return case.observed is None or bool(_held(case.observed, prefix))
