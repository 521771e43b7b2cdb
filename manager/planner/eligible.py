"""Which nodes may carry traffic at all, and the clause that says why another may not.

Three kinds of rule. Hard ones (selector, label, network, dead) exclude. `Ready!=True`
excludes only while at least half of the otherwise eligible nodes remain: kubelets that
lose their API server still forward. A drain excludes unless it would take the last ones.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from manager.planner.vocabulary import DRAIN
from manager.snapshot import Announcer, Node, NodeName, Settings, Snapshot
from pointsman.api import LabelSelector

EXCLUDE_LABEL: Final = "node.kubernetes.io/exclude-from-external-load-balancers"
OUT_OF_SERVICE: Final = "node.kubernetes.io/out-of-service"


@dataclass(frozen=True, slots=True)
class Nodes:
    """The nodes one Eip may use. Every map goes from a node to its clause."""

    excluded: Mapping[NodeName, str]  # hard, or not Ready where that counts
    draining: Mapping[NodeName, str]  # of the rest: wanted away, last ones stay
    eligible: frozenset[NodeName]  # neither excluded nor draining
    ignored: Mapping[NodeName, str]  # not Ready, and kept nevertheless
    dead: frozenset[NodeName]


def nodes_for(snapshot: Snapshot, selector: LabelSelector | None) -> Nodes:
    """Return the verdict on every node of *snapshot* for an Eip with this nodeSelector."""
    excluded: dict[NodeName, str] = {}
    draining: dict[NodeName, str] = {}
    unready: dict[NodeName, str] = {}
    sound: set[NodeName] = set()
    for name, node in sorted(snapshot.nodes.items()):
        if clause := _barred(node, selector):
            excluded[name] = clause
        elif clause := _drained(node, snapshot.announcers.get(name), snapshot.settings):
            draining[name] = clause
        else:
            sound.add(name)
        if node.ready != "True" and name not in excluded:
            unready[name] = _not_ready(node)
    remaining = sound - unready.keys()
    # Nodes that drain leave anyway, so the majority is counted among those that would stay;
    # where all drain, the last ones may be kept, and it is counted among them.
    others = sound or draining.keys()
    counts = 2 * len(others - unready.keys()) >= len(others)
    if counts:
        excluded |= unready
        draining = {name: clause for name, clause in draining.items() if name not in unready}
    return Nodes(
        excluded=excluded,
        draining=draining,
        eligible=frozenset(remaining if counts else sound),
        ignored={} if counts else {n: c for n, c in unready.items() if n in sound},
        dead=dead(snapshot),
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
    if node.network_unavailable:
        return f"{node.name} has the condition NetworkUnavailable"
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


def _not_ready(node: Node) -> str:
    state = "not Ready" if node.ready == "False" else "not known to be Ready"
    return f"{node.name} is {state}"


def _is_dead(node: Node) -> bool:
    return any(taint.key == OUT_OF_SERVICE for taint in node.taints)
