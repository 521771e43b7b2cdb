"""Why an address has no path, though nodes carry: what is said when no router may hear it."""

from manager.planner.bgp.advertisement import PEER_FAMILY
from manager.planner.bgp.view import BgpView
from manager.planner.contribution import ServiceCase
from manager.snapshot import NodeName
from pointsman.model.address import Family
from pointsman.model.printable import clipped
from pointsman.model.route import PeerName
from pointsman.model.verdicts.address import listed


def no_peer(case: ServiceCase, view: BgpView, family: Family) -> str:
    """Return why no router may hear of the addresses of *family*."""
    peers = view.peers
    if not peers.verdicts:
        return "there is no BgpPeer; create one for each router that should reach it"
    if not peers.usable.keys() - peers.unserved:
        return "no BgpPeer can be used; see their condition Ready"
    named = case.terms.named
    if named and not (peers.usable.keys() - peers.unserved) & set(named):
        whose = f"that bgp.peers of Eip '{case.eip}' names"
        names = listed([*map(clipped, named)])
        if not peers.verdicts.keys() & set(named):
            return f"no BgpPeer has a name {whose}: {names}; create one, or correct the Eip"
        return f"none of the BgpPeers {whose} can be used: {names}; see their condition Ready"
    hearing = "BgpPeer that may hear it" if named else "BgpPeer"
    return f"no {hearing} has {PEER_FAMILY[family]} among its families"


def unreached(
    view: BgpView,
    family: Family,
    *,
    peers: tuple[PeerName, ...],
    carriers: frozenset[NodeName],
) -> tuple[str, ...]:
    """Return why none of the *carriers* can be a next hop, as the first router sees it."""
    without = view.reachability(peers[0], family).without
    return tuple(f"{name} {without[name]}" for name in sorted(carriers))
