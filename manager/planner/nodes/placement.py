"""Who carries the traffic of one Service: its candidates, and why the others do not."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

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
    drains besides comes last.
    """
    if not serving.anywhere(nodes.alive):
        return Placement(frozenset(), serves=False)
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
