"""What is the same for all Services of one plan: peers, next hops, wishes, what was observed."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_network
from typing import Final

from manager.planner.desired import Candidate, EipState
from manager.planner.eligible import Nodes
from manager.planner.peers import Peers
from manager.planner.place import Placement, candidates
from manager.planner.reach import Reach, reach
from manager.planner.saying import PEER_FAMILY, Saying, saying
from manager.planner.spread import dealt, spread
from manager.planner.vocabulary import ESTABLISHED
from manager.snapshot import EipName, NodeName, Snapshot
from pointsman.model.address import Address, Family, Prefix, family_of
from pointsman.model.allocated import Overlap
from pointsman.model.route import PeerName, Route, RouteKey
from pointsman.model.stamp import parse_time

NO_SESSION_AFTER: Final = timedelta(seconds=60)  # product.md section 2

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
    eips: Mapping[EipName, EipState]
    single: frozenset[PeerName] = frozenset()  # at the first speaker, and keep one path
    common: frozenset[Address] = frozenset()  # held by more than one Service
    _reach: dict[tuple[PeerName, Family], Reach] = field(default_factory=dict)
    _hops: dict[tuple[object, ...], Hops] = field(default_factory=dict)
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
                over_ipv6=family is Family.IPV4 and self._takes_ipv6_next_hops(peer),
            )
        return self._reach[key]

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
        single = bool(limits) or any(peer in self.peers.seats for peer in to)
        key: tuple[object, ...] = (family, to, carriers, prefix if single else None)
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
            attributes = self.saying(eip).attributes
            self._wishes[key] = {hop: Route(attributes, names) for hop, names in hops.items()}
        return self._wishes[key]

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
            if limit is not None:
                names = spread(prefix, names, nodes=nodes, limit=limit)
            return [(name, 0) for name in names]
        most = self.peers.usable[peer].next_hops.max_paths or len(speakers)
        chosen = spread(prefix, names, nodes=nodes, limit=min(most, len(speakers)))
        return dealt(prefix, chosen, speakers)

    def _limits(self, to: tuple[PeerName, ...]) -> Mapping[PeerName, int]:
        """Return how many paths each router is sent at most by the first speaker, if it matters.

        While one of them takes several, the daemon has several, and chooses among them for
        those that keep one.
        """
        seats = self.peers.seats
        if seats:
            to = tuple(peer for peer in to if peer not in seats or seats[peer][0].speaker == 0)
        if self.single.issuperset(to):
            return dict.fromkeys(to, 1)
        limits = {peer: self.peers.usable[peer].next_hops.max_paths for peer in to}
        many = len(self.snapshot.nodes)
        return {peer: limit for peer, limit in limits.items() if limit and limit < many}

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

    def silent(self, peers: frozenset[PeerName]) -> bool:
        """Whether none of *peers* has had a session for a minute, as their conditions say."""
        now = self.snapshot.taken_at
        if now is None or not peers:
            return False
        for name in peers:
            for condition in self.snapshot.bgp_peers[name].conditions:
                if condition.type == ESTABLISHED and condition.status == "False":
                    since = parse_time(condition.last_transition_time)
                    if since is not None and now - since >= NO_SESSION_AFTER:
                        break
            else:
                return False
        return True
