"""Why no node carries the traffic of a Service, whatever the protocol."""

from manager.planner.nodes.eligible import Nodes
from manager.planner.nodes.placement import Placement
from manager.planner.nodes.serving import Serving
from manager.snapshot import EipName, NodeName, Service
from pointsman.model.address import Family
from pointsman.model.printable import clipped
from pointsman.model.verdicts.address import listed
from pointsman.model.verdicts.announcement import NoEligibleNode, NoServingEndpoint


def nobody_carries(
    service: Service, nodes: Nodes, family: Family, *, serving: Serving, placement: Placement
) -> NoServingEndpoint | NoEligibleNode:
    """Return why no node carries the traffic of *family*."""
    key = service.key
    if not placement.serves:
        kind = f"{family} endpoint" if len(service.families) > 1 else "endpoint"
        return NoServingEndpoint(key, f"it has no {kind} that serves{_but(nodes, serving)}")
    hung = {name: clause for name, clause in nodes.ignored.items() if name in nodes.hung}
    against: dict[NodeName, str] = {**nodes.excluded, **nodes.draining, **hung}
    if service.policy == "Local":
        at = serving.ready & against.keys() or serving.draining & against.keys()
        if not at:
            why = "externalTrafficPolicy is Local and no endpoint that serves is on a known node"
            return NoServingEndpoint(key, why)
        against = {name: against[name] for name in sorted(at)}
    return NoEligibleNode(key, tuple(against[name] for name in sorted(against)))


def unreadable(eip: EipName, unknown: str) -> str:
    """Return the clause about an Eip that cannot be read, so that *unknown* is not known."""
    return f"Eip '{eip}' cannot be read, so {unknown} is not known; see its condition Ready"


def _but(nodes: Nodes, serving: Serving) -> str:
    """Return what keeps endpoints that would serve from doing so."""
    nearly = serving.ready | serving.draining
    if lost := sorted(nearly & nodes.dead.keys()):
        why = dict.fromkeys(nodes.dead[name] for name in lost)
        parts = [f"{listed([n for n in lost if nodes.dead[n] == one])}, {one}" for one in why]
        return f" but on {'; '.join(parts)}"
    if lost := sorted(nearly - nodes.alive):
        exist = "which does not exist" if len(lost) == 1 else "which do not exist"
        return f" but on Node {listed([*map(clipped, lost)])}, {exist}"
    if serving.portless:
        return (
            ", because its EndpointSlices have no port, as when none of its Pods has a port of the "
            "name that targetPort gives"
        )
    return ""
