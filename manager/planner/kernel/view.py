"""What the judgement of a Service may look at: which nodes can have addresses and routes.

A value that changes with nodes and agents, not with Services. Who carries is asked of
`manager.planner.nodes`; here only those are left out that cannot do it, each with a clause.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

from manager.planner.desired import Candidate
from manager.planner.kernel.standing import Held
from manager.planner.nodes.connected import Clauses, Connected
from manager.planner.nodes.eligible import Nodes
from manager.planner.nodes.placement import Placement, candidates, only, place
from manager.planner.nodes.rights import Unable
from manager.planner.nodes.serving import Serving
from manager.snapshot import NodeName, TrafficPolicy
from pointsman.model.address import Prefix
from pointsman.model.printable import some

# How many placements are remembered. What is forgotten is worked out again.
MOST_REMEMBERED: Final = 4096


class Placed(NamedTuple):
    """Who carries an address of one Service, and what speaks against the others."""

    carriers: frozenset[NodeName]
    wide: Placement  # who would, could every node
    candidates: tuple[Candidate, ...]
    cannot: tuple[str, ...]  # of those who would: why they cannot, a clause each
    on_network: bool = False  # all of these are on a network of the address itself


class _Fit(NamedTuple):
    """The nodes of one Eip that can have one kind of prefix, the best first."""

    nodes: Nodes  # of which this was made
    near: Clauses
    against: Mapping[NodeName, str]  # why others cannot
    narrow: tuple[Nodes, ...]
    chosen: dict[tuple[Placement, Placement], Placed]  # by how a Service is placed


def _remembered() -> Any:
    """Return a field for answers: they follow from the facts, so they make no difference."""
    return field(default_factory=dict, init=False, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class KernelView:
    """The facts, each known before the first question."""

    connected: Connected
    unable: Unable  # nodes whose agents may not, or do not say that they may: a clause
    silent: Mapping[NodeName, str]  # nodes whose agents are not heard, though they live: a clause
    leaving: frozenset[NodeName]  # drained, and still next hops of BGP for some seconds
    full: frozenset[NodeName]  # their Announcers hold as many addresses as they can
    crowded: frozenset[NodeName]  # and these as many routes
    held: Held | None  # what stands; None: nobody has to look at it
    _fits: dict[tuple[int, int], _Fit] = _remembered()

    def refused(self, aggregate: Prefix) -> str:
        """Return why *aggregate* cannot be a route of the nodes, as a clause; "": it can."""
        if inside := self.connected.inside(aggregate):
            return inside
        near = self.connected.near(aggregate)
        return "; ".join(some(tuple(near.values())))

    def placed(
        self, nodes: Nodes, prefix: Prefix, *, policy: TrafficPolicy, serving: Serving
    ) -> Placed:
        """Return who of *nodes* carries *prefix*, for a Service that serves like this."""
        wide = place(policy, nodes, serving)
        fit = self._fit(nodes, self.connected.near(prefix))
        for ones in fit.narrow:
            narrow = place(policy, ones, serving)
            if narrow.carriers:
                break
        found = fit.chosen.get((wide, narrow))
        if found is None:
            if len(fit.chosen) >= MOST_REMEMBERED:
                fit.chosen.clear()
            found = fit.chosen[wide, narrow] = _chosen(fit, wide, narrow)
        return found

    def _fit(self, nodes: Nodes, near: Clauses) -> _Fit:
        key = id(nodes), id(near)
        found = self._fits.get(key)
        if found is None or found.nodes is not nodes or found.near is not near:
            if len(self._fits) >= MOST_REMEMBERED:
                self._fits.clear()
            found = self._fits[key] = self._fitted(nodes, near)
        return found

    def _fitted(self, nodes: Nodes, near: Clauses) -> _Fit:
        leaves = {name: f"{name} is drained" for name in sorted(nodes.eligible & self.leaving)}
        staying = replace(
            nodes, eligible=nodes.eligible - self.leaving, draining={**nodes.draining, **leaves}
        )
        able = frozenset(nodes.eligible | nodes.draining.keys())
        able = able.difference(self.unable, near)
        heard = able.difference(self.silent)
        return _Fit(
            nodes,
            near,
            against={**self.silent, **leaves, **self.unable, **near},
            narrow=tuple(only(staying, names) for names in dict.fromkeys((heard, able))),
            chosen={},
        )


def _chosen(fit: _Fit, wide: Placement, narrow: Placement) -> Placed:
    carriers = narrow.carriers
    shown: list[Candidate] = []
    cannot: list[str] = []
    for one in candidates(fit.nodes, replace(wide, carriers=wide.carriers | carriers)):
        if one.excluded_by or one.node in carriers:
            shown.append(one)
            continue
        clause = fit.against.get(one.node, f"{one.node} has no endpoint that serves")
        cannot.append(clause)
        shown.append(Candidate(one.node, excluded_by=clause))
    barred = [one.node for one in shown if one.excluded_by in cannot]
    on_network = bool(barred) and all(name in fit.near for name in barred)
    return Placed(carriers, wide, tuple(shown), tuple(cannot), on_network)
