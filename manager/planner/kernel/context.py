"""What is the same for all Services of one plan: the view, and what stands on the nodes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from manager.planner.addresses.aggregates import Aggregation, aggregation
from manager.planner.addresses.reserved import ReservedMemo
from manager.planner.announcer_specs import full
from manager.planner.desired import Allocations
from manager.planner.kernel.standing import Held, Stand, StandingMemo
from manager.planner.kernel.view import KernelView
from manager.planner.nodes.connected import Connected, OwnNetworks, own_networks
from manager.planner.nodes.election import Number
from manager.planner.nodes.rights import unable
from manager.planner.nodes.silence import silent
from manager.snapshot import EipName, NodeName, Snapshot
from pointsman.api import EipSpec
from pointsman.model.assignment import MOST_UNREACHABLE
from pointsman.model.memo import Each, Once
from pointsman.model.verdicts.address import Overlap


class ContextMemo:
    """The stages of a context: each is worked out anew when what it is made of has changed."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._networks = Each[NodeName, OwnNetworks](own_networks)
        self._reserved = ReservedMemo()
        self._connected = Once[Connected](Connected)
        self._unable = Each[NodeName, str](unable)
        self._aggregations = Each[EipName, Aggregation](_aggregation)
        self._view = Once[KernelView](KernelView)
        self._standing = StandingMemo()

    def __call__(self, snapshot: Snapshot, allocations: Allocations) -> "KernelContext":
        """Return the context of *snapshot*."""
        held = self._standing.held(snapshot.announcers)
        specs = {name: eip.spec for name, eip in snapshot.eips.items()}
        view = self._view(
            self._connected(self._networks(None, snapshot.announcers), self._reserved(snapshot)),
            self._unable(None, snapshot.nodes, snapshot.announcers),
            # What an agent has put leaves by itself when the agent no longer renews it.
            silent(snapshot),
            snapshot.leaving,
            full(snapshot.announcers, self._most),
            frozenset(_crowded(snapshot)),
            held if None in specs.values() else None,
        )
        overlapping = {
            name: isinstance(one.ready, Overlap) for name, one in allocations.eips.items()
        }
        readable = {name: spec for name, spec in specs.items() if spec is not None}
        return KernelContext(
            snapshot=snapshot,
            view=view,
            held=held,
            standing=self._standing.standing(held, allocations.services),
            aggregations=self._aggregations(None, readable, overlapping),
        )


@dataclass(frozen=True, slots=True)
class KernelContext:
    """The facts, each known before the first question."""

    snapshot: Snapshot
    view: KernelView
    held: Held  # what the Announcers' specs hold
    standing: Mapping[Number, Stand]
    aggregations: Mapping[EipName, Aggregation]  # of the Eips that can be read


def _aggregation(_: None, spec: EipSpec, overlaps: bool | None) -> Aggregation:
    return aggregation(spec, overlaps=bool(overlaps))


def _crowded(snapshot: Snapshot) -> Iterator[NodeName]:
    """Yield the nodes whose specs hold as many routes as they can; discards give way to them."""
    for name, one in snapshot.announcers.items():
        if sum(route.redistribute for route in one.unreachable) >= MOST_UNREACHABLE:
            yield name
