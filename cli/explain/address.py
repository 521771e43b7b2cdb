"""`pointsman explain address IP`: who holds it, who may give it out, who waits for it."""

from cli.explain.explanation import Explanation, listed, nodes_table, verdict_lines
from cli.explain.service import candidates_json
from cli.output.answered import answered_json, answered_tables, routes_json, routes_tables
from cli.output.cells import cell
from cli.output.tables import Table
from cli.source.cluster import PlannedCluster
from manager.planner.addresses.explain import explain_address
from manager.planner.plan_json import Json, verdict_json
from pointsman.api import dialect
from pointsman.model.address import Address
from pointsman.runtime.errors import Misuse


def address_of(subject: str, _: str | None) -> Address:
    """Return the address that *subject* spells.

    Raises:
        Misuse: it is none.
    """
    address = dialect.read_ip(subject)
    if address is None:
        raise Misuse(f"{subject!r} is no IP address: write 192.0.2.1 or 2001:db8::1.")
    return address


def story(seen: PlannedCluster, address: Address) -> Json:
    """Return who holds *address*, who may give it out, who waits for it and who carries it."""
    found = explain_address(seen.settled, seen.plan.allocations, address)
    announcements = [seen.plan.announcements[key] for key in found.holders]
    return {
        "address": str(found.address),
        "summary": found.summary,
        "bookedOn": found.eip,
        "holders": list(found.holders),
        "recorded": list(found.recorded),
        "routed": found.routed,
        "eips": [
            {
                "eip": source.eip,
                "ready": verdict_json(source.ready),
                "withheld": source.withheld,
            }
            for source in found.sources
        ],
        "announced": [
            {
                "service": key,
                **verdict_json(one.verdict),
                "candidates": candidates_json(one),
            }
            for key, one in zip(found.holders, announcements, strict=True)
        ],
        "answeredBy": answered_json(seen.found, seen.plan, {found.address}, seen.plan.announcers),
        "unreachable": routes_json(seen.found, seen.plan, seen.plan.announcers, [found.address]),
        "waiting": [{"candidate": one.candidate, "why": one.why} for one in found.waiting],
    }


def explanation(story: Json) -> Explanation:
    """Return *story* for people."""
    lines = [story["summary"]]
    if story["bookedOn"] is not None:
        lines.append(f"It is booked on Eip '{story['bookedOn']}'.")
    for one in story["announced"]:
        lines += verdict_lines("announced", one)
    tables = (
        Table(
            "EIPS",
            ("EIP", "READY", "WITHHELD", "MESSAGE"),
            tuple(
                (e["eip"], cell(e["ready"]), e["withheld"], e["ready"]["message"])
                for e in story["eips"]
            ),
        ),
        listed("WAITING FOR IT", ("SERVICE", "WHY"), story["waiting"], ("candidate", "why")),
        nodes_table([node for one in story["announced"] for node in one["candidates"]]),
        *answered_tables(story["answeredBy"]),
        *routes_tables(story["unreachable"]),
    )
    return Explanation(tuple(lines), tables)
