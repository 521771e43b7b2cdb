"""Which nodes may carry traffic at all, and the clause that says why another may not.

Three kinds of rule. Hard ones (selector, label, dead) exclude. What ails a node (`Ready!=True`,
`NetworkUnavailable`) excludes it only while at least half of the otherwise eligible nodes remain:
kubelets that lose their API server still forward, and so do nodes whose network add-on restarts
everywhere. A drain excludes unless it would take the last ones. Where the two meet, a node that
only drains is better than one that ails: `placement.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from manager.snapshot import Announcer, Node, NodeName, Settings, Snapshot
from pointsman.api import LabelSelector
from pointsman.model.names import DRAIN, EXCLUDE_LABEL, OUT_OF_SERVICE


@dataclass(frozen=True, slots=True)
class Nodes:
    """The nodes one Eip may use. Every map goes from a node to its clause."""

    excluded: Mapping[NodeName, str]  # hard, or ailing where that counts
    draining: Mapping[NodeName, str]  # of the rest: wanted away, last ones stay
    eligible: frozenset[NodeName]  # neither excluded nor draining
    ignored: Mapping[NodeName, str]  # of both: ailing, and not excluded for it
    dead: frozenset[NodeName]
    alive: frozenset[NodeName]  # all others that exist, whatever else is true of them


def nodes_for(snapshot: Snapshot, selector: LabelSelector | None) -> Nodes:
    """Return the verdict on every node of *snapshot* for an Eip with this nodeSelector."""
    excluded: dict[NodeName, str] = {}
    draining: dict[NodeName, str] = {}
    ailing: dict[NodeName, str] = {}
    sound: set[NodeName] = set()
    for name, node in sorted(snapshot.nodes.items()):
        if clause := _barred(node, selector):
            excluded[name] = clause
        elif clause := _drained(node, snapshot.announcers.get(name), snapshot.settings):
            draining[name] = clause
        else:
            sound.add(name)
        if name not in excluded and (clause := _ailing(node)):
            ailing[name] = clause
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
        dead=gone,
        alive=frozenset(snapshot.nodes.keys() - gone),
    )


def dead(snapshot: Snapshot) -> frozenset[NodeName]:
    """Return the nodes that an administrator has declared out of service."""
    return frozenset(name for name, node in snapshot.nodes.items() if _is_dead(node))


def _barred(node: Node, selector: LabelSelector | None) -> str:
    if _is_dead(node):
        return f"{node.name} has the taint {OUT_OF_SERVICE}"
    if EXCLUDE_LABEL in node.labels:
        return f"{node.name} has the label {EXCLUDE_LABEL}"
    if selector is not None and not selector.matches(node.labels):
        return f"{node.name} does not match the Eip's nodeSelector"
    return ""


def _drained(node: Node, announcer: Announcer | None, settings: Settings) -> str:
    if node.annotations.get(DRAIN) == "true":
        return f"{node.name} is drained by its annotation {DRAIN}"
    for taint in node.taints:
        if taint.key in settings.drain_taints:
            return f"{node.name} is drained by its taint {taint.key}"
    if announcer is not None and announcer.proxy_healthy is False:
        return f"{node.name} reports that its service proxy is not healthy"
    return ""


def _ailing(node: Node) -> str:
    if node.network_unavailable:
        return f"{node.name} has the condition NetworkUnavailable"
    if node.ready == "True":
        return ""
    state = "not Ready" if node.ready == "False" else "not known to be Ready"
    return f"{node.name} is {state}"


def _is_dead(node: Node) -> bool:
    return any(taint.key == OUT_OF_SERVICE for taint in node.taints)
