"""What the judgement of a Service may look at of layer 2: interfaces, and silent agents.

A value that changes with nodes, not with Services or Eips. Who may own an address is worked out
once for all Services that are placed alike.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

from manager.planner.desired import Candidate
from manager.planner.layer2.links import Interfaces, Links, Near
from manager.planner.nodes.election import Contenders, grouped
from manager.planner.nodes.eligible import Nodes
from manager.planner.nodes.placement import Placement, candidates, only, place
from manager.planner.nodes.serving import Serving
from manager.snapshot import EipName, NodeName, TrafficPolicy
from pointsman.model.printable import some

# How many placements are remembered. What is forgotten is worked out again.
MOST_REMEMBERED: Final = 4096


class Terms(NamedTuple):
    """What an Eip says of how its addresses are answered for."""

    interface: str
    responder: str
    announce_rate: int | None
    conflict_check: bool
    preferred: frozenset[NodeName]


class Chosen(NamedTuple):
    """Who may own an address of one Service, and what speaks against the others."""

    contenders: Contenders
    candidates: tuple[Candidate, ...]
    wide: Placement  # who carries, wherever they are
    placement: Placement  # of those who may
    nowhere: tuple[str, ...]  # nodes that carry, and could not answer for it: a clause each
    reluctant: str  # what speaks against all who may: they are the last; "": nothing does


class _Fit(NamedTuple):
    """The nodes of one Eip by whether the addresses of a network could be there."""

    nodes: Nodes  # all of them: of which this was made
    near: Near
    terms: Terms
    # Who is near and nothing speaks against; those without a way out, too; those of whose agents
    # nothing is heard, too. Who leaves counts as draining.
    near_ones: tuple[Nodes, ...]
    any: Nodes  # near, or nobody knows: their agents have not reported
    able: Nodes  # near, and packets get through, whatever else speaks against them
    chosen: dict[tuple[Placement, ...], Chosen]  # by how a Service is placed
    # By how it is served: the same, without a look at the nodes. Equal values are one object in
    # many Services; it is held, so its id is nobody else's.
    served: dict[tuple[TrafficPolicy, int], tuple[Serving, Chosen]]


def _remembered() -> Any:
    """Return a field for answers: they follow from the facts, so they make no difference."""
    return field(default_factory=dict, init=False, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Layer2View:
    """The facts, each known before the first question; what is worked out of them is remembered."""

    links: Links
    silent: Mapping[NodeName, str]  # nodes whose agent is not heard, though they live: a clause
    leaving: frozenset[NodeName]  # drained, and still next hops for some seconds
    # Their kernels answer ARP for Service addresses of their own, whoever is elected.
    loose: frozenset[NodeName] = frozenset()
    _fits: dict[tuple[EipName, int], _Fit] = _remembered()

    def choose(
        self,
        eip: EipName,
        nodes: Nodes,
        near: Near,
        *,
        terms: Terms,
        policy: TrafficPolicy,
        serving: Serving,
    ) -> Chosen:
        """Return who may own what could be *near*, of the *nodes* of *eip*, by its *terms*.

        The nodes are looked at once for all Services that are served alike.
        """
        fit = self._fit(eip, nodes, near, terms)
        known = fit.served.get((policy, id(serving)))
        if known is None:
            if len(fit.served) >= MOST_REMEMBERED:
                fit.served.clear()
            known = fit.served[policy, id(serving)] = serving, self._placed(fit, policy, serving)
        return known[1]

    def _placed(self, fit: _Fit, policy: TrafficPolicy, serving: Serving) -> Chosen:
        wide = place(policy, fit.nodes, serving)
        for ones in fit.near_ones:
            narrow = place(policy, ones, serving)
            if narrow.carriers:
                break
        last = narrow if narrow.carriers else place(policy, fit.any, serving)
        able = place(policy, fit.able, serving)
        found = fit.chosen.get((wide, narrow, last, able))
        if found is None:
            if len(fit.chosen) >= MOST_REMEMBERED:
                fit.chosen.clear()
            found = self._choose(fit, wide, narrow=narrow, last=last, able=able)
            fit.chosen[wide, narrow, last, able] = found
        return found

    def _fit(self, eip: EipName, nodes: Nodes, near: Near, terms: Terms) -> _Fit:
        key = eip, id(near)
        found = self._fits.get(key)
        if (
            found is None
            or found.nodes is not nodes
            or found.near is not near
            or found.terms is not terms
        ):
            if len(self._fits) >= MOST_REMEMBERED:
                self._fits.clear()
            found = self._fits[key] = self._fitted(nodes, near, terms)
        return found

    def _fitted(self, nodes: Nodes, near: Near, terms: Terms) -> _Fit:
        known = self.links.nodes.keys()
        unknown = frozenset(nodes.eligible | nodes.draining.keys()) - known
        every = frozenset(near.interfaces)
        heard = every.difference(self.silent)
        leaves = {name: f"{name} is drained" for name in sorted(nodes.eligible & self.leaving)}
        staying = replace(
            nodes, eligible=nodes.eligible - self.leaving, draining={**nodes.draining, **leaves}
        )
        return _Fit(
            nodes,
            near,
            terms,
            near_ones=tuple(
                only(staying, names)
                for names in dict.fromkeys((heard.difference(near.cut), heard, every))
            ),
            any=only(staying, unknown | every),
            able=replace(
                nodes,
                eligible=nodes.able.intersection(heard.difference(near.cut)),
                draining={},
                ignored={},
            ),
            chosen={},
            served={},
        )

    def _choose(
        self,
        fit: _Fit,
        wide: Placement,
        *,
        narrow: Placement,
        last: Placement,
        able: Placement,
    ) -> Chosen:
        interfaces = fit.near.interfaces
        well = frozenset(narrow.carriers - fit.nodes.ignored.keys())
        contenders = Contenders(
            groups=grouped(narrow.carriers, well, fit.terms.preferred),
            interfaces=_of(interfaces, narrow.carriers),
            lasting=_of(interfaces, last.carriers),
            able=_of(interfaces, able.carriers),
        )
        shown = []
        nowhere = []
        for one in candidates(fit.nodes, replace(wide, carriers=wide.carriers | narrow.carriers)):
            if one.excluded_by or one.node in narrow.carriers:
                shown.append(one)
                continue
            # Where others stay, one that drains or leaves is no candidate here either.
            clause = self._against(fit, one.node) or fit.near_ones[-1].draining.get(one.node, "")
            if not clause:
                clause = fit.near.lack(one.node)
                nowhere.append(clause)
            shown.append(Candidate(one.node, excluded_by=clause))
        against = [self._against(fit, name) for name in sorted(narrow.carriers)]
        return Chosen(
            contenders,
            tuple(shown),
            wide,
            narrow,
            nowhere=tuple(nowhere),
            reluctant="; ".join(some(against)) if all(against) else "",
        )

    def _against(self, fit: _Fit, name: NodeName) -> str:
        """Return why others that are near come before *name*, which may be near, as a clause."""
        silent = self.silent.get(name, "") if name in fit.near.interfaces else ""
        return silent or fit.near.cut.get(name, "")


def _of(interfaces: Interfaces, names: frozenset[NodeName]) -> Mapping[NodeName, tuple[str, ...]]:
    return {name: interfaces.get(name, ()) for name in sorted(names)}
