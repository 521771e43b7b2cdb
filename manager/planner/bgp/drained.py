"""Which nodes that drain no router is told any more: read back from our speakers.

Pure. It is a fact about what a speaker holds, not about what is planned: who drains a node waits
for it before he turns the node off. While a speaker has paths on their way to it, it says nothing.
"""

from collections.abc import Mapping
from typing import Final

from manager.planner.nodes.address_owners import addresses_of
from manager.planner.nodes.eligible import drains
from manager.snapshot import NodeName, Observed, Snapshot
from pointsman.model.address import Address
from pointsman.model.route import PeerName
from pointsman.model.table import Table

MOST: Final = 128  # of the nodes that drain at once, in order of their names

Drained = Mapping[PeerName, tuple[NodeName, ...]]


def drained(snapshot: Snapshot) -> tuple[Drained, ...]:
    """Return for each speaker, by peer, the nodes that drain and that it does not tell it."""
    leaving = {
        name: frozenset(addresses_of(node, snapshot.announcers.get(name)))
        for name, node in sorted(snapshot.nodes.items())
        if drains(node, snapshot.settings)
    }
    return tuple(_of_speaker(one, leaving) for one in snapshot.speakers)


def _of_speaker(seen: Observed, leaving: Mapping[NodeName, frozenset[Address]]) -> Drained:
    if not leaving or seen.putting or not seen.fresh:
        return {}
    advertised = _next_hops(seen)
    return {
        peer: tuple(
            name
            for name, addresses in leaving.items()
            if not addresses & advertised.get(peer, frozenset())
        )[:MOST]
        for peer in seen.neighbors
    }


def _next_hops(seen: Observed) -> Mapping[PeerName, set[Address]]:
    """Return by peer which next hops it is told."""
    found: dict[PeerName, set[Address]] = {}
    for hops in Table.of(seen.routes).distinct_hops():
        for (next_hop, _), route in hops.items():
            for peer in route.peers:
                found.setdefault(peer, set()).add(next_hop)
    return found
