"""`pointsman plan`: what the planner makes of files, or what they would change in a cluster.

It applies nothing, anywhere.
"""

import argparse
from collections.abc import Iterator
from typing import Final

from cli.output import tables
from cli.output.cells import PATH_COLUMNS, cell, path_row, why
from cli.output.plan_diff import differences
from cli.output.tables import Table
from cli.routers import config
from cli.source import cluster
from cli.source.change import before_and_after
from manager.planner.desired import Plan
from manager.planner.plan_json import Json, plan_json
from manager.snapshot import EipName
from pointsman.model.names import (
    AGGREGATES_REFUSED,
    AGGREGATES_UNGUARDED,
    BGP_APPLIED,
    NEXT_HOPS_LIMITED,
    NEXT_HOPS_MISSING,
    READY,
)
from pointsman.model.printable import clipped
from pointsman.model.record import ResourceKey
from pointsman.model.verdicts.address import Ready
from pointsman.runtime.errors import Misuse

NODE_COLUMNS: Final = ("NODE", "ADDRESS", "INTERFACE", "MODE")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare this command's options on *parser*."""
    cluster.arguments(parser)
    parser.add_argument(
        "--router-config",
        choices=config.KINDS,
        help="print what the routers need for the cluster as it is, in their configuration",
    )
    parser.add_argument("--peer", metavar="NAME", help="with --router-config: only this router")


def run(given: argparse.Namespace) -> int:
    """Return 0, or 1 if an object could not be read or judged."""
    if given.router_config is not None:
        return _routers(given)
    if given.peer is not None:
        raise Misuse("plan --peer goes with --router-config only.")
    return _whole(given) if given.offline else _what_if(given)


def _routers(given: argparse.Namespace) -> int:
    if given.paths and not given.offline:
        raise Misuse("plan --router-config reads files with --offline only: --offline -f PATH.")
    seen = cluster.settled(cluster.read(given))
    found = config.text(seen, given.router_config, given.peer)
    if not tables.show_value({"config": found.splitlines()}, given.output):
        print(found or "There is no BgpConf default, or no BgpPeer: no router needs anything.")
    return 0 if seen.complete else 1


def _whole(given: argparse.Namespace) -> int:
    seen = cluster.settled(cluster.read(given))
    shape = plan_json(seen.settled, seen.plan)
    if not tables.show_value(shape, given.output):
        tables.show(_plan_tables(shape, seen.plan))
    return 0 if seen.complete else 1


def _what_if(given: argparse.Namespace) -> int:
    documents, broken = cluster.something(given.paths, *cluster.from_files(given))
    live = [("cluster", raw) for raw in cluster.live(given)]
    now, then = before_and_after(given, live, documents=documents, broken=broken)
    change = differences(now, then)
    if not tables.show_value(change, given.output):
        if any(change.values()):
            tables.show(table for table in _change_tables(change) if table.rows)
        else:
            print("Nothing would change.")
    return 0 if then.complete else 1


def _plan_tables(shape: Json, plan: Plan) -> Iterator[Table]:
    services, peers = sorted(shape["services"].items()), sorted(shape["peers"].items())
    yield Table(
        "SERVICES",
        ("SERVICE", "ADDRESSES", "EIP", "ALLOCATED", "ANNOUNCED", "WHY"),
        tuple(
            (
                key,
                ",".join(one["addresses"]),
                ",".join(eip or tables.NOTHING for eip in one["allocatedFrom"]),
                cell(one["allocated"]),
                cell(one["announced"]),
                why(one["allocated"], one["announced"]),
            )
            for key, one in services
        ),
    )
    yield Table(
        "EIPS",
        ("EIP", "READY", "CAPACITY", "ALLOCATED", "AVAILABLE", "WHY"),
        tuple(
            (name, cell(one["ready"]), *_counts(one), _eip_why(plan, name))
            for name, one in sorted(shape["eips"].items())
        ),
    )
    yield Table(
        "PEERS",
        ("PEER", "READY", "PATHS", "WHY"),
        tuple(_peer(plan, name, one["paths"]) for name, one in peers),
    )
    yield Table(
        "PATHS",
        PATH_COLUMNS,
        tuple(path_row(name, path) for name, one in peers for path in one["paths"]),
    )

    rows = tuple(
        _node_row(name, entry)
        for part in ("announcers", "unreachable")
        for name, entries in sorted(shape[part].items())
        for entry in entries
    )
    if rows:  # bgp asks nothing of nodes
        yield Table("ON NODES", NODE_COLUMNS, rows)


