"""What the judgement of a Service may look at of BGP: routers and next hops. A value.

It changes with the BgpPeers, the BgpConf and the nodes, not with Eips, Services, times or
what sessions report by the way. As long as it is equal, no Service is judged anew for it.
"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import Any, Final

from manager.planner.bgp.observed_paths import ObservedPaths
from manager.planner.bgp.peers import Peers
from manager.planner.bgp.reachability import Reachability
from manager.planner.desired import Candidate
from manager.planner.nodes.eligible import Nodes
from manager.planner.nodes.placement import Placement, candidates, place
from manager.planner.nodes.serving import Serving
from manager.planner.nodes.spread import assign_speakers, group_of, spread
from manager.snapshot import EipName, NodeName, TrafficPolicy
from pointsman.model.address import Address, Family, Prefix, family_of
from pointsman.model.hops import Hops
from pointsman.model.route import MOST_PATHS, PathAttributes, PeerName, Route

# (next hop, speaker): the routers that are sent it by that speaker
RoutersByHop = Mapping[tuple[Address, int], frozenset[PeerName]]
Candidates = tuple[Candidate, ...]
# How many placements are remembered. One of them is most Services'; what is forgotten is
# worked out again.
MOST_REMEMBERED: Final = 4096


@dataclass(frozen=True, slots=True)
class Ways:
    """How packets come in for all that are placed alike: one path per next hop, and whose."""

    hops: Hops
    routers: frozenset[PeerName]


@dataclass(frozen=True, slots=True)
class Placed:
    """Who carries for all that are served alike, and what is said of every node for it."""

    nodes: Nodes
    serving: Serving
    placement: Placement
    candidates: Candidates


def remembered() -> Any:
    """Return a field for answers: they follow from the facts, so they make no difference."""
    return field(default_factory=dict, init=False, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class BgpView:
    """The facts, each known before the first question; what is worked out of them is remembered.

    A question has one answer, whoever asks first: nothing here changes while a plan is made.
    """

    peers: Peers
    reachabilities: Mapping[tuple[PeerName, Family], Reachability]  # of all that are usable
    zones: Mapping[NodeName, str]  # of every Node
    # What our speakers hold, where somebody may have to keep it; else nobody looks at it here.
    observed: ObservedPaths | None = None
    _ways: dict[tuple[object, ...], Ways] = remembered()
    _most: dict[tuple[str, frozenset[NodeName]], frozenset[NodeName]] = remembered()
    _candidates: dict[tuple[EipName, Placement], tuple[Nodes, Candidates]] = remembered()
    _placed: dict[tuple[EipName, TrafficPolicy, int], Placed] = remembered()
    _limited: dict[tuple[PeerName, ...], Mapping[PeerName, int]] = remembered()

    def reachability(self, peer: PeerName, family: Family) -> Reachability:
        """Return which nodes *peer* may be sent in *family*."""
        return self.reachabilities[peer, family]

    def ways(
        self,
        prefix: Prefix,
        *,
        attributes: PathAttributes,
        to: tuple[PeerName, ...],
        carriers: frozenset[NodeName],
    ) -> Ways:
        """Return the paths of *prefix* that the routers *to* are sent, without weights."""
        family, limits = family_of(prefix), self._limits(to)
        alike: str = ""  # prefixes of which kind choose alike
        if any(peer in self.peers.sessions for peer in to) or set(limits.values()) - {MOST_PATHS}:
            return self._ways_of(prefix, attributes, to=to, carriers=carriers)
        if limits:
            alike = group_of(prefix)
        key = attributes, family, to, carriers, alike
        found = self._ways.get(key)
        if found is None:
            found = self._ways_of(prefix, attributes, to=to, carriers=carriers)
            remember(self._ways, key, found)
        return found

    def _ways_of(
        self,
        prefix: Prefix,
        best: PathAttributes,
        *,
        to: tuple[PeerName, ...],
        carriers: frozenset[NodeName],
    ) -> Ways:
        routers = self._routers(prefix, to=to, carriers=carriers)
        single = self.peers.single
        other = replace(best, best=False) if _chosen(routers.values(), single) else best
        return Ways(
            hops={
                hop: Route(best if hop[1] or names & single else other, names)
                for hop, names in routers.items()
            },
            routers=frozenset().union(*routers.values()),
        )

    def _routers(
        self, prefix: Prefix, *, to: tuple[PeerName, ...], carriers: frozenset[NodeName]
    ) -> RoutersByHop:
        family, limits = family_of(prefix), self._limits(to)
        heard: dict[tuple[Address, int], set[PeerName]] = {}
        for peer in to:
            near = self.reachability(peer, family).hops
            names = carriers & near.keys()
            for name, speaker in self._sent(prefix, names, peer, limits.get(peer)):
                heard.setdefault((near[name], speaker), set()).add(peer)
        return {hop: frozenset(names) for hop, names in heard.items()}

    def placed(self, eip: EipName, nodes: Nodes, policy: TrafficPolicy, serving: Serving) -> Placed:
        """Return who carries for a Service with *policy*, of those *nodes* that *eip* may use.

        Equal *serving* is one object in many Services; it is held, so its id is nobody else's.
        """
        key = eip, policy, id(serving)
        known = self._placed.get(key)
        if known is None or known.nodes is not nodes:
            placement = place(policy, nodes, serving)
            known = Placed(nodes, serving, placement, self.candidates(eip, nodes, placement))
            remember(self._placed, key, known)
        return known

    def candidates(self, eip: EipName, nodes: Nodes, placement: Placement) -> Candidates:
        """Return `placement.candidates`, worked out once for all that are placed alike."""
        key = eip, placement
        known = self._candidates.get(key)
        if known is None or known[0] is not nodes:
            known = nodes, candidates(nodes, placement)
            remember(self._candidates, key, known)
        return known[1]

    def _sent(
        self, prefix: Prefix, names: AbstractSet[NodeName], peer: PeerName, limit: int | None
    ) -> Iterable[tuple[NodeName, int]]:
        """Return which of the nodes *names* one router is sent, and by which speaker each."""
        speakers = [session.speaker for session in self.peers.sessions_of(peer)]
        if speakers == [0]:
            if limit == MOST_PATHS:
                names = self._most_of(prefix, frozenset(names))
            elif limit is not None:
                names = spread(prefix, names, zones=self.zones, limit=limit)
            return [(name, 0) for name in names]
        most = self.peers.usable[peer].next_hops.max_paths or len(speakers)
        chosen = spread(prefix, names, zones=self.zones, limit=min(most, len(speakers)))
        return assign_speakers(prefix, chosen, speakers)

    def _most_of(self, prefix: Prefix, names: frozenset[NodeName]) -> frozenset[NodeName]:
        """Return as many of *names* as a speaker sends a router."""
        key = group_of(prefix), names
        found = self._most.get(key)
        if found is None:
            found = spread(key[0], names, zones=self.zones, limit=MOST_PATHS)
            remember(self._most, key, found)
        return found

    def limit(self, peer: PeerName) -> int:
        """Return how many paths of a prefix the first speaker sends *peer* at most."""
        if peer in self.peers.single:
            return 1
        return self.peers.usable[peer].next_hops.max_paths or MOST_PATHS

    def _limits(self, to: tuple[PeerName, ...]) -> Mapping[PeerName, int]:
        """Return how many paths each router is sent at most by the first speaker, if it matters."""
        found = self._limited.get(to)
        if found is None:
            found = self._that_matter(to)
            remember(self._limited, to, found)
        return found

    def _that_matter(self, to: tuple[PeerName, ...]) -> Mapping[PeerName, int]:
        sessions, many = self.peers.sessions, len(self.zones)
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
        if len(self.zones) <= MOST_PATHS:
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


def _chosen(groups: Iterable[frozenset[PeerName]], single: frozenset[PeerName]) -> bool:
    """Whether a router that keeps one path is sent one of these: then that is the best."""
    return bool(single) and any(names & single for names in groups)


def remember(answers: dict[Any, Any], key: object, answer: object) -> None:
    """Keep *answer*, and not without bound: a view may last for weeks."""
    if len(answers) >= MOST_REMEMBERED:
        answers.clear()
    answers[key] = answer
