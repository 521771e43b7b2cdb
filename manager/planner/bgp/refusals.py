"""Why an address has no path: what is said when no node carries, or no router may hear it."""

from manager.planner.bgp.advertisement import PEER_FAMILY
from manager.planner.bgp.context import BgpContext
from manager.planner.contribution import ServiceCase
from manager.planner.nodes.eligible import Nodes
from manager.planner.nodes.placement import Placement
from manager.planner.nodes.serving import NOTHING, Serving
from manager.snapshot import NodeName
from pointsman.model.address import Family
from pointsman.model.names import OUT_OF_SERVICE
from pointsman.model.printable import clipped
from pointsman.model.route import PeerName
from pointsman.model.verdicts.address import listed
from pointsman.model.verdicts.announcement import NoEligibleNode, NoServingEndpoint


def nobody_carries(
    case: ServiceCase, family: Family, placement: Placement
) -> NoServingEndpoint | NoEligibleNode:
    """Return why no node carries the traffic of *family*."""
    key, nodes = case.service.key, case.nodes
    serving = case.serving.get(family, NOTHING)
    if not placement.serves:
        kind = f"{family} endpoint" if len(case.service.families) > 1 else "endpoint"
        return NoServingEndpoint(key, f"it has no {kind} that serves{_but(nodes, serving)}")
    against: dict[NodeName, str] = {**nodes.excluded, **nodes.draining}
    if case.service.policy == "Local":
        at = serving.ready & against.keys() or serving.draining & against.keys()
        if not at:
            why = "externalTrafficPolicy is Local and no endpoint that serves is on a known node"
            return NoServingEndpoint(key, why)
        against = {name: against[name] for name in sorted(at)}
    return NoEligibleNode(key, tuple(against[name] for name in sorted(against)))


def _but(nodes: Nodes, serving: Serving) -> str:
    """Return what keeps endpoints that would serve from doing so."""
    nearly = serving.ready | serving.draining
    if lost := sorted(nearly & nodes.dead):
        return f" but on {listed(lost)}, out of service (taint {OUT_OF_SERVICE})"
    if lost := sorted(nearly - nodes.alive):
        exist = "which does not exist" if len(lost) == 1 else "which do not exist"
        return f" but on Node {listed([*map(clipped, lost)])}, {exist}"
    if serving.portless:
        return (
            ", because its EndpointSlices have no port, as when none of its Pods has a port of the "
            "name that targetPort gives"
        )
    return ""


def no_peer(case: ServiceCase, context: BgpContext, family: Family) -> str:
    """Return why no router may hear of the addresses of *family*."""
    peers = context.peers
    if not peers.verdicts:
        return "there is no BgpPeer; create one for each router that should reach it"
    if not peers.usable.keys() - peers.unserved:
        return "no BgpPeer can be used; see their condition Ready"
    named = context.policy(case.eip).named
    if named and not (peers.usable.keys() - peers.unserved) & set(named):
        whose = f"that bgp.peers of Eip '{case.eip}' names"
        names = listed([*map(clipped, named)])
        if not peers.verdicts.keys() & set(named):
            return f"no BgpPeer has a name {whose}: {names}; create one, or correct the Eip"
        return f"none of the BgpPeers {whose} can be used: {names}; see their condition Ready"
    hearing = "BgpPeer that may hear it" if named else "BgpPeer"
    return f"no {hearing} has {PEER_FAMILY[family]} among its families"


def unreached(
    context: BgpContext,
    family: Family,
    *,
    peers: tuple[PeerName, ...],
    carriers: frozenset[NodeName],
) -> tuple[str, ...]:
    """Return why none of the *carriers* can be a next hop, as the first router sees it."""
    without = context.reachability(peers[0], family).without
    return tuple(f"{name} {without[name]}" for name in sorted(carriers))
