"""Which nodes one router may be sent, and by which addresses: `nextHops` of a BgpPeer.

What is connected is known from what agents report. A node whose agent has not spoken yet
counts as connected when its address lies in a network that others are known to share
with the router: nobody is withdrawn because its agent starts late.
"""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from manager.planner.hops import Hop, is_on, next_hop
from manager.snapshot import NodeName, Snapshot
from pointsman.api import BgpPeerSpec, Scope
from pointsman.model.address import Address, Family, Prefix

FAMILIES: Final = {"ipv4-unicast": Family.IPV4, "ipv6-unicast": Family.IPV6}


@dataclass(frozen=True, slots=True)
class Reach:
    """The next hops a router may be sent in one family, by node, and why others may not."""

    hops: Mapping[NodeName, Address]
    without: Mapping[NodeName, str]  # a clause after the node's name, such as "has no address"
    verified: bool  # all of them are on a network that the router shares


def reach(
    snapshot: Snapshot, spec: BgpPeerSpec, *, family: Family, vips: AbstractSet[Address]
) -> Reach:
    """Return which nodes the router of *spec* may be sent in *family*."""
    found: dict[NodeName, Hop] = {}
    without: dict[NodeName, str] = {}
    networks = frozenset(_networks(snapshot, spec.address))
    for name, node in sorted(snapshot.nodes.items()):
        announcer = snapshot.announcers.get(name)
        hop = next_hop(node, announcer, peer=spec.address, family=family, vips=vips)
        if hop is None:
            without[name] = f"has no {family} address"
        elif announcer is not None and announcer.reported:
            found[name] = hop
        else:
            near = any(n.version == hop.address.version and hop.address in n for n in networks)
            found[name] = Hop(hop.address, shared=near)
    scope = spec.next_hops.scope
    if scope is Scope.CONNECTED or (
        scope is Scope.AUTO and any(hop.shared for hop in found.values())
    ):
        for name in [name for name, hop in found.items() if not hop.shared]:
            del found[name]
            without[name] = f"is on no network that {spec.address} shares"
    selector = spec.next_hops.node_selector
    for name in list(found):
        if selector is not None and not selector.matches(snapshot.nodes[name].labels):
            del found[name]
            without[name] = f"does not match nextHops.nodeSelector for {spec.address}"
    return Reach(
        hops={name: hop.address for name, hop in found.items()},
        without=without,
        verified=all(hop.shared for hop in found.values()),
    )


def _networks(snapshot: Snapshot, peer: Address) -> Iterator[Prefix]:
    """Yield every network on the links that *peer* is on, as far as agents have reported."""
    for announcer in snapshot.announcers.values():
        for interface in announcer.interfaces:
            if interface.up and is_on(interface, peer):
                yield from (own.network for own in interface.addresses)
