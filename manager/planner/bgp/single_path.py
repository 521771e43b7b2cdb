"""Routers at the first speaker that keep one path of a prefix, and what follows from it.

A speaker has one best path of a prefix for all routers without ADD-PATH (RFC 7911), and the
planner says which (`PathAttributes.best`); where one of them may not be sent what others are,
it is sent nothing until it has a speaker of its own (bgp.peer_speakers): the path that is
chosen for another may not leave to it. Its session stays, or it would flap.
"""

from collections.abc import Mapping

from manager.planner.bgp.advertisement import carries_family, may_hear
from manager.planner.bgp.negotiated import keeps_one_path
from manager.planner.bgp.peers import Peers
from manager.planner.bgp.reachability import Reachabilities
from manager.snapshot import Snapshot
from pointsman.api import BgpPeerSpec
from pointsman.model.address import Family
from pointsman.model.route import PeerName
from pointsman.model.verdicts.readiness import NeedsOwnSpeaker


def single_path_peers(snapshot: Snapshot, peers: Peers) -> frozenset[PeerName]:
    """Return the routers at the first speaker that keep one path of a prefix."""
    return frozenset(n for n in peers.first if keeps_one_path(snapshot, n, peers.usable[n]))


def needing_own_speakers(
    snapshot: Snapshot, peers: Peers, reachabilities: Reachabilities
) -> Mapping[PeerName, NeedsOwnSpeaker]:
    """Return the routers that the first speaker cannot serve beside its others.

    Routers with ADD-PATH go first, then the older BgpPeer.
    """
    served = [name for name in peers.first if name not in peers.single]
    found: dict[PeerName, NeedsOwnSpeaker] = {}
    for name in sorted(peers.single, key=lambda name: (snapshot.bgp_peers[name].created, name)):
        other = next(
            (
                other
                for other in served
                if differ(snapshot, peers, reachabilities, one=name, other=other)
            ),
            None,
        )
        if other is None:
            served.append(name)
        else:
            stays = _stays(peers.usable[name])
            found[name] = NeedsOwnSpeaker(f"BgpPeer '{name}'", other, stays)
    return found


def _stays(spec: BgpPeerSpec) -> str:
    """Return what keeps a router with the first speaker, as something to be done, or ""."""
    if spec.parallel_sessions is not None:
        return ""
    if spec.add_path.enabled:
        return "set its spec.addPath.enabled to false, or give it spec.parallelSessions"
    if spec.passive:
        return "set its spec.passive to false"
    return "disable its spec.bfd" if spec.bfd is not None and spec.bfd.enabled else ""


def differ(
    snapshot: Snapshot,
    peers: Peers,
    reachabilities: Reachabilities,
    *,
    one: PeerName,
    other: PeerName,
) -> bool:
    """Whether two routers hear a prefix in common and may not be sent the same next hops."""
    if not any(
        eip.spec is not None and may_hear(eip.spec, one) and may_hear(eip.spec, other)
        for eip in snapshot.eips.values()
    ):
        return False
    usable = peers.usable
    return any(
        reachabilities[one, family].hops != reachabilities[other, family].hops
        for family in Family
        if carries_family(usable[one], family) and carries_family(usable[other], family)
    )
