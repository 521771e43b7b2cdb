"""Protocol `bgp`: one path per address, carrier and next hop, for every peer that may hear it.

Paths are put only for addresses that the Service's status already records: the record
comes first, the network second. A path that is there already stays while the record of a
granted address is being repaired. It refuses to withdraw because a configuration
is missing: without BgpConf, what the speaker advertises stays.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from manager.planner.bgp.advertisement import AdvertisementPolicy
from manager.planner.bgp.context import BgpContext
from manager.planner.bgp.paths import ServicePaths
from manager.planner.bgp.refusals import no_peer, nobody_carries, unreached
from manager.planner.contribution import Contribution, RecordPart, ServiceCase
from manager.planner.desired import Candidate
from manager.planner.grace_periods import NO_TIME, until_slices
from manager.planner.nodes.placement import Placement, place
from manager.planner.nodes.serving import NOTHING, SOMEWHERE, Serving
from manager.planner.nodes.weights import weights
from manager.snapshot import NodeName
from pointsman.api import Weighting
from pointsman.model.address import Address, Family, Prefix, family_of, host_prefix
from pointsman.model.names import ANNOUNCED
from pointsman.model.route import MOST_PATHS, PeerName, Route, RouteKey
from pointsman.model.verdicts.address import listed
from pointsman.model.verdicts.announcement import (
    Announced,
    NoEligibleNode,
    NoPeer,
    NoServingEndpoint,
    NoSession,
    NotAnnounced,
)
from pointsman.model.verdicts.base import Verdict


@dataclass(frozen=True, slots=True)
class _Advertised:
    """What is advertised of one address: its routes, or the verdict why there are none."""

    prefix: Prefix
    routes: Mapping[RouteKey, Route]
    refusal: Verdict | None
    candidates: tuple[Candidate, ...] = ()
    notes: tuple[str, ...] = ()


def contribute(case: ServiceCase, context: BgpContext) -> Contribution[ServicePaths]:
    """Return the paths of one Service and the verdict on them.

    The verdict is the refusal of the first address that has one; the others are
    advertised nevertheless.
    """
    by_address = {address: _advertise(case, context, address) for address in case.addresses}
    routes: dict[RouteKey, Route] = {}
    retained: dict[RouteKey, Route] = {}
    advertised: list[Address] = []
    for address, one in by_address.items():
        if address in case.recorded:
            routes |= one.routes
            sent = bool(one.routes)
        else:
            there = context.observed.of(one.prefix)
            still = {k: there[k] for k in one.routes if k in there}
            retained |= still
            # An aggregate may be there for others; a host route is this address's own.
            sent = bool(still) and one.prefix.prefixlen == one.prefix.max_prefixlen
        if sent:
            advertised.append(address)
    refusal = next((one.refusal for one in by_address.values() if one.refusal is not None), None)
    verdict = refusal or _settled(case, context, by_address, advertised)
    record = RecordPart(
        verdict=verdict,
        candidates=_merged([one.candidates for one in by_address.values()]),
        carriers=("bgp",) if advertised and not isinstance(verdict, NotAnnounced) else (),
    )
    return Contribution(record, ServicePaths(routes, retained=retained))


def _advertise(case: ServiceCase, context: BgpContext, address: Address) -> _Advertised:
    if context.peers.conf is None:
        why = "there is no usable BgpConf named 'default'; create one with spec.as"
        return _retain(case, context, address, why=why)
    if case.spec is None:
        why = f"Eip '{case.eip}' cannot be read, so who may hear it is not known; see its "
        return _retain(case, context, address, why=f"{why}condition Ready")
    family, policy = family_of(address), context.policy(case.eip)
    prefix, peers = policy.prefix(address, case.service.policy), policy.peers_by_family[family]
    serving = case.serving.get(family, NOTHING)
    placement = place(case.service.policy, case.nodes, serving)
    found = context.candidates(case.eip, case.nodes, placement)
    at = str(address) if len(case.service.families) > 1 or len(case.addresses) > 1 else ""
    carriers, weight = placement.carriers, _weights(policy, serving, placement)
    if prefix.prefixlen < prefix.max_prefixlen:
        carriers, weight = place("Cluster", case.nodes, SOMEWHERE).carriers, {}
    routes = _routes(case, context, prefix, peers=peers, carriers=carriers, weight=weight)
    if not placement.carriers:
        shared = address in context.common
        if _awaited(case, context, family) > NO_TIME:
            why = "its EndpointSlices are awaited"
            return _Advertised(
                prefix, routes, NotAnnounced(case.service.key, why, passing=True), found
            )
        refusal = replace(nobody_carries(case, family, placement), at=at, shared=shared)
        if routes and isinstance(refusal, NoServingEndpoint):
            refusal = replace(refusal, inside=str(prefix))
        return _Advertised(prefix, routes, refusal, found)
    if not peers and context.observed.are_sent(prefix, context.peers.unreadable):
        # That router goes on being sent what it was.
        why = "the BgpPeer of the router that is told cannot be read"
        return _Advertised(prefix, {}, NotAnnounced(case.service.key, why, passing=True), found)
    if not peers:
        return _Advertised(
            prefix, {}, NoPeer(case.service.key, no_peer(case, context, family), at), found
        )
    if not routes:
        clauses = unreached(context, family, peers=peers, carriers=placement.carriers)
        return _Advertised(prefix, {}, NoEligibleNode(case.service.key, clauses, at), found)
    capped = context.capped(peers, family, carriers)
    notes = (*_notes(placement, found), *_limited(capped), *_left_out(policy.verdict))
    return _Advertised(prefix, routes, None, found, notes)


def _weights(
    policy: AdvertisementPolicy, serving: Serving, placement: Placement
) -> Mapping[NodeName, int]:
    if policy.weighting is not Weighting.ENDPOINTS:
        return {}
    return weights(serving.counts(placement.carriers), placement.carriers)


def _routes(
    case: ServiceCase,
    context: BgpContext,
    prefix: Prefix,
    *,
    peers: tuple[PeerName, ...],
    carriers: frozenset[NodeName],
    weight: Mapping[NodeName, int],
) -> dict[RouteKey, Route]:
    """Return one route per next hop; peers that reach a node by the same address share it."""
    unweighted = context.routes_of(prefix, eip=case.eip, to=peers, carriers=carriers)
    if not weight:
        return {RouteKey(prefix, *hop): route for hop, route in unweighted.items()}
    shares: dict[Address, int] = {}
    for peer in peers:
        for node, hop in context.reachability(peer, family_of(prefix)).hops.items():
            if node in weight:
                shares[hop] = max(weight[node], shares.get(hop, 0))
    return {
        RouteKey(prefix, *hop): Route(replace(one.attributes, weight=shares[hop[0]]), one.peers)
        for hop, one in unweighted.items()
    }


def _left_out(verdict: Verdict) -> tuple[str, ...]:
    return () if verdict.ok else (str(verdict),)


def _retain(case: ServiceCase, context: BgpContext, address: Address, *, why: str) -> _Advertised:
    """Nothing is withdrawn, nothing new is advertised: what leads to *address* stays."""
    routes = dict(context.observed.covering(address))
    refusal = None if routes else NoPeer(case.service.key, why)
    return _Advertised(host_prefix(address), routes, refusal)


def _awaited(case: ServiceCase, context: BgpContext, family: Family) -> timedelta:
    """Return for how long a new Service, which may have no slice yet, has no condition."""
    if family in case.serving or any(c.type == ANNOUNCED for c in case.service.conditions):
        return NO_TIME
    return until_slices(context.snapshot, case.service)


def _notes(placement: Placement, found: tuple[Candidate, ...]) -> tuple[str, ...]:
    """Return why nodes carry although something speaks against them."""
    despite = [one.despite for one in found if one.despite]
    if not despite:
        return ()
    clauses = "; ".join(despite)
    if placement.ailing_avoided:
        return (f"Kept, because no other node is left that is well: {clauses}.",)
    if placement.drain_deferred:
        return (f"Kept, because no other node is left: {clauses}.",)
    return (f"Ignored, because too few nodes would be left: {clauses}.",)


def _limited(capped: tuple[PeerName, ...]) -> tuple[str, ...]:
    """Return that some routers are not sent all nodes, if there are such."""
    if not capped:
        return ()
    which = listed([f"'{name}'" for name in capped])
    return (
        f"Of these, {MOST_PATHS} are sent to BgpPeer {which}, spread over the zones: a speaker "
        "sends no more.",
    )


def _settled(
    case: ServiceCase,
    context: BgpContext,
    by_address: Mapping[Address, _Advertised],
    advertised: list[Address],
) -> Verdict:
    """Return the verdict when every address is decided upon and may have paths.

    It names the *advertised* ones: another that is being handed over changes nothing of them.
    """
    key = case.service.key
    groups = {route.peers for one in by_address.values() for route in one.routes.values()}
    routers = frozenset[PeerName]().union(*groups)
    lost = any(
        (c.type, c.reason) == (ANNOUNCED, NoSession.__name__) for c in case.service.conditions
    )
    if context.silent(routers, recorded=lost):
        return NoSession(key, tuple(sorted(routers)))
    # A condition that is True stays while the paths are put again: a speaker may restart.
    announced = any(c.type == ANNOUNCED and c.status == "True" for c in case.service.conditions)
    if not advertised or not announced:
        # A speaker that does not answer is no reason to call what the others hold unannounced.
        fresh = [one.fresh for one in context.snapshot.speakers]
        known = context.snapshot.routes
        awaited = [k for one in by_address.values() for k in one.routes if fresh[k.speaker]]
        if not awaited:
            why = "the BGP speaker does not answer; it is told as soon as it does"
            return NotAnnounced(key, why)
        if not advertised or not all(route in known for route in awaited):
            why = "its addresses are being handed to the speaker"
            return NotAnnounced(key, why, passing=True)
    notes = tuple(dict.fromkeys(note for one in by_address.values() for note in one.notes))
    return Announced(key, tuple(map(str, advertised)), case.service.policy == "Local", notes)


def _merged(groups: list[tuple[Candidate, ...]]) -> tuple[Candidate, ...]:
    """Return one entry per node: it carries if it carries in any family."""
    if len(groups) == 1:
        return groups[0]
    found: dict[NodeName, Candidate] = {}
    for one in (candidate for group in groups for candidate in group):
        before = found.get(one.node)
        if before is None or (before.excluded_by and not one.excluded_by):
            found[one.node] = one
    return tuple(found[name] for name in sorted(found))
