"""What is the same for all Services of one plan: routers, next hops, routes, what was observed."""

from collections import Counter
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import Any

from manager.planner.bgp.advertisement import AdvertisementPolicy, advertisement_policy
from manager.planner.bgp.observed_paths import ObservedPaths
from manager.planner.bgp.peer_speakers import with_sessions
from manager.planner.bgp.peers import Peers, read_peers
from manager.planner.bgp.reachability import Reachabilities, Reachability, reachabilities
from manager.planner.bgp.sessions import NO_SESSION_AFTER_S, lost_for_s
from manager.planner.desired import Allocations, Candidate, SpeakerSession
from manager.planner.nodes.eligible import Nodes
from manager.planner.nodes.placement import Placement, candidates
from manager.planner.nodes.spread import assign_speakers, group_of, spread
from manager.snapshot import EipName, NodeName, Snapshot
from pointsman.model.address import Address, Family, Prefix, family_of
from pointsman.model.route import MOST_PATHS, PeerName, Route
from pointsman.model.verdicts.address import Overlap

# (next hop, speaker): the routers that are sent it by that speaker
Hops = Mapping[tuple[Address, int], frozenset[PeerName]]
RoutesByHop = Mapping[tuple[Address, int], Route]
Candidates = tuple[Candidate, ...]


def _remembered() -> Any:
    """Return a field for answers: they follow from the facts, so they make no difference."""
    return field(default_factory=dict, init=False, repr=False, compare=False)


def bgp_context(snapshot: Snapshot, allocations: Allocations) -> "BgpContext":
    """Return what is the same for all Services, with every router at the speakers that serve it."""
    # Only what an Eip gave is a VIP: what merely stands in a status takes nobody's next hop.
    grants = (g for a in allocations.services.values() for g in a.grants if g.eip is not None)
    holders = Counter(grant.address for grant in grants)
    peers = read_peers(snapshot)
    nodes_of = reachabilities(snapshot, peers.usable, vips=frozenset(holders))
    if peers.conf is not None:
        peers = with_sessions(snapshot, peers, nodes_of)
    return BgpContext(
        snapshot=snapshot,
        peers=peers,
        reachabilities=nodes_of,
        allocations=allocations,
        common=frozenset(address for address, number in holders.items() if number > 1),
        observed=ObservedPaths(snapshot),
    )


