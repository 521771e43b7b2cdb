"""Who carries the traffic of one Service: its candidates, and why the others do not."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from manager.planner.desired import Candidate
from manager.planner.nodes.eligible import Nodes
from manager.planner.nodes.serving import Serving
from manager.snapshot import NodeName, TrafficPolicy


@dataclass(frozen=True, slots=True)
class Placement:
    """The nodes that carry, and whether anything serves at all."""

    carriers: frozenset[NodeName]
    serves: bool  # an endpoint serves where the policy may reach it, were every node eligible
    drain_deferred: bool = False  # every candidate that is well drains: those stay
    ailing_avoided: bool = False  # by that: others could carry, and all of them ail


def place(policy: TrafficPolicy, nodes: Nodes, serving: Serving) -> Placement:
    """Return the nodes that carry a Service's traffic in one family.

    Cluster: every eligible node while anything serves anywhere. Local: the eligible ones
    with a serving endpoint. A drain that would take the last of them is put off, rather than
    that only nodes carry of which nobody knows whether they are well: those come next, and what
    drains besides comes last. Where no program answers, no Pod does: Local never goes there.
    """
    if not serving.anywhere(nodes.alive):
        return Placement(frozenset(), serves=False)
    if policy == "Local" and nodes.hung:
        nodes = replace(
            nodes,
            eligible=nodes.eligible - nodes.hung,
            draining={n: clause for n, clause in nodes.draining.items() if n not in nodes.hung},
        )
    ailing = nodes.ignored.keys()
    staying = _reach(policy, nodes.eligible, serving)
    if staying - ailing:
        return Placement(staying, serves=True)
    if staying:
        well = nodes.draining.keys() - ailing
        # A ready endpoint on an ailing node is one on an eligible node: no terminating one counts.
        only = serving.ready & nodes.eligible and policy == "Local"
        last = serving.ready & well if only else _reach(policy, well, serving)
        return Placement(
            last or staying, serves=True, drain_deferred=bool(last), ailing_avoided=bool(last)
        )
    last = _reach(policy, nodes.draining.keys() - ailing, serving)
    last = last or _reach(policy, nodes.draining.keys(), serving)
    return Placement(last, serves=True, drain_deferred=bool(last))


def _reach(
    policy: TrafficPolicy, nodes: AbstractSet[NodeName], serving: Serving
) -> frozenset[NodeName]:
    return frozenset(nodes) if policy == "Cluster" else serving.on(frozenset(nodes))


def only(nodes: Nodes, names: AbstractSet[NodeName]) -> Nodes:
    """Return *nodes* without those that may carry but are not among *names*."""
    return replace(
        nodes,
        eligible=nodes.eligible & names,
        draining={name: clause for name, clause in nodes.draining.items() if name in names},
    )


def candidates(nodes: Nodes, placement: Placement) -> tuple[Candidate, ...]:
    """Return every node with its reason, by name: as `explain` and conditions show it."""
    found: list[Candidate] = []
    for name in sorted({*nodes.excluded, *nodes.draining, *nodes.eligible}):
        against = nodes.excluded.get(name) or nodes.draining.get(name) or nodes.ignored.get(name)
        if name in placement.carriers:
            found.append(Candidate(name, despite=against or ""))
        else:
            idle = f"{name} has no endpoint that serves"
            found.append(Candidate(name, excluded_by=against or idle))
    return tuple(found)


def notes_on(placement: Placement, found: tuple[Candidate, ...]) -> tuple[str, ...]:
    """Return why nodes carry although something speaks against them."""
    despite = [one.despite for one in found if one.despite]
    if not despite:
        return ()
    clauses = "; ".join(despite)
    if placement.ailing_avoided:
        return (f"Kept, because no other node is left that is well: {clauses}.",)
    if placement.drain_deferred:
        return (f"Kept, because no other node is left: {clauses}.",)
    return (f"Ignored, because too few nodes would be left: {clauses}.",)


def merged(groups: Sequence[tuple[Candidate, ...]]) -> tuple[Candidate, ...]:
    """Return one entry per node: it carries if it carries in any family."""
    if all(group is groups[0] for group in groups):
        return groups[0] if groups else ()
    found: dict[NodeName, Candidate] = {}
    for one in (candidate for group in groups for candidate in group):
        before = found.get(one.node)
        if before is None or (before.excluded_by and not one.excluded_by):
            found[one.node] = one
    return tuple(found[name] for name in sorted(found))