def _node_row(name: str, entry: Json) -> tuple[str, ...]:
    """Return what a node is to have: an address, or an unreachable route."""
    if "prefix" in entry:
        return name, entry["prefix"], "", "route" if entry["redistribute"] else "discard"
    return name, entry["address"], clipped(entry["interface"]), entry["mode"]


def _change_tables(change: Json) -> Iterator[Table]:
    yield Table(
        "SERVICES",
        ("SERVICE", "GAINS", "LOSES", "ALLOCATED", "ANNOUNCED", "WHY"),
        tuple(
            (
                key,
                ",".join(one["gained"]),
                ",".join(one["lost"]),
                cell(one["allocated"]),
                cell(one["announced"]),
                why(one["allocated"], one["announced"])
                if one["allocated"]
                else "It is no longer ours to serve.",
            )
            for key, one in change["services"].items()
        ),
    )
    yield Table(
        "EIPS",
        ("EIP", "READY", "CAPACITY", "ALLOCATED", "AVAILABLE", "WHY"),
        tuple(
            (name, cell(one["ready"]), *_counts(one), why(one["ready"]))
            if (one := both["after"])
            else (name, "deleted", "", "", "", "")
            for name, both in change["eips"].items()
        ),
    )
    peers = change["peers"].items()
    yield Table(
        "SESSIONS",
        ("PEER", "SESSION", "BECAUSE OF"),
        tuple(
            (name, one["session"]["change"], ",".join(one["session"]["because"]))
            for name, one in peers
            if one["session"]
        ),
    )
    signs = (("-", "removed"), ("+", "added"), ("~", "changed"))
    rows = tuple(
        (sign, *_node_row(name, entry))
        for part in ("announcers", "unreachable")
        for name, one in change[part].items()
        for sign, way in signs[:2]
        for entry in one[way]
    )
    if rows:
        yield Table("ON NODES", ("", *NODE_COLUMNS), rows)
    yield Table(
        "PATHS",
        ("", *PATH_COLUMNS),
        tuple(
            (sign, *path_row(name, path))
            for name, one in peers
            for sign, part in signs
            for path in one[part]
        ),
    )


def _eip_why(plan: Plan, name: str) -> str:
    """Return what is wrong with an Eip, or worth a look though it is Ready."""
    ready = plan.allocations.eips[EipName(name)].ready
    calls = isinstance(ready, Ready) and bool(ready.warning or ready.empty)
    record = plan.statuses.get(ResourceKey("Eip", name))
    conditions = record.conditions if record is not None else {}
    bgp = conditions.get(BGP_APPLIED)
    found = [str(ready)] if calls or not ready.ok else []
    if bgp is not None and bgp.status != "True":
        found.append(bgp.message)
    aggregates = (conditions.get(one) for one in (AGGREGATES_REFUSED, AGGREGATES_UNGUARDED))
    found += [one.message for one in aggregates if one is not None]
    return " ".join(found)


def _peer(plan: Plan, name: str, paths: list[Json]) -> tuple[str, ...]:
    record = plan.statuses.get(ResourceKey("BgpPeer", name))
    ready = record.conditions.get(READY) if record is not None else None
    if record is None or ready is None:
        return name, "", str(len(paths)), ""
    verdict = {"status": ready.status, "reason": ready.reason, "message": ready.message}
    missing = record.conditions.get(NEXT_HOPS_MISSING) or record.conditions.get(NEXT_HOPS_LIMITED)
    sentence = why(verdict) or (missing.message if missing is not None else "")
    return name, cell(verdict), str(len(paths)), sentence


def _counts(eip: Json) -> tuple[str, ...]:
    return tuple(_count(eip[key]) for key in ("capacity", "allocated", "available"))


def _count(counts: Json) -> str:
    families = (("ipv4", "IPv4"), ("ipv6", "IPv6"))
    present = (f"{counts[key]} {name}" for key, name in families if counts[key] != "0")
    return " + ".join(present) or "0"
