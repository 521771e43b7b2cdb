"""What is the same for all Services of one plan: peers, next hops, what was observed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from manager.planner.hops import Hop, next_hop
from manager.planner.peers import Peers
from manager.planner.vocabulary import ESTABLISHED
from manager.snapshot import NodeName, Snapshot
from pointsman.model.address import Address, Family, Prefix
from pointsman.model.route import PeerName, Route, RouteKey
from pointsman.model.stamp import parse_time

NO_SESSION_AFTER: Final = timedelta(seconds=60)  # product.md section 2


@dataclass(slots=True)
class Shared:
    """Shared, and filled as it is asked: a pure function's cache, dropped with the plan."""

    snapshot: Snapshot
    peers: Peers
    vips: frozenset[Address]
    _hops: dict[tuple[PeerName, NodeName, Family], Hop | None] = field(default_factory=dict)
    _routes: dict[Prefix, dict[RouteKey, Route]] | None = None

    def hop(self, peer: PeerName, name: NodeName, family: Family) -> Hop | None:
        """Return how *peer* reaches the node, or None when it cannot in this family."""
        key = peer, name, family
        if key not in self._hops:
            self._hops[key] = next_hop(
                self.snapshot.nodes[name],
                self.snapshot.announcers.get(name),
                peer=self.peers.usable[peer].address,
                family=family,
                vips=self.vips,
            )
        return self._hops[key]

    def observed(self, prefix: Prefix) -> Mapping[RouteKey, Route]:
        """Return what our speaker holds for *prefix* now."""
        if self._routes is None:
            self._routes = {}
            for key, route in self.snapshot.observed.routes.items():
                self._routes.setdefault(key.prefix, {})[key] = route
        return self._routes.get(prefix, {})

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
