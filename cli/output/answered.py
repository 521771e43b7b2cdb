"""Who has addresses of protocols layer2 and kernel, and routes, as planned and as it stands.

It judges nothing: what is planned is the planner's, what is withheld or claimed is in the words
of the node's agent.
"""

from collections.abc import Container, Iterable, Iterator
from typing import Any, Final

from cli.output.tables import Table
from manager.planner.announcer_specs import assignments_in, routes_in
from manager.planner.desired import Plan
from manager.planner.plan_json import Json
from manager.snapshot import Announcer, NodeName, Snapshot
from pointsman.model.address import Address, Prefix, address_order, prefix_order
from pointsman.model.assignment import KERNEL, Unreachable
from pointsman.model.printable import clipped
from pointsman.model.ranges import read_address
from pointsman.wire.asked_prefixes import read_prefix

COLUMNS: Final = ("ADDRESS", "NODE", "INTERFACE", "MODE", "STANDS", "WHY")
ROUTE_COLUMNS: Final = ("PREFIX", "NODE", "FOR ITS ROUTER", "STANDS", "WHY")


def answered_json(
    found: Snapshot, plan: Plan, addresses: Container[Address], nodes: Container[NodeName]
) -> list[Json]:
    """Return who is planned to answer for which of *addresses*, in order of these.

    `stands`: its Announcer says so already; `why`: what its agent says against it.
    """
    entries = sorted(
        _answered(found, plan, addresses, nodes), key=lambda one: (one[0], one[1]["node"])
    )
    return [entry for _, entry in entries]


def _answered(
    found: Snapshot, plan: Plan, addresses: Container[Address], nodes: Container[NodeName]
) -> Iterator[tuple[Any, Json]]:
    for node, record in plan.announcers.items():
        if node not in nodes:
            continue
        known = found.announcers.get(node)
        stands = {
            (one.interface, address)
            for one in (known.assignments if known is not None else ())
            for address in one.addresses
        }
        for entry in assignments_in(record.spec):
            interface = entry["interface"]
            for text in entry["addresses"]:
                if (address := read_address(text)) not in addresses:
                    continue
                why = ""
                if known is not None and (other := known.conflicts.get(address)) is not None:
                    why = f"{clipped(other.mac)} claims it on {clipped(other.interface)}"
                elif known is not None:
                    why = known.withheld.get(address, "")
                yield (
                    address_order(address),
                    {
                        "address": text,
                        "node": node,
                        "interface": interface,
                        "mode": entry["responder"],
                        "stands": (interface, address) in stands,
                        "why": why,
                    },
                )


def routes_json(
    found: Snapshot,
    plan: Plan,
    nodes: Container[NodeName],
    addresses: Iterable[Address] | None = None,
) -> list[Json]:
    """Return which nodes are planned to have an unreachable route, by prefix, then node.

    Only of prefixes that hold one of *addresses*; None: of all. `redistribute`: it leads there, by
    the node's own router; else it only ends what nobody has.
    """
    sought = None if addresses is None else tuple(addresses)
    entries = []
    for node, record in plan.announcers.items():
        known = found.announcers.get(node) if node in nodes else None
        for entry in routes_in(record.spec) if node in nodes else ():
            prefix = read_prefix(entry["prefix"])
            if sought is None or any(a.version == prefix.version and a in prefix for a in sought):
                entries.append((prefix_order(prefix), node, _route(prefix, node, entry, known)))
    return [entry for *_, entry in sorted(entries, key=lambda one: one[:2])]


def _route(prefix: Prefix, node: NodeName, entry: Json, known: Announcer | None) -> Json:
    route = Unreachable(prefix, entry["redistribute"])
    why = known.withheld.get(prefix.network_address, "") if known is not None else ""
    return {
        **entry,
        "node": node,
        "stands": known is not None and route in known.unreachable,
        "why": why,
    }


def routes_tables(entries: list[Json]) -> tuple[Table, ...]:
    """Return *entries* for people; nothing where there are none."""
    rows = tuple(
        (one["prefix"], one["node"], str(one["redistribute"]), str(one["stands"]), one["why"])
        for one in entries
    )
    return (Table("UNREACHABLE ROUTES", ROUTE_COLUMNS, rows),) if rows else ()


def answered_tables(entries: list[Json]) -> tuple[Table, ...]:
    """Return *entries* for people: nothing where there are none, as with every other protocol."""
    if not entries:
        return ()
    rows = tuple(
        (
            one["address"],
            one["node"],
            clipped(one["interface"]),
            one["mode"],
            str(one["stands"]),
            one["why"],
        )
        for one in entries
    )
    kernel = all(one["mode"] == KERNEL for one in entries)
    return (Table("ADDRESSES OF NODES" if kernel else "ANSWERED BY", COLUMNS, rows),)
