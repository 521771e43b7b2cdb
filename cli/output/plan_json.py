"""A plan as JSON: the keys and orders of `pointsman plan --offline -o json`. They are API.

Keys are sorted by whoever prints. Lists: addresses by the Service's families, paths by
prefix then next hop, announcers by address. `conditions` is what our own resources say.
"""

from collections.abc import Mapping
from typing import Any, Final

from manager.planner.desired import Counts, Plan
from manager.snapshot import Snapshot
from pointsman.model.names import ADD_PATH, ESTABLISHED
from pointsman.model.route import PeerName, Route, RouteKey, route_order
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
                "capacity": _counts(usage.capacity),
                "allocated": _counts(usage.allocated),
                "available": _counts(usage.available),
            }
            for name, usage in plan.allocations.eips.items()
        },
        "peers": {name: {"paths": paths_json(plan, name)} for name in snapshot.bgp_peers},
        "announcers": {name: [] for name in snapshot.nodes},  # protocol layer2 fills these
        "conditions": {
            f"{key.kind}/{key.name}": {
                name: {"status": one.status, "reason": one.reason, "message": one.message}
                for name, one in record.conditions.items()
                if name not in OF_SESSIONS
            }
            for key, record in plan.statuses.items()
        },
    }


def service_json(plan: Plan, key: Any) -> Json:
    allocation = plan.allocations.services[key]
    return {
        "addresses": [str(grant.address) for grant in allocation.grants],
        "allocatedFrom": [grant.eip for grant in allocation.grants],
        "annotations": dict(plan.services[key].annotations),
        "allocated": verdict_json(allocation.verdict),
        "announced": verdict_json(plan.announcements[key].verdict),
    }


def verdict_json(verdict: Verdict) -> Json:
    return {"status": verdict.status, "reason": verdict.reason, "message": str(verdict)}


def paths_json(plan: Plan, peer: PeerName) -> list[Json]:
    """Return what *peer* is told."""
    routes = plan.routes
    # Its own AS in a path would be a loop to an iBGP router: it hears no prepending.
    internal = any(
        one.identity is not None and one.neighbors[peer].is_internal(one.identity.asn)
        for one in plan.speakers
        if peer in one.neighbors
    )
    advertised = (key for key, route in routes.items() if peer in route.peers)
    return [
        _path(plan, key, routes[key], prepends=not internal)
        for key in sorted(advertised, key=route_order)
    ]


def _path(plan: Plan, key: RouteKey, route: Route, *, prepends: bool) -> Json:
    has = route.attributes
    return {
        "prefix": str(key.prefix),
        "nextHop": str(key.next_hop),
        "node": plan.speakers[0].nodes.get(key.next_hop),
        "communities": [*has.communities, *has.large_communities],
        "localPref": has.local_pref,
        "med": has.med,
        "asPathPrepend": has.as_path_prepend if prepends else 0,
        "weight": has.weight,
    }


def _counts(counts: Counts) -> Mapping[str, str]:
    return {"ipv4": str(counts.ipv4), "ipv6": str(counts.ipv6)}
