"""Which of the replica's speakers has a session with which router, and from which address.

The first serves the routers that take several paths of a prefix (RFC 7911). A further one
has one path of each prefix, so the routers it serves are a group that may be sent the same
next hops; a group with parallel sessions has several speakers, each with another next hop.

Who is served follows from the BgpPeers and their age alone, never from what a session
happened to negotiate, or it would go to and fro. By which speaker is read back, so that a
router that comes or goes moves no other's session.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from manager.planner.bgp.peers import Peers
from manager.planner.bgp.reachability import Reachabilities
from manager.planner.bgp.single_path import differ, needing_own_speakers, single_path_peers
from manager.planner.desired import SpeakerSession
from manager.snapshot import NodeName, Snapshot
from pointsman.api import BgpPeerSpec
from pointsman.model.address import Address
from pointsman.model.route import PeerName
from pointsman.model.verdicts.base import Verdict
from pointsman.model.verdicts.readiness import TooFewSpeakers

Sources = tuple[Address | None, ...]  # None: the session needs no address of its own


@dataclass(slots=True)
class _Group:
    """Routers that share further speakers, while these are being found."""

    wanted: int
    most: int | None  # nextHops.maxPaths
    size: int
    members: list[PeerName] = field(default_factory=list)
    speakers: list[int] = field(default_factory=list)


def with_sessions(
    snapshot: Snapshot,
    peers: Peers,
    reachabilities: Reachabilities,
    owners: Mapping[Address, NodeName],
) -> Peers:
    """Return *peers* with the sessions of every usable router, and verdicts where too few."""
    own = snapshot.settings.speaker_name
    sources_of = {n: session_sources(spec, own, owners) for n, spec in peers.usable.items()}
    groups = _groups(snapshot, peers, reachabilities, sources_of)
    _label(snapshot, groups, sources_of)
    sessions = {
        name: _sessions(snapshot, name, group.speakers, sources_of[name])
        for group in groups
        if group.speakers
        for name in group.members
    }
    for name, sources in sources_of.items():
        if name not in sessions and peers.usable[name].parallel_sessions is not None:
            sessions[name] = (SpeakerSession(0, sources[0]),)
    seated = replace(peers, sessions=dict(sorted(sessions.items())))
    seated = replace(seated, single=single_path_peers(snapshot, seated))
    unserved = needing_own_speakers(snapshot, seated, reachabilities)
    verdicts: dict[PeerName, Verdict] = dict(peers.verdicts)
    for name, sources in sources_of.items():
        served = len(seated.sessions_of(name))
        if served < len(sources) and verdicts[name].ok:
            verdicts[name] = TooFewSpeakers(f"BgpPeer '{name}'", len(sources), served)
    return replace(seated, verdicts={**verdicts, **unserved}, unserved=frozenset(unserved))


def session_sources(spec: BgpPeerSpec, replica: str, owners: Mapping[Address, NodeName]) -> Sources:
    """Return the sources of the sessions that a router should have by further speakers, or ().

    One address is listened on, and one daemon of a host can speak BFD: these stay with the
    first speaker.
    """
    if spec.parallel_sessions is not None:
        named = spec.parallel_sessions.source_addresses
        own = tuple(one for one in named if owners.get(one, replica) == replica)
        return own if replica and own else named
    bound = spec.passive or (spec.bfd is not None and spec.bfd.enabled)
    return () if spec.add_path.enabled or bound else (spec.source_address,)


def _groups(
    snapshot: Snapshot,
    peers: Peers,
    reachabilities: Reachabilities,
    sources_of: Mapping[PeerName, Sources],
) -> list[_Group]:
    """Return who shares further speakers; the older BgpPeer chooses first."""
    free, groups = len(snapshot.speakers) - 1, list[_Group]()
    known = snapshot.bgp_peers
    for name in sorted(sources_of, key=lambda name: (known[name].created, name)):
        wanted, most = len(sources_of[name]), peers.usable[name].next_hops.max_paths
        if not wanted:
            continue
        fitting = [
            group
            for group in groups
            if group.most == most
            and not any(
                differ(snapshot, peers, reachabilities, one=name, other=one)
                for one in group.members
            )
        ]
        group = next((one for one in fitting if one.wanted == wanted), None)
        if group is None and free:
            group = _Group(wanted, most, min(wanted, free))
            groups.append(group)
            free -= group.size
        elif group is None:
            group = next((one for one in fitting if one.size <= wanted), None)
        if group is not None:
            group.members.append(name)
    return groups


def _label(
    snapshot: Snapshot, groups: list[_Group], sources_of: Mapping[PeerName, Sources]
) -> None:
    """Choose the speakers of each group: those it has, then the first that are free."""
    free = list(range(1, len(snapshot.speakers)))
    for group in groups:
        for index in list(free):
            has = any(_standing(snapshot, one, index, sources_of[one]) for one in group.members)
            if has and len(group.speakers) < group.size:
                group.speakers.append(index)
                free.remove(index)
    # A BgpPeer that cannot be read keeps its session: others would be heard there, too.
    unreadable = {name for name, peer in snapshot.bgp_peers.items() if peer.spec is None}
    free = [index for index in free if not unreadable & snapshot.speakers[index].neighbors.keys()]
    for group in groups:
        lacking = group.size - len(group.speakers)
        group.speakers = sorted([*group.speakers, *free[:lacking]])
        del free[:lacking]


def _sessions(
    snapshot: Snapshot, name: PeerName, speakers: list[int], sources: Sources
) -> tuple[SpeakerSession, ...]:
    """Return the sessions of one router: one that exists keeps its speaker."""
    found: dict[int, SpeakerSession] = {}
    for index in speakers:
        session = _standing(snapshot, name, index, sources)
        if session is not None and session.source not in [one.source for one in found.values()]:
            found[index] = session
    taken = [one.source for one in found.values()]
    rest = iter([one for one in sources if one not in taken])
    return tuple(found.get(one) or SpeakerSession(one, next(rest)) for one in speakers)


def _standing(
    snapshot: Snapshot, name: PeerName, index: int, sources: Sources
) -> SpeakerSession | None:
    """Return the session that a router has with a speaker now, if it still asks for it."""
    neighbor = snapshot.speakers[index].neighbors.get(name)
    if neighbor is None or neighbor.source_address not in sources:
        return None
    return SpeakerSession(index, neighbor.source_address)
