"""Who carries the traffic of one Service: its candidates, and why the others do not."""

from dataclasses import dataclass

from manager.planner.desired import Candidate
from manager.planner.eligible import Nodes
from manager.planner.serving import Serving
from manager.snapshot import NodeName, TrafficPolicy


@dataclass(frozen=True, slots=True)
class Placement:
    """The nodes that carry, and whether anything serves at all."""

    carriers: frozenset[NodeName]
    serves: bool  # an endpoint serves where the policy may reach it, were every node eligible
    kept: bool = False  # every candidate drains, so the last ones stay


def place(policy: TrafficPolicy, nodes: Nodes, serving: Serving) -> Placement:
    """Return the nodes that carry a Service's traffic in one family.

    Cluster: every eligible node while anything serves anywhere. Local: the eligible ones
    with a serving endpoint. A drain that would take the last of them is put off.
    """
    if not serving.anywhere(nodes.dead):
        return Placement(frozenset(), serves=False)
    staying = _reach(policy, nodes.eligible, serving)
    if staying:
        return Placement(staying, serves=True)
    last = _reach(policy, frozenset(nodes.draining), serving)
    return Placement(last, serves=True, kept=bool(last))


def _reach(
    policy: TrafficPolicy, nodes: frozenset[NodeName], serving: Serving
) -> frozenset[NodeName]:
    return nodes if policy == "Cluster" else serving.on(nodes)


def candidates(nodes: Nodes, placement: Placement) -> tuple[Candidate, ...]:
    """Return every node with its reason, by name: what `explain` and conditions tell."""
    found: list[Candidate] = []
    for name in sorted({*nodes.excluded, *nodes.draining, *nodes.eligible}):
        against = nodes.excluded.get(name) or nodes.draining.get(name) or nodes.ignored.get(name)
        if name in placement.carriers:
            found.append(Candidate(name, despite=against or ""))
        else:
            idle = f"{name} has no endpoint that serves"
            found.append(Candidate(name, excluded_by=against or idle))
    return tuple(found)
