"""`plan --router-config`: what the routers need, for the cluster as it is, in their own words.

It prints configuration and configures nothing. What the cluster cannot say (a password, the
router's own id) is left for the operator, in a comment.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from ipaddress import summarize_address_range
from typing import Final

from cli.routers import bird, frr
from cli.routers.needs import Needs
from cli.source.cluster import PlannedCluster
from manager.planner.addresses.reserved import reserved
from manager.planner.addresses.source_blocks import entries_of
from manager.planner.announcer_specs import routes_in
from manager.planner.bgp.advertisement import may_hear
from manager.planner.bgp.next_hop import next_hop
from manager.planner.bgp.peers import confederation
from manager.snapshot import Eip
from pointsman.api import BgpConfSpec, BgpPeerSpec, EipSpec
from pointsman.model.address import (
    Address,
    Family,
    Prefix,
    address_order,
    family_of,
    prefix_order,
)
from pointsman.model.names import MANAGER_LABEL, NEXT_HOPS_UNVERIFIED
from pointsman.model.ranges import address_of, read_block, union
from pointsman.model.record import ResourceKey
from pointsman.model.route import MOST_PATHS, PeerName
from pointsman.model.unicast import unicast_of
from pointsman.runtime.errors import Misuse

DIALECTS: Final[Mapping[str, Callable[[Needs], Iterator[str]]]] = {
    "frr": frr.lines,
    "bird": bird.lines,
}
KINDS: Final = tuple(DIALECTS)
ROOM: Final = 2  # the limits leave room for twice of what is there
FEWEST: Final = 100
WIDEST: Final = 255  # paths of one prefix that a speaker sends at most


def text(seen: PlannedCluster, kind: str, only: str | None = None) -> str:
    """Return the configuration of every router, or of one, as *kind* reads it.

    Raises:
        Misuse: there is no BgpPeer *only* that has a session.
    """
    found = needs(seen)
    if only is not None:
        found = tuple(one for one in found if one.name == only)
        if not found:
            raise Misuse(f"There is no BgpPeer {only!r} to configure a router for.")
    return "\n".join("\n".join(DIALECTS[kind](one)) for one in found)


def needs(seen: PlannedCluster) -> tuple[Needs, ...]:
    """Return what each router of the cluster needs, by the BgpPeer's name."""
    conf = seen.settled.bgp_confs.get("default")
    if conf is None or conf.spec is None:
        return ()
    return tuple(
        _needs(seen, PeerName(name), peer.spec, conf.spec)
        for name, peer in sorted(seen.settled.bgp_peers.items())
        if peer.spec is not None and not peer.spec.disabled
    )


def _needs(seen: PlannedCluster, name: PeerName, spec: BgpPeerSpec, conf: BgpConfSpec) -> Needs:
    advertised = [key for key, route in seen.plan.routes.items() if name in route.peers]
    hops = Counter(key.prefix for key in advertised)
    heard = [
        (eip.spec, prefix)
        for eip in seen.settled.eips.values()
        if eip.spec is not None and may_hear(eip.spec, name)
        for prefix in _blocks(eip)
    ]
    owned = reserved(seen.settled)
    aggregates = {
        prefix
        for eip, prefix in heard
        if _aggregated(eip, prefix) and not any(address in prefix for address in owned)
    }
    aggregates |= {prefix for prefix in hops if prefix.prefixlen < prefix.max_prefixlen}
    sources = _sources(seen, spec)
    width = spec.next_hops.max_paths or min(len(seen.settled.nodes), MOST_PATHS)
    among, ours = confederation(conf), spec.local_as or _known_as(conf, spec.asn)
    fellow = among is not None and spec.asn in among.members and spec.asn != ours
    return Needs(
        name=name,
        address=spec.address,
        asn=spec.asn,
        ours=ours,
        confederation=among.identifier if among is not None and fellow else None,
        managers=tuple(sorted(sources, key=address_order)),
        labelled=_own_sources(spec) or _labelled(seen),
        prefixes=tuple(sorted({prefix for _, prefix in heard}, key=prefix_order)),
        aggregates=tuple(sorted(aggregates, key=prefix_order)),
        unguarded=tuple(sorted(_unguarded(seen, hops), key=prefix_order)),
        held=_held(seen),
        paths=max(FEWEST, ROOM * len(advertised)),
        width=min(max(1, width, *hops.values()), WIDEST),
        far=_far(seen, name),
        bare=any(
            node.internal_ips and all(ip.version == 6 for ip in node.internal_ips)
            for node in seen.settled.nodes.values()
        ),
        listen_port=conf.listen_port,
        spec=spec,
    )


