"""Which nodes may carry traffic at all, and the clause that says why another may not.

Three kinds of rule. Hard ones (selector, label, dead) exclude. What ails a node (`Ready!=True`,
`NetworkUnavailable`, a path that is gone, programs that hang) excludes it only while at least half
of the otherwise eligible nodes remain: kubelets that lose their API server still forward, and so do
nodes whose network add-on restarts everywhere. A drain excludes unless it would take the last ones;
so does a return from the dead that is not steady yet, which is better than nobody.
Where the two meet, a node that only drains is better than one that ails: `placement.py`.

Of a node's liveness only Dead is a hard rule: who judged it suspected himself first. A live
heartbeat outweighs a kubelet that the API server does not hear; of a node whose agent alone is
silent nothing follows here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from manager.snapshot import Announcer, Node, NodeName, Settings, Snapshot
from pointsman.api import LabelSelector
from pointsman.model.liveness import Liveness
from pointsman.model.names import DRAIN, EXCLUDE_LABEL, OUT_OF_SERVICE

HEARD: Final = frozenset({Liveness.Alive, Liveness.Returning})


@dataclass(frozen=True, slots=True)
class Nodes:
    """The nodes one Eip may use. Every map goes from a node to its clause."""

    excluded: Mapping[NodeName, str]  # hard, or ailing where that counts
    draining: Mapping[NodeName, str]  # of the rest: wanted away, last ones stay
    eligible: frozenset[NodeName]  # neither excluded nor draining
    ignored: Mapping[NodeName, str]  # of both: ailing, and not excluded for it
    hung: frozenset[NodeName]  # of the ailing: no endpoint there serves for Local
    dead: Mapping[NodeName, str]  # where no endpoint serves
    alive: frozenset[NodeName]  # all others that exist, whatever else is true of them
    # Packets that come in still get through, however unwanted: drained, or not Ready and alive.
    able: frozenset[NodeName]


def nodes_for(snapshot: Snapshot, selector: LabelSelector | None) -> Nodes:
    """Return the verdict on every node of *snapshot* for an Eip with this nodeSelector."""
    excluded: dict[NodeName, str] = {}
    draining: dict[NodeName, str] = {}
    ailing: dict[NodeName, str] = {}
    sound: set[NodeName] = set()
    able: set[NodeName] = set()
    for name, node in sorted(snapshot.nodes.items()):
        liveness = snapshot.liveness.get(name, Liveness.Unknown)
        if clause := _barred(node, liveness, selector):
            excluded[name] = clause
        elif name not in snapshot.leaving and (
            clause := _drained(node, liveness, snapshot.announcers.get(name), snapshot.settings)
        ):
            draining[name] = clause
        else:
            sound.add(name)
        if name not in excluded:
            if clause := _ailing(node, liveness):
                ailing[name] = clause
            if not clause or liveness in HEARD:
                able.add(name)
    # Nodes that drain leave anyway, so the majority is counted among those that would stay;
    # where all drain, the last ones may stay, and it is counted among them.
    others = sound or draining.keys()
    counts = 2 * len(others - ailing.keys()) >= len(others)
    if counts:
        excluded |= ailing
        draining = {name: clause for name, clause in draining.items() if name not in ailing}
    gone = dead(snapshot)
    return Nodes(
        excluded=excluded,
        draining=draining,
        eligible=frozenset(sound - ailing.keys() if counts else sound),
        ignored={} if counts else ailing,
        hung=frozenset(n for n, one in snapshot.liveness.items() if one is Liveness.NodeHung),
        dead=gone,
        alive=frozenset(snapshot.nodes.keys() - gone.keys()),
        able=frozenset(able),
    )


def dead(snapshot: Snapshot) -> Mapping[NodeName, str]:
    """Return the nodes that were declared out of service, or found dead, each with a clause."""
    found: dict[NodeName, str] = {}
    for name, node in snapshot.nodes.items():
        if is_out_of_service(node):
            found[name] = f"out of service (taint {OUT_OF_SERVICE})"
        elif snapshot.liveness.get(name) is Liveness.Dead:
            found[name] = "dead by its heartbeats"
    return found


def _barred(node: Node, liveness: Liveness, selector: LabelSelector | None) -> str:
    if is_out_of_service(node):
        return f"{node.name} has the taint {OUT_OF_SERVICE}"
    if liveness is Liveness.Dead:
        return f"{node.name} is dead: neither its agent nor its kernel answers"
    if EXCLUDE_LABEL in node.labels:
        return f"{node.name} has the label {EXCLUDE_LABEL}"
    if selector is not None and not selector.matches(node.labels):
        return f"{node.name} does not match the Eip's nodeSelector"
    return ""


def drains(node: Node, settings: Settings) -> str:
    """Return the clause that says by what somebody drains *node*; "": nobody does."""
    if node.annotations.get(DRAIN) == "true":
        return f"{node.name} is drained by its annotation {DRAIN}"
    for taint in node.taints:
        if taint.key in settings.drain_taints:
            return f"{node.name} is drained by its taint {taint.key}"
    return ""


def _drained(
    node: Node, liveness: Liveness, announcer: Announcer | None, settings: Settings
) -> str:
    if clause := drains(node, settings):
        return clause
    if liveness is Liveness.Returning:
        return f"{node.name} was dead, and its agent is not heard steadily yet"
    if announcer is not None and announcer.proxy_healthy is False:
        return f"{node.name} reports that its service proxy is not healthy"
    return ""


def _ailing(node: Node, liveness: Liveness) -> str:
    if liveness is Liveness.NodeHung:
        return f"{node.name} hangs: its kernel answers, and no program on it does"
    if liveness is Liveness.LinkDown:
        return f"{node.name} reaches none of its gateways, as its agent says"
    if node.network_unavailable:
        return f"{node.name} has the condition NetworkUnavailable"
    if node.ready == "True" or (node.ready == "Unknown" and liveness in HEARD):
        return ""
    state = "not Ready" if node.ready == "False" else "not known to be Ready"
    return f"{node.name} is {state}"


def is_out_of_service(node: Node) -> bool:
    """Whether somebody declared *node* to be off."""
    return any(taint.key == OUT_OF_SERVICE for taint in node.taints)
