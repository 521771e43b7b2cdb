"""`pointsman plan`: what the planner makes of files, or what they would change in a cluster.

It applies nothing, anywhere.
"""

import argparse
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from cli.output import tables
from cli.output.plan_diff import differences
from cli.output.plan_json import Json, plan_json
from cli.output.tables import Table
from cli.routers import config
from cli.source import apply, cluster
from manager.inspect.cluster import Reading
from manager.planner.desired import Plan
from manager.snapshot import EipName
from pointsman.model.names import BGP_APPLIED, NEXT_HOPS_LIMITED, NEXT_HOPS_MISSING, READY
from pointsman.model.printable import clipped
from pointsman.model.record import ResourceKey
from pointsman.model.verdicts.address import Ready
from pointsman.runtime.errors import Misuse

PATH_COLUMNS: Final = ("PEER", "PREFIX", "NEXT HOP", "NODE", "COMMUNITIES")


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
    if given.output == "json":
        tables.show_json({"config": found.splitlines()})
    else:
        print(found or "There is no BgpConf default, or no BgpPeer: no router needs anything.")
    return 0 if seen.complete else 1


def _whole(given: argparse.Namespace) -> int:
    seen = cluster.settled(cluster.read(given))
    shape = plan_json(seen.settled, seen.plan)
    if given.output == "json":
        tables.show_json(shape)
    else:
        tables.show(_plan_tables(shape, seen.plan))
    return 0 if seen.complete else 1


def _what_if(given: argparse.Namespace) -> int:
    documents, broken = cluster.from_files(given)
    if not documents and not broken:  # a template that rendered to nothing is no fine change
        broken = [f"No object is in {clipped(', '.join(given.paths), 256)}."]
    live = cluster.live(given)
    before = cluster.understood(given, (("cluster", raw) for raw in live))
    # A second from now: API servers count whole ones, and a tie would be decided by names.
    soon = datetime.now(UTC) + timedelta(seconds=1)
    after = cluster.understood(given, apply.applied(live, documents, now=soon))
    after = cluster.tell(Reading(after.snapshot, (*broken, *after.problems),
                                       after.passed_over))  # fmt: skip
    now = cluster.settled(before)
    then = cluster.settled(after, after=now)
    change = differences(now, then)
    if given.output == "json":
        tables.show_json(change)
    elif any(change.values()):
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
        tuple(_path(name, path) for name, one in peers for path in one["paths"]),
    )


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
    yield Table(
        "PATHS",
        ("", *PATH_COLUMNS),
        tuple(
            (sign, *_path(name, path))
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
    bgp = record.conditions.get(BGP_APPLIED) if record is not None else None
    found = [str(ready)] if calls or not ready.ok else []
    if bgp is not None and bgp.status != "True":
        found.append(bgp.message)
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


def cell(verdict: Json | None) -> str:
    """Return a verdict as a cell: its status, and its reason unless that says the same."""
    if verdict is None:
        return ""
    fine = verdict["status"] == "True"
    return verdict["status"] if fine else f"{verdict['status']} ({verdict['reason']})"


def why(*verdicts: Json | None) -> str:
    """Return the sentence of the first verdict that is not fine."""
    wrong = (one for one in verdicts if one is not None and one["status"] != "True")
    return next((str(one["message"]) for one in wrong), "")


def _counts(eip: Json) -> tuple[str, ...]:
    return tuple(_count(eip[key]) for key in ("capacity", "allocated", "available"))


def _count(counts: Json) -> str:
    families = (("ipv4", "IPv4"), ("ipv6", "IPv6"))
    present = (f"{counts[key]} {name}" for key, name in families if counts[key] != "0")
    return " + ".join(present) or "0"


def _path(peer: str, path: Json) -> tuple[str, ...]:
    node = path["node"] or ""
    return peer, path["prefix"], path["nextHop"], node, " ".join(path["communities"])