def _known_as(conf: BgpConfSpec, router: int) -> int:
    among = confederation(conf)
    return among.known_as(conf.asn, to=router) if among is not None else conf.asn


def _blocks(eip: Eip) -> Iterator[Prefix]:
    """Yield what may be advertised of *eip*, also of one that isn't Ready for another entry."""
    for entry in entries_of(eip):
        try:
            block = unicast_of(union([read_block(entry)]))
        except ValueError:
            continue  # the Eip's condition says it
        for family in Family:
            for first, last in block.of(family).spans:
                ends = address_of(family, first), address_of(family, last)
                yield from summarize_address_range(*ends)


def _aggregated(spec: EipSpec, block: Prefix) -> bool:
    """Whether aggregates of *block* may be advertised, now or with the next Service."""
    bgp = spec.bgp
    length = bgp.aggregation_length if block.version == 4 else bgp.aggregation_length_v6
    return block.prefixlen <= length < block.max_prefixlen


def _unguarded(seen: PlannedCluster, hops: Iterable[Prefix]) -> set[Prefix]:
    """Return the aggregates of which some next hop has no route that ends what nobody has."""
    nodes = seen.plan.speakers[0].nodes if seen.plan.speakers else {}
    ends = {
        (name, entry["prefix"])
        for name, record in seen.plan.announcers.items()
        for entry in routes_in(record.spec)
    }
    wide = {prefix for prefix in hops if prefix.prefixlen < prefix.max_prefixlen}
    return {
        key.prefix
        for key in seen.plan.routes
        if key.prefix in wide and (nodes.get(key.next_hop), str(key.prefix)) not in ends
    }


def _held(seen: PlannedCluster) -> tuple[Address, ...]:
    grants = (one for a in seen.plan.allocations.services.values() for one in a.grants)
    return tuple(sorted({grant.address for grant in grants}, key=address_order))


def _labelled(seen: PlannedCluster) -> bool:
    return any(MANAGER_LABEL in node.labels for node in seen.settled.nodes.values())


def _own_sources(spec: BgpPeerSpec) -> bool:
    """Whether the BgpPeer itself says where its sessions come from."""
    return spec.source_address is not None or spec.parallel_sessions is not None


def _sources(seen: PlannedCluster, spec: BgpPeerSpec) -> set[Address]:
    if spec.parallel_sessions is not None:
        return set(spec.parallel_sessions.source_addresses)
    return {spec.source_address} if spec.source_address is not None else _managers(seen, spec)


def _managers(seen: PlannedCluster, spec: BgpPeerSpec) -> set[Address]:
    """Return where sessions may come from: the nodes' addresses on the router's network.

    Only nodes that may run a manager count, where any node is labelled so.
    """
    family, labelled = family_of(spec.address), _labelled(seen)
    hops = (
        next_hop(
            node,
            seen.settled.announcers.get(node.name),
            peer=spec.address,
            family=family,
            vips=frozenset(),
        )
        for node in seen.settled.nodes.values()
        if not labelled or MANAGER_LABEL in node.labels
    )
    return {hop.address for hop in hops if hop is not None}


def _far(seen: PlannedCluster, name: PeerName) -> bool:
    """Whether agents report that some next hops are on no network the router shares."""
    status = seen.plan.statuses.get(ResourceKey("BgpPeer", name))
    reported = any(one.reported for one in seen.settled.announcers.values())
    return reported and status is not None and NEXT_HOPS_UNVERIFIED in status.conditions