@dataclass(frozen=True, slots=True)
class BgpContext:
    """The facts, each known before the first question; what is worked out of them is remembered.

    A question has one answer, whoever asks first: nothing here changes while a plan is made.
    """

    snapshot: Snapshot
    peers: Peers
    reachabilities: Reachabilities
    allocations: Allocations
    common: frozenset[Address]  # held by more than one Service
    observed: ObservedPaths
    _hops: dict[tuple[object, ...], Hops] = _remembered()
    _most: dict[tuple[str, frozenset[NodeName]], frozenset[NodeName]] = _remembered()
    _policies: dict[EipName, AdvertisementPolicy] = _remembered()
    _routes: dict[tuple[EipName, int], RoutesByHop] = _remembered()
    _candidates: dict[tuple[EipName, Placement], Candidates] = _remembered()

    def reachability(self, peer: PeerName, family: Family) -> Reachability:
        """Return which nodes *peer* may be sent in *family*."""
        return self.reachabilities.of(peer, family)

    def policy(self, eip: EipName) -> AdvertisementPolicy:
        """Return how the addresses of *eip*, which can be read, are advertised."""
        if eip not in self._policies:
            spec = self.snapshot.eips[eip].spec
            assert spec is not None
            overlaps = isinstance(self.allocations.eips[eip].ready, Overlap)
            self._policies[eip] = advertisement_policy(eip, spec, self.peers, overlaps=overlaps)
        return self._policies[eip]

    def hops(
        self, prefix: Prefix, *, to: tuple[PeerName, ...], carriers: frozenset[NodeName]
    ) -> Hops:
        """Return the next hops of *prefix* that the routers *to* are sent, each with them."""
        family = family_of(prefix)
        limits = self._limits(to)
        alone: Prefix | str | None = None  # what chooses alike
        if any(peer in self.peers.sessions for peer in to) or set(limits.values()) - {MOST_PATHS}:
            alone = prefix
        elif limits:
            alone = group_of(prefix)
        key: tuple[object, ...] = (family, to, carriers, alone)
        if key not in self._hops:
            heard: dict[tuple[Address, int], set[PeerName]] = {}
            for peer in to:
                near = self.reachability(peer, family).hops
                names = carriers & near.keys()
                for name, speaker in self._sent(prefix, names, peer, limits.get(peer)):
                    heard.setdefault((near[name], speaker), set()).add(peer)
            self._hops[key] = {hop: frozenset(names) for hop, names in heard.items()}
        return self._hops[key]

    def routes_of(
        self,
        prefix: Prefix,
        *,
        eip: EipName,
        to: tuple[PeerName, ...],
        carriers: frozenset[NodeName],
    ) -> RoutesByHop:
        """Return the routes of *prefix* for *eip*, by next hop and speaker; without weights."""
        hops = self.hops(prefix, to=to, carriers=carriers)
        key = eip, id(hops)  # which self._hops keeps
        if key not in self._routes:
            best = self.policy(eip).attributes
            other = replace(best, best=False) if self._chosen(hops.values()) else best
            self._routes[key] = {
                hop: Route(best if hop[1] or names & self.peers.single else other, names)
                for hop, names in hops.items()
            }
        return self._routes[key]

    def _chosen(self, groups: Iterable[frozenset[PeerName]]) -> bool:
        """Whether a router that keeps one path is sent one of these: then that is the best."""
        return bool(self.peers.single) and any(names & self.peers.single for names in groups)

    def candidates(self, eip: EipName, nodes: Nodes, placement: Placement) -> Candidates:
        """Return `place.candidates`, worked out once for all that are placed alike."""
        key = eip, placement
        if key not in self._candidates:
            self._candidates[key] = candidates(nodes, placement)
        return self._candidates[key]

    def _sent(
        self, prefix: Prefix, names: AbstractSet[NodeName], peer: PeerName, limit: int | None
    ) -> Iterable[tuple[NodeName, int]]:
        """Return which of the nodes *names* one router is sent, and by which speaker each."""
        speakers = [session.speaker for session in self.peers.sessions_of(peer)]
        nodes = self.snapshot.nodes
        if speakers == [0]:
            if limit == MOST_PATHS:
                names = self._most_of(prefix, frozenset(names))
            elif limit is not None:
                names = spread(prefix, names, nodes=nodes, limit=limit)
            return [(name, 0) for name in names]
        most = self.peers.usable[peer].next_hops.max_paths or len(speakers)
        chosen = spread(prefix, names, nodes=nodes, limit=min(most, len(speakers)))
        return assign_speakers(prefix, chosen, speakers)

    def _most_of(self, prefix: Prefix, names: frozenset[NodeName]) -> frozenset[NodeName]:
        """Return as many of *names* as a speaker sends a router."""
        key = group_of(prefix), names
        if key not in self._most:
            self._most[key] = spread(key[0], names, nodes=self.snapshot.nodes, limit=MOST_PATHS)
        return self._most[key]

    def limit(self, peer: PeerName) -> int:
        """Return how many paths of a prefix the first speaker sends *peer* at most."""
        if peer in self.peers.single:
            return 1
        return self.peers.usable[peer].next_hops.max_paths or MOST_PATHS

    def _limits(self, to: tuple[PeerName, ...]) -> Mapping[PeerName, int]:
        """Return how many paths each router is sent at most by the first speaker, if it matters."""
        sessions, many = self.peers.sessions, len(self.snapshot.nodes)
        if sessions:
            to = tuple(
                peer for peer in to if peer not in sessions or sessions[peer][0].speaker == 0
            )
        limits = {peer: self.limit(peer) for peer in to}
        return {peer: limit for peer, limit in limits.items() if limit < many}

    def capped(
        self, to: Iterable[PeerName], family: Family, carriers: AbstractSet[NodeName] | None = None
    ) -> tuple[PeerName, ...]:
        """Return which of the routers *to* are sent not all next hops, for the speaker's sake.

        Of the nodes *carriers*, or of any.
        """
        if len(self.snapshot.nodes) <= MOST_PATHS:
            return ()
        found = []
        for peer in to:
            near = self.reachability(peer, family).hops.keys()
            count = len(near if carriers is None else near & carriers)
            first = self.peers.sessions_of(peer)[0].speaker == 0
            asked = self.peers.usable[peer].next_hops.max_paths is not None
            if first and not asked and peer not in self.peers.single and count > MOST_PATHS:
                found.append(peer)
        return tuple(found)

    def silent(self, peers: frozenset[PeerName], *, recorded: bool) -> bool:
        """Whether none of *peers* has had a session for a minute.

        *recorded*: a condition says so already. It stays until a session is known to be up: a new
        leader, or a new speaker, has seen none of it.
        """
        if not peers:
            return False
        if recorded:
            return not any(self._has_session(name) for name in peers)
        ages = (lost_for_s(self.snapshot, one, self._sessions_of(one)) for one in peers)
        return all(age is not None and age >= NO_SESSION_AFTER_S for age in ages)

    def _sessions_of(self, name: PeerName) -> tuple[SpeakerSession, ...]:
        if name in self.peers.usable:
            return self.peers.sessions_of(name)
        # Sent paths all the same, for want of a BgpConf: by whichever speaker has it.
        speakers = enumerate(self.snapshot.speakers)
        return tuple(
            SpeakerSession(n) for n, one in speakers if name in one.sessions or one.sessions_unknown
        )

    def _has_session(self, name: PeerName) -> bool:
        reports = (one.sessions.get(name) for one in self.snapshot.speakers)
        return any(report is not None and report.live for report in reports)
