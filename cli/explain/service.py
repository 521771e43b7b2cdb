"""`pointsman explain service NS/NAME`: its addresses, both verdicts, and every reason."""

from cli.explain.explanation import Explanation, listed, nodes_table, verdict_lines
from cli.output.answered import answered_json, answered_tables, routes_json, routes_tables
from cli.output.cells import PATH_COLUMNS, cell, path_row
from cli.output.tables import Table
from cli.source.cluster import PlannedCluster
from manager.planner.addresses.explain import explain_eips
from manager.planner.desired import Announcement
from manager.planner.plan_json import Json, paths_json, service_json
from manager.snapshot import Service, ServiceKey
from pointsman.model.names import ALLOCATED, ANNOUNCED, LOAD_BALANCER, LOAD_BALANCER_CLASS
from pointsman.model.printable import clipped
from pointsman.runtime.errors import Failed, Misuse


def key_of(subject: str, namespace: str | None) -> ServiceKey:
    """Return which Service *subject* means: NAMESPACE/NAME, or NAME in *namespace*.

    Raises:
        Misuse: none can have that name, or it says two namespaces.
    """
    own, slash, name = subject.rpartition("/")
    if not name or (slash and not own) or "/" in own:
        raise Misuse(f"{subject!r} names no Service: write NAMESPACE/NAME.")
    if own and namespace and own != namespace:
        raise Misuse(f"{subject!r} is not in namespace {namespace!r}: leave out one of both.")
    return ServiceKey(f"{own or namespace or 'default'}/{name}")


def story(seen: PlannedCluster, key: ServiceKey) -> Json:
    """Return everything that was decided about a Service.

    Raises:
        Failed: there is none.
    """
    service = seen.found.services.get(key)
    if service is None:
        raise Failed(f"There is no Service {key}.")
    return service_story(seen, service)


def service_story(seen: PlannedCluster, service: Service) -> Json:
    """Return everything that was decided about *service*; `ours` False: nothing was."""
    plan, key = seen.plan, service.key
    if key not in plan.allocations.services:
        return {"service": key, "ours": False, "why": _not_ours(seen, service)}
    allocation, announcement = plan.allocations.services[key], plan.announcements[key]
    mine = {f"{a}/{a.max_prefixlen}" for a in (g.address for g in allocation.grants)}
    recorded = {
        c.type: {"status": c.status, "reason": c.reason, "message": c.message}
        for c in service.conditions
        if c.type in (ALLOCATED, ANNOUNCED)
    }
    return {
        "service": key,
        "ours": True,
        **service_json(plan, key),
        "recorded": {
            "addresses": [i.ip or clipped(i.hostname) for i in service.ingress],
            **recorded,
        },
        "candidates": candidates_json(announcement),
        "answeredBy": answered_json(
            seen.found, plan, {g.address for g in allocation.grants}, plan.announcers
        ),
        "unreachable": routes_json(
            seen.found, plan, plan.announcers, [g.address for g in allocation.grants]
        ),
        "refusals": [{"candidate": r.candidate, "why": r.why} for r in allocation.refusals],
        "eips": [
            {"eip": one.eip, "family": one.family, "why": one.why}
            for one in explain_eips(seen.settled, service)
        ],
        "paths": {
            peer: [path for path in paths_json(plan, peer) if path["prefix"] in mine]
            for peer in sorted(seen.settled.bgp_peers)
        },
    }


def candidates_json(announcement: Announcement) -> list[Json]:
    """Return every node that was considered, and the reason for or against it."""
    return [
        {
            "node": one.node,
            "carries": not one.excluded_by,
            "excludedBy": one.excluded_by,
            "despite": one.despite,
        }
        for one in announcement.candidates
    ]


def _not_ours(seen: PlannedCluster, service: Service) -> str:
    if service.key in seen.plan.left_alone:
        return str(seen.plan.left_alone[service.key])
    if service.type != LOAD_BALANCER:
        return (
            f"Service {service.key} is of type {clipped(service.type)}. Pointsman serves type "
            "LoadBalancer."
        )
    if service.load_balancer_class is not None:
        return (
            f"Service {service.key} has loadBalancerClass "
            f"{clipped(service.load_balancer_class)}. "
            f"Pointsman serves {LOAD_BALANCER_CLASS}."
        )
    return (
        f"Service {service.key} has no loadBalancerClass, and --require-class asks for "
        f"{LOAD_BALANCER_CLASS}."
    )


def explanation(story: Json) -> Explanation:
    """Return *story* for people."""
    if not story["ours"]:
        return Explanation((story["why"],))
    lines = [f"Service {story['service']}"]
    for aspect in ("allocated", "announced"):
        lines += verdict_lines(aspect, story[aspect])
    lines += (f"  not written yet: {difference}" for difference in _unwritten(story))
    paths = (path_row(peer, path) for peer, of_peer in story["paths"].items() for path in of_peer)
    grants = zip(story["addresses"], story["allocatedFrom"], strict=True)
    tables = (
        Table("ADDRESSES", ("ADDRESS", "EIP"), tuple((a, e or "") for a, e in grants)),
        listed("REFUSED", ("CANDIDATE", "WHY"), story["refusals"], ("candidate", "why")),
        Table(
            "EIPS, FOR ONE MORE ADDRESS",
            ("EIP", "FAMILY", "CAN GIVE", "WHY"),
            tuple((e["eip"], e["family"], str(not e["why"]), e["why"]) for e in story["eips"]),
        ),
        nodes_table(story["candidates"]),
        Table("PATHS", PATH_COLUMNS, tuple(paths)),
        *answered_tables(story["answeredBy"]),
        *routes_tables(story["unreachable"]),
    )
    return Explanation(tuple(lines), tables)


def _unwritten(story: Json) -> list[str]:
    """Return where the object in the cluster does not say yet what was decided."""
    recorded = story["recorded"]
    found = []
    if recorded["addresses"] != story["addresses"]:
        has = ", ".join(recorded["addresses"]) or "no address"
        found.append(f"its status has {has}")
    for aspect, condition in (("allocated", ALLOCATED), ("announced", ANNOUNCED)):
        stands = recorded.get(condition)
        if stands is not None and stands != story[aspect]:
            found.append(f"its condition {condition} is {cell(stands)}: {stands['message']}")
    return found
