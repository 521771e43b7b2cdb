"""Protocol `bgp`: one path per address, carrier and next hop, for every peer that may hear it.

Paths are put only for addresses that the Service's status already records: the record
comes first, the network second. A path that is there already stays while the record of a
granted address is being repaired. It refuses to withdraw because a configuration
is missing: without BgpConf, what the speaker advertises stays.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from manager.planner.bgp.advertisement import AdvertisementPolicy
from manager.planner.bgp.finding import AddressFinding, Finding, Handed, Looked
from manager.planner.bgp.paths import PrefixPaths, ServicePaths
from manager.planner.bgp.refusals import no_peer, unreached
from manager.planner.bgp.view import BgpView, Ways
from manager.planner.contribution import Contribution, ServiceCase
from manager.planner.desired import Candidate, Grant
from manager.planner.nodes.placement import Placement, merged, notes_on
from manager.planner.nodes.refusals import nobody_carries, unreadable
from manager.planner.nodes.serving import NOTHING, SOMEWHERE, Serving
from manager.planner.nodes.weights import weights
from manager.snapshot import NodeName
from pointsman.api import Weighting
from pointsman.model.address import Address, Family, Prefix, family_of
from pointsman.model.hops import Hop
from pointsman.model.route import MOST_PATHS, PeerName, Route, RouteKey
from pointsman.model.verdicts.address import listed
from pointsman.model.verdicts.announcement import (
    NoEligibleNode,
    NoPeer,
    NoServingEndpoint,
    NotAnnounced,
)
from pointsman.model.verdicts.base import Verdict


class _Advertised(NamedTuple):
    """What is advertised of one address: its paths, or the verdict why there are none."""

    prefix: Prefix
    paths: tuple[PrefixPaths, ...]
    routers: frozenset[PeerName]
    refusal: Verdict | None
    candidates: tuple[Candidate, ...] = ()
    notes: tuple[str, ...] = ()


def contribute(case: ServiceCase, view: BgpView) -> Contribution[Finding, ServicePaths]:
    """Return the paths of one Service, and what its record states of them."""
    advertised = [_advertise(case, view, grant) for grant in case.grants]
    held = None if case.observed is None else case.observed.paths()
    wanted: list[PrefixPaths] = []
    retained: dict[RouteKey, Route] = {}
    findings = []
    for grant, one in zip(case.grants, advertised, strict=True):
        if grant.address in case.recorded:
            wanted += one.paths
            sent = bool(one.paths)
        else:
            still = _still_there(held, view, one)
            retained |= still
            # An aggregate may be there for others; a host route is this address's own.
            sent = bool(still) and one.prefix.prefixlen == one.prefix.max_prefixlen
        findings.append(AddressFinding(grant.text, sent, one.routers, one.refusal, one.notes))
    finding = Finding(tuple(findings), *_handed(case.observed, held, advertised))
    candidates = merged([one.candidates for one in advertised])
    return Contribution(finding, ServicePaths(tuple(wanted), retained), candidates)


def _still_there(
    held: Mapping[RouteKey, Route] | None, view: BgpView, one: _Advertised
) -> Mapping[RouteKey, Route]:
    """Return which of its wanted paths our speakers hold already."""
    there = view.observed.of(one.prefix) if held is None and view.observed else held
    assert there is not None, "what is not recorded is looked at"
    return {key: there[key] for key in _keys(one) if key.prefix == one.prefix and key in there}


def _keys(one: _Advertised) -> Iterator[RouteKey]:
    return (RouteKey(prefix, *hop) for prefix, hops in one.paths for hop in hops)


def _handed(
    looked: Looked | None, held: Mapping[RouteKey, Route] | None, advertised: list[_Advertised]
) -> tuple[Handed, bool]:
    """Return whether the speakers hold what is wanted, and whether a router has a session."""
    if looked is None or held is None:
        return Handed.WHOLLY, True
    routers = frozenset[PeerName]().union(*(one.routers for one in advertised))
    connected = not routers.isdisjoint(looked.connected)
    # A speaker that does not answer is no reason to call what the others hold unannounced.
    awaited = [key for one in advertised for key in _keys(one) if looked.fresh[key.speaker]]
    if not awaited:
        return Handed.SILENT, connected
    whole = held.keys() >= set(awaited)
    return Handed.WHOLLY if whole else Handed.PARTLY, connected


def _advertise(case: ServiceCase, view: BgpView, grant: Grant) -> _Advertised:
    if view.peers.conf is None:
        return _retain(case, view, grant, why="; ".join(view.peers.without_conf))
    if case.spec is None:
        return _retain(case, view, grant, why=unreadable(case.eip, "who may hear it"))
    address = grant.address
    family, policy, service = family_of(address), _policy(case), case.service
    prefix, peers = policy.prefix(grant, service.policy), policy.peers_by_family[family]
    serving = case.serving.get(family, NOTHING)
    placed = view.placed(case.eip, case.nodes, service.policy, serving)
    placement, found = placed.placement, placed.candidates
    carriers, weight = placement.carriers, _weights(policy, serving, placement)
    if prefix.prefixlen < prefix.max_prefixlen:
        everywhere = view.placed(case.eip, case.nodes, "Cluster", SOMEWHERE).placement
        carriers, weight = everywhere.carriers, {}
    ways = view.ways(prefix, attributes=policy.attributes, to=peers, carriers=carriers)
    if weight:
        ways = _weighted(view, ways, family, peers=peers, weight=weight)
    paths = (PrefixPaths(prefix, ways.hops),) if ways.hops else ()
    if placement.carriers and paths:
        capped = view.capped(peers, family, carriers)
        notes = (*notes_on(placement, found), *_limited(capped), *_left_out(policy.verdict))
        return _Advertised(prefix, paths, ways.routers, None, found, notes)
    at = grant.text if len(service.families) > 1 or len(case.grants) > 1 else ""
    if not placement.carriers:
        refusal = _nobody(case, prefix, placement, at=at, address=address, routed=bool(paths))
        return _Advertised(prefix, paths, ways.routers, refusal, found)
    refusal = _no_router(case, view, prefix, peers=peers, placement=placement, at=at)
    return _Advertised(prefix, (), frozenset(), refusal, found)


def _policy(case: ServiceCase) -> AdvertisementPolicy:
    """Return how the addresses of an Eip that can be read are advertised, given a BgpConf."""
    assert isinstance(case.terms, AdvertisementPolicy)
    return case.terms


def _nobody(
    case: ServiceCase,
    prefix: Prefix,
    placement: Placement,
    *,
    at: str,
    address: Address,
    routed: bool,
) -> Verdict:
    """Return why nobody carries; *routed*: its aggregate has paths all the same."""
    family = family_of(address)
    if case.slices_awaited and family not in case.serving:
        return NotAnnounced(case.service.key, "its EndpointSlices are awaited", passing=True)
    serving = case.serving.get(family, NOTHING)
    refusal = replace(
        nobody_carries(case.service, case.nodes, family, serving=serving, placement=placement),
        at=at,
        shared=address in case.shared,
    )
    if routed and isinstance(refusal, NoServingEndpoint):
        return replace(refusal, inside=str(prefix))
    return refusal


def _no_router(
    case: ServiceCase,
    view: BgpView,
    prefix: Prefix,
    *,
    peers: tuple[PeerName, ...],
    placement: Placement,
    at: str,
) -> Verdict:
    """Return why no router is sent *prefix*, though there are nodes that carry."""
    key, family = case.service.key, family_of(prefix)
    if not peers and view.observed and view.observed.are_sent(prefix, view.peers.unreadable):
        # That router goes on being sent what it was.
        why = "the BgpPeer of the router that is told cannot be read"
        return NotAnnounced(key, why, passing=True)
    if not peers:
        return NoPeer(key, no_peer(case, view, family), at)
    clauses = unreached(view, family, peers=peers, carriers=placement.carriers)
    return NoEligibleNode(key, clauses, at)


def _weights(
    policy: AdvertisementPolicy, serving: Serving, placement: Placement
) -> Mapping[NodeName, int]:
    if policy.weighting is not Weighting.ENDPOINTS:
        return {}
    return weights(serving.counts(placement.carriers), placement.carriers)


def _weighted(
    view: BgpView,
    ways: Ways,
    family: Family,
    *,
    peers: tuple[PeerName, ...],
    weight: Mapping[NodeName, int],
) -> Ways:
    """Return *ways* with the share of each next hop."""
    shares: dict[Address, int] = {}
    for peer in peers:
        for node, hop in view.reachability(peer, family).hops.items():
            if node in weight:
                shares[hop] = max(weight[node], shares.get(hop, 0))
    hops = {
        hop: Route(replace(one.attributes, weight=shares[hop[0]]), one.peers)
        for hop, one in ways.hops.items()
    }
    return replace(ways, hops=hops)


def _left_out(verdict: Verdict) -> tuple[str, ...]:
    return () if verdict.ok else (str(verdict),)


def _retain(case: ServiceCase, view: BgpView, grant: Grant, *, why: str) -> _Advertised:
    """Nothing is withdrawn, nothing new is advertised: what leads to an address stays."""
    assert view.observed is not None, "it is looked at whenever something may have to stay"
    found: dict[Prefix, dict[Hop, Route]] = {}
    for key, route in view.observed.covering(grant.address).items():
        found.setdefault(key.prefix, {})[key.next_hop, key.speaker] = route
    paths = tuple(PrefixPaths(prefix, hops) for prefix, hops in found.items())
    routers = frozenset(
        peer for hops in found.values() for route in hops.values() for peer in route.peers
    )
    refusal = None if paths else NoPeer(case.service.key, why)
    return _Advertised(grant.host, paths, routers, refusal)


def _limited(capped: tuple[PeerName, ...]) -> tuple[str, ...]:
    """Return that some routers are not sent all nodes, if there are such."""
    if not capped:
        return ()
    which = listed([f"'{name}'" for name in capped])
    return (
        f"Of these, {MOST_PATHS} are sent to BgpPeer {which}, spread over the zones: a speaker "
        "sends no more.",
    )
