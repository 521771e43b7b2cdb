"""A plan as JSON: the keys and orders of `pointsman plan --offline -o json`. They are API.

Keys are sorted by whoever prints. Lists: addresses by the Service's families, paths by
prefix then next hop, announcers by address, unreachable routes by prefix, what an IPAM holds by
address, what it is asked for by whose turn it is. `conditions` is what
our own resources say.
"""

from collections.abc import Mapping
from typing import Any, Final

from manager.planner.announcer_specs import assignments_in, routes_in
from manager.planner.desired import Counts, Plan
from manager.snapshot import EipName, NodeName, Snapshot
from pointsman.model.address import address_order
from pointsman.model.names import ADD_PATH, ESTABLISHED
from pointsman.model.ranges import read_address, texts_of
from pointsman.model.record import StatusRecord
from pointsman.model.route import (
    Neighbor,
    PeerName,
    Route,
    RouteKey,
    SpeakerIdentity,
    route_order,
)
from pointsman.model.verdicts.base import Verdict

Json = dict[str, Any]
OF_SESSIONS: Final = (ESTABLISHED, ADD_PATH)  # which a plan takes for established


def plan_json(snapshot: Snapshot, plan: Plan) -> Json:
    """Return the whole plan of *snapshot*."""
    return {
        "services": {key: service_json(plan, key) for key in plan.allocations.services},
        "eips": {
            name: {
                "ready": verdict_json(usage.ready),
                "capacity": counts_json(usage.capacity),
                "allocated": counts_json(usage.allocated),
                "available": counts_json(usage.available),
            }
            for name, usage in plan.allocations.eips.items()
        },
        "peers": {name: {"paths": paths_json(plan, name)} for name in snapshot.bgp_peers},
        "announcers": {name: announcers_json(plan, name) for name in snapshot.nodes},
        "unreachable": {name: routes_in(plan.announcers[name].spec) for name in snapshot.nodes},
        "sources": {name: source_json(snapshot, plan, name) for name in plan.sources},
        "conditions": {
            f"{key.kind}/{key.name}": record_json(record) for key, record in plan.statuses.items()
        },
    }


def source_json(snapshot: Snapshot, plan: Plan, eip: EipName) -> Json:
    """Return what the IPAM of *eip* is asked for and told; requests in the order they are made."""
    source, spec = plan.sources[eip], snapshot.eips[eip].spec
    assert spec is not None, "an Eip that cannot be read has no plan"
    return {
        "name": spec.source.label if spec.source is not None else "NetBox",
        "publishOnly": source.publish_only,
        "requests": [
            {
                "services": list(request.holder.services),
                "family": str(key.family),
                "address": None if request.address is None else str(request.address),
                "within": None if request.within is None else texts_of(request.within),
            }
            for key, request in source.requests.items()
        ],
        "held": [
            {"address": str(address), "services": list(holder.services)}
            for address, holder in source.held.items()
        ],
    }


def record_json(record: StatusRecord | None) -> Json:
    """Return what one of our own resources says, but for what a plan takes for granted."""
    conditions = record.conditions if record is not None else {}
    return {
        name: {"status": one.status, "reason": one.reason, "message": one.message}
        for name, one in conditions.items()
        if name not in OF_SESSIONS
    }


def announcers_json(plan: Plan, node: NodeName) -> list[Json]:
    """Return what *node* answers for, by address."""
    found = [
        {"address": address, "interface": entry["interface"], "mode": entry["responder"]}
        for entry in assignments_in(plan.announcers[node].spec)
        for address in entry["addresses"]
    ]
    return sorted(found, key=lambda one: address_order(read_address(one["address"])))


def service_json(plan: Plan, key: Any) -> Json:
    allocation = plan.allocations.services[key]
    return {
        "addresses": [grant.text for grant in allocation.grants],
        "allocatedFrom": [grant.eip for grant in allocation.grants],
        "annotations": dict(plan.services[key].annotations),
        "allocated": verdict_json(allocation.verdict),
        "announced": verdict_json(plan.announcements[key].verdict),
    }


def verdict_json(verdict: Verdict) -> Json:
    return {"status": verdict.status, "reason": verdict.reason, "message": str(verdict)}


def paths_json(plan: Plan, peer: PeerName) -> list[Json]:
    """Return what *peer* is told, as it hears it."""
    routes = plan.routes
    seen = [
        (one.identity, one.neighbors[peer])
        for one in plan.speakers
        if one.identity is not None and peer in one.neighbors
    ]
    # A speaker sends LOCAL_PREF to iBGP routers only, not to other members of a confederation.
    internal = any(router.is_internal(ours.asn) for ours, router in seen)
    loops = any(_hears_no_prepending(ours, router) for ours, router in seen)
    advertised = (key for key, route in routes.items() if peer in route.peers)
    return [
        _path(plan, key, routes[key], prefers=internal, prepends=not loops)
        for key in sorted(advertised, key=route_order)
    ]


def _hears_no_prepending(identity: SpeakerIdentity, router: Neighbor) -> bool:
    """Whether what is put before a path would be a loop there, or does not count: RFC 5065."""
    among = identity.confederation
    return router.is_internal(identity.asn) or (among is not None and router.asn in among.members)


def _path(plan: Plan, key: RouteKey, route: Route, *, prefers: bool, prepends: bool) -> Json:
    has = route.attributes
    return {
        "prefix": str(key.prefix),
        "nextHop": str(key.next_hop),
        "node": plan.speakers[0].nodes.get(key.next_hop),
        "communities": [*has.communities, *has.large_communities],
        "localPref": has.local_pref if prefers else None,
        "med": has.med,
        "asPathPrepend": has.as_path_prepend if prepends else 0,
        "weight": has.weight,
    }


def counts_json(counts: Counts) -> Mapping[str, str]:
    """Return numbers of addresses as decimal strings, which JSON keeps exact."""
    return {"ipv4": str(counts.ipv4), "ipv6": str(counts.ipv6)}
