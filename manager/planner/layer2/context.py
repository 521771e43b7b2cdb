"""What is the same for all Services of one plan: the view, and what stands on the nodes."""

from collections.abc import Mapping
from dataclasses import dataclass

from manager.planner.announcer_specs import full
from manager.planner.layer2.assignments import Gone
from manager.planner.layer2.links import Links, NodeLinks, node_links
from manager.planner.layer2.standing import NOBODY, Claimed, Standing, StandingMemo
from manager.planner.layer2.view import Layer2View, Terms
from manager.planner.nodes.election import Number
from manager.planner.nodes.eligible import dead
from manager.planner.nodes.silence import silent
from manager.snapshot import EipName, Node, NodeName, Snapshot
from pointsman.api import EipSpec
from pointsman.api.eiplayer2 import Inspection
from pointsman.model.address import address_order
from pointsman.model.assignment import STRICT_RATE
from pointsman.model.memo import Each, Once

Labels = Mapping[NodeName, Mapping[str, str]]


class ContextMemo:
    """The stages of a context: each is worked out anew when what it is made of has changed."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._links = Each[NodeName, NodeLinks](node_links)
        self._all_links = Once[Links](Links)
        self._labels = Each[NodeName, Mapping[str, str]](_labels)
        self._terms = Each[EipName, Terms](_terms)
        self._view = Once[Layer2View](Layer2View)
        self._standing = StandingMemo()

    def __call__(self, snapshot: Snapshot) -> "Layer2Context":
        """Return the context of *snapshot*."""
        specs = {name: eip.spec for name, eip in snapshot.eips.items() if eip.spec is not None}
        links = self._links(None, snapshot.announcers, snapshot.nodes, snapshot.links_down)
        view = self._view(
            self._all_links(links),
            silent(snapshot),
            snapshot.leaving,
            frozenset(n for n, one in snapshot.announcers.items() if one.strict_arp is False),
        )
        return Layer2Context(
            snapshot=snapshot,
            view=view,
            terms=self._terms(self._labels(None, snapshot.nodes), specs),
            standing=self._standing(snapshot.announcers, snapshot.damped, _claimed(snapshot)),
            gone=Gone(frozenset(dead(snapshot))),
            arriving=_arriving(snapshot),
            full=full(snapshot.announcers, self._most),
        )


@dataclass(frozen=True, slots=True)
class Layer2Context:
    """The facts, each known before the first question."""

    snapshot: Snapshot
    view: Layer2View
    terms: Mapping[EipName, Terms]  # of the Eips that can be read
    standing: Standing  # what the Announcers' specs hold
    gone: Gone
    full: frozenset[NodeName]  # nodes whose specs hold as much as they can
    arriving: Mapping[Number, tuple[NodeName, ...]]  # where a write under way may bring addresses


def _claimed(snapshot: Snapshot) -> Claimed:
    """Return what strangers claim: a node that had an address a moment ago is none."""
    if not snapshot.claimed:
        return NOBODY
    ours = {own.mac for one in snapshot.announcers.values() for own in one.interfaces}
    return {address: mac for address, mac in snapshot.claimed.items() if mac not in ours}


def _arriving(snapshot: Snapshot) -> Mapping[Number, tuple[NodeName, ...]]:
    found: dict[Number, tuple[NodeName, ...]] = {}
    for name, addresses in sorted(snapshot.assigning.items()):
        for number in map(address_order, addresses):
            found[number] = (*found.get(number, ()), name)
    return found


def _labels(_: None, node: Node) -> Mapping[str, str]:
    return node.labels


def _terms(labels: Labels, spec: EipSpec) -> Terms:
    wanted = spec.layer2
    selector = wanted.preferred_nodes
    named = labels.items() if selector is not None else ()
    preferred = (name for name, has in named if selector is not None and selector.matches(has))
    return Terms(
        interface=wanted.interface,
        responder=str(wanted.responder),
        announce_rate=STRICT_RATE if wanted.inspection is Inspection.STRICT else None,
        conflict_check=wanted.conflict_check,
        preferred=frozenset(preferred),
    )
