"""`pointsman explain eip NAME`: who has its addresses, whom it refuses, who announces them."""

from cli.explain.explanation import (
    Explanation,
    conditions_table,
    listed,
    nodes_table,
    verdict_lines,
)
from cli.output.answered import answered_json, answered_tables, routes_json, routes_tables
from cli.output.cells import cell
from cli.output.tables import Table
from cli.source.cluster import PlannedCluster
from manager.planner.addresses.explain import explain_eip
from manager.planner.bgp.explain import explain_hearers
from manager.planner.nodes.eligible import nodes_for
from manager.planner.plan_json import Json, counts_json, record_json, verdict_json
from manager.snapshot import EipName
from pointsman.model.printable import clipped
from pointsman.model.record import ResourceKey
from pointsman.runtime.errors import Failed


def story(seen: PlannedCluster, name: EipName) -> Json:
    """Return everything that is known and decided about an Eip.

    Raises:
        Failed: there is none.
    """
    eip = seen.found.eips.get(name)
    if eip is None:
        raise Failed(f"There is no Eip {clipped(name)}.")
    plan, spec = seen.plan, eip.spec
    found = explain_eip(seen.settled, plan.allocations, name)
    held = {address for addresses in found.holders.values() for address in addresses}
    return {
        "eip": name,
        "protocol": str(spec.protocol) if spec else None,
        "default": spec.default if spec else False,
        "priority": spec.priority if spec else None,
        "addresses": [str(block) for block in spec.addresses] if spec else [],
        "source": spec.source.label if spec and spec.source is not None else None,
        "exclude": [str(block) for block in spec.exclude] if spec else [],
        "deleting": eip.deleting,
        "finalizers": list(map(clipped, eip.finalizers)),
        "ready": verdict_json(found.usage.ready),
        "capacity": counts_json(found.usage.capacity),
        "allocated": counts_json(found.usage.allocated),
        "available": counts_json(found.usage.available),
        "conditions": record_json(plan.statuses.get(ResourceKey("Eip", name))),
        "recorded": {
            c.type: {"status": c.status, "reason": c.reason, "message": c.message}
            for c in eip.conditions
        },
        "holders": [
            {"service": key, "addresses": list(map(str, addresses))}
            for key, addresses in found.holders.items()
        ],
        "withheld": [{"address": str(a), "owner": owner} for a, owner in found.withheld.items()],
        "refused": [{"service": one.candidate, "why": one.why} for one in found.refused],
        "candidates": _candidates(seen, name),
        "peers": [
            {"peer": one.peer, "family": str(one.family), "hears": not one.why, "why": one.why}
            for one in explain_hearers(seen.settled, plan.allocations, name)
        ],
        "answeredBy": answered_json(seen.found, plan, held, plan.announcers),
        "unreachable": routes_json(seen.found, plan, plan.announcers, held),
    }


def _candidates(seen: PlannedCluster, name: EipName) -> list[Json]:
    spec = seen.found.eips[name].spec
    nodes = nodes_for(seen.found, spec.node_selector if spec is not None else None)
    why = {one: nodes.excluded.get(one) or nodes.draining.get(one, "") for one in seen.found.nodes}
    return [
        {
            "node": node,
            "carries": not clause,
            "excludedBy": clause,
            "despite": nodes.ignored.get(node, ""),
        }
        for node, clause in sorted(why.items())
    ]


def _addresses(story: Json) -> str:
    addresses = ", ".join(story["addresses"])
    if story["source"] is None:
        return addresses or "none"
    limits = f", of {addresses}" if addresses else ""
    return f"from {story['source']}{limits}"


def explanation(story: Json) -> Explanation:
    """Return *story* for people."""
    kind = f"protocol {story['protocol']}" if story["protocol"] else "not readable"
    lines = [
        f"Eip {story['eip']}: {kind}{', default' if story['default'] else ''}",
        f"  addresses: {_addresses(story)}",
        *verdict_lines("ready", story["ready"]),
    ]
    if story["deleting"]:
        lines.append(f"  being deleted; held by {', '.join(story['finalizers']) or 'nobody'}")
    holders = ((one["service"], ",".join(one["addresses"])) for one in story["holders"])
    decided = ((name, cell(one), one["message"]) for name, one in story["conditions"].items())
    counts = ("capacity", "allocated", "available")
    tables = (
        Table(
            "ADDRESSES",
            ("FAMILY", *map(str.upper, counts)),
            tuple(
                (name, *(story[count][key] for count in counts))
                for key, name in (("ipv4", "IPv4"), ("ipv6", "IPv6"))
                if story["capacity"][key] != "0" or story["allocated"][key] != "0"
            ),
        ),
        Table("HELD BY", ("SERVICE", "ADDRESSES"), tuple(holders)),
        listed("REFUSED HERE", ("SERVICE", "WHY"), story["refused"], ("service", "why")),
        listed("NEVER GIVEN", ("ADDRESS", "WHY"), story["withheld"], ("address", "owner")),
        nodes_table(story["candidates"]),
        Table(
            "ROUTERS",
            ("PEER", "FAMILY", "HEARS", "WHY"),
            tuple(
                (one["peer"], one["family"], str(one["hears"]), one["why"])
                for one in story["peers"]
            ),
        ),
        Table("CONDITIONS", ("CONDITION", "STATUS", "MESSAGE"), tuple(decided)),
        conditions_table(story["recorded"]),
        *answered_tables(story["answeredBy"]),
        *routes_tables(story["unreachable"]),
    )
    return Explanation(tuple(lines), tables)
