"""What is the same for all Services of one plan: peers, next hops, wishes, what was observed."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from ipaddress import ip_network

from manager.planner.bgp.advertisement import PEER_FAMILY, Saying, saying
from manager.planner.bgp.peers import Peers
from manager.planner.bgp.reachability import Reach, reach
from manager.planner.bgp.sessions import NO_SESSION_AFTER_S, lost_for_s
from manager.planner.desired import Candidate, EipUsage, Seat
from manager.planner.nodes.duplicate_addresses import DuplicateAddresses, duplicate_addresses
from manager.planner.nodes.eligible import Nodes
from manager.planner.nodes.placement import Placement, candidates
from manager.planner.nodes.spread import assign_speakers, group_of, spread
from manager.snapshot import EipName, NodeName, Snapshot
from pointsman.model.address import Address, Family, Prefix, family_of
from pointsman.model.route import MOST_PATHS, PeerName, Route, RouteKey
from pointsman.model.verdicts.address import Overlap

# (next hop, speaker): the routers that are sent it by that speaker
Hops = Mapping[tuple[Address, int], frozenset[PeerName]]
Wishes = Mapping[tuple[Address, int], Route]
Candidates = tuple[Candidate, ...]


@dataclass(slots=True)
class Shared:
    """Shared, and filled as it is asked: a pure function's cache, dropped with the plan."""

    snapshot: Snapshot
    peers: Peers
    vips: frozenset[Address]
    eips: Mapping[EipName, EipUsage]
    single: frozenset[PeerName] = frozenset()  # at the first speaker, and keep one path
    common: frozenset[Address] = frozenset()  # held by more than one Service
    _duplicates: DuplicateAddresses | None = None
    _reach: dict[tuple[PeerName, Family], Reach] = field(default_factory=dict)
    _hops: dict[tuple[object, ...], Hops] = field(default_factory=dict)
    _most: dict[tuple[str, frozenset[NodeName]], frozenset[NodeName]] = field(default_factory=dict)
    _sayings: dict[EipName, Saying] = field(default_factory=dict)
    _wishes: dict[tuple[EipName, int], Wishes] = field(default_factory=dict)
    _candidates: dict[tuple[EipName, Placement], Candidates] = field(default_factory=dict)
    _routes: dict[Prefix, dict[RouteKey, Route]] | None = None
    _lengths: list[tuple[int, int]] | None = None  # IP versions and prefix lengths observed

    def reach(self, peer: PeerName, family: Family) -> Reach:
        """Return which nodes *peer* may be sent in *family*."""
        key = peer, family
        if key not in self._reach:
            self._reach[key] = reach(
                self.snapshot,
                self.peers.usable[peer],
                family=family,
                vips=self.vips,
                duplicates=self._duplicate_addresses(),
                over_ipv6=family is Family.IPV4 and self._takes_ipv6_next_hops(peer),
            )
        return self._reach[key]

    def _duplicate_addresses(self) -> DuplicateAddresses:
        if self._duplicates is None:
            self._duplicates = duplicate_addresses(self.snapshot, self.vips)
        return self._duplicates

    def _takes_ipv6_next_hops(self, peer: PeerName) -> bool:
        """Whether *peer* does for IPv4 prefixes, as a session of it has negotiated.

        Unknown is no: a router that did not ask for it may end the session (RFC 8950
        section 4 forbids to send it), and that would begin again and again.
        """
        reports = (one.sessions.get(peer) for one in self.snapshot.speakers)
        return any(report is not None and report.ipv6_next_hops for report in reports)

    def hears(self, peer: PeerName, family: Family) -> bool:
        """Whether *family* is among those of *peer*."""
        return PEER_FAMILY[family] in self.peers.usable[peer].families

    def saying(self, eip: EipName) -> Saying:
        """Return what *eip*, which can be read, wants said of its addresses."""
        if eip not in self._sayings:
            spec = self.snapshot.eips[eip].spec
            assert spec is not None
            overlaps = isinstance(self.eips[eip].ready, Overlap)
            self._sayings[eip] = saying(eip, spec, self.peers, overlaps=overlaps)
        return self._sayings[eip]

    def hops(
        self, prefix: Prefix, *, to: tuple[PeerName, ...], carriers: frozenset[NodeName]
    ) -> Hops:
        """Return the next hops of *prefix* that the routers *to* are sent, each with them."""
        family = family_of(prefix)
        limits = self._limits(to)
        alone: Prefix | str | None = None  # what chooses alike
        if any(peer in self.peers.seats for peer in to) or set(limits.values()) - {MOST_PATHS}:
            alone = prefix
        elif limits:
            alone = group_of(prefix)
        key: tuple[object, ...] = (family, to, carriers, alone)
        if key not in self._hops:
            heard: dict[tuple[Address, int], set[PeerName]] = {}
            for peer in to:
                near = self.reach(peer, family).hops
                names = carriers & near.keys()
                for name, speaker in self._told(prefix, names, peer, limits.get(peer)):
                    heard.setdefault((near[name], speaker), set()).add(peer)
            self._hops[key] = {hop: frozenset(names) for hop, names in heard.items()}
        return self._hops[key]

    def wish(
        self,
        prefix: Prefix,
        *,
        eip: EipName,
        to: tuple[PeerName, ...],
        carriers: frozenset[NodeName],
    ) -> Wishes:
        """Return what *eip* wants said of *prefix*, by next hop and speaker; without weights."""
        hops = self.hops(prefix, to=to, carriers=carriers)
        key = eip, id(hops)  # which self._hops keeps
        if key not in self._wishes:
            best = self.saying(eip).attributes
            other = replace(best, best=False) if self._chosen(hops.values()) else best
            self._wishes[key] = {
                hop: Route(best if hop[1] or names & self.single else other, names)
                for hop, names in hops.items()
            }
        return self._wishes[key]

    def _chosen(self, told: Iterable[frozenset[PeerName]]) -> bool:
        """Whether a router that keeps one path is told one of these: then that is the best."""
        return bool(self.single) and any(names & self.single for names in told)

    def candidates(self, eip: EipName, nodes: Nodes, placement: Placement) -> Candidates:
        """Return `place.candidates`, worked out once for all that are placed alike."""
        key = eip, placement
        if key not in self._candidates:
            self._candidates[key] = candidates(nodes, placement)
        return self._candidates[key]

    def _told(
        self, prefix: Prefix, names: AbstractSet[NodeName], peer: PeerName, limit: int | None
    ) -> Iterable[tuple[NodeName, int]]:
        """Return which of the nodes *names* one router is sent, and by which speaker each."""
        speakers = [seat.speaker for seat in self.peers.seats_of(peer)]
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
        if peer in self.single:
            return 1
        return self.peers.usable[peer].next_hops.max_paths or MOST_PATHS

    def _limits(self, to: tuple[PeerName, ...]) -> Mapping[PeerName, int]:
        """Return how many paths each router is sent at most by the first speaker, if it matters."""
        seats, many = self.peers.seats, len(self.snapshot.nodes)
        if seats:
            to = tuple(peer for peer in to if peer not in seats or seats[peer][0].speaker == 0)
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
            near = self.reach(peer, family).hops.keys()
            count = len(near if carriers is None else near & carriers)
            first = self.peers.seats_of(peer)[0].speaker == 0
            asked = self.peers.usable[peer].next_hops.max_paths is not None
            if first and not asked and peer not in self.single and count > MOST_PATHS:
                found.append(peer)
        return tuple(found)

    def observed(self, prefix: Prefix) -> Mapping[RouteKey, Route]:
        """Return what our speakers hold for *prefix* now."""
        if self._routes is None:
            self._routes = {}
            for key, route in self.snapshot.routes.items():
                self._routes.setdefault(key.prefix, {})[key] = route
        return self._routes.get(prefix, {})

    def kept_for(self, prefix: Prefix, names: frozenset[PeerName]) -> bool:
        """Whether our speakers tell one of *names* a path of *prefix* now."""
        return any(route.peers & names for route in self.observed(prefix).values())

    def covering(self, address: Address) -> Mapping[RouteKey, Route]:
        """Return what our speakers hold now that leads to *address*: host route, aggregates."""
        if self._lengths is None:
            routes = self.snapshot.routes
            self._lengths = sorted({(key.prefix.version, key.prefix.prefixlen) for key in routes})
        found: dict[RouteKey, Route] = {}
        for version, length in self._lengths:
            if version == address.version:
                found |= self.observed(ip_network((address, length), strict=False))
        return found

    def silent(self, peers: frozenset[PeerName], *, said: bool) -> bool:
        """Whether none of *peers* has had a session for a minute.

        *said*: so it stands recorded, and then it stays so until a session is known to be up: a
        new leader, or a new speaker, has seen none of it.
        """
        if not peers:
            return False
        if said:
            return not any(self._has_session(name) for name in peers)
        ages = (lost_for_s(self.snapshot, one, self._seats_of(one)) for one in peers)
        return all(age is not None and age >= NO_SESSION_AFTER_S for age in ages)

    def _seats_of(self, name: PeerName) -> tuple[Seat, ...]:
        if name in self.peers.usable:
            return self.peers.seats_of(name)
        # Told all the same, for want of a BgpConf, say: by whichever speaker has it.
        speakers = enumerate(self.snapshot.speakers)
        return tuple(Seat(n) for n, one in speakers if name in one.sessions or one.sessions_unknown)

    def _has_session(self, name: PeerName) -> bool:
        reports = (one.sessions.get(name) for one in self.snapshot.speakers)
        return any(report is not None and report.live for report in reports)
