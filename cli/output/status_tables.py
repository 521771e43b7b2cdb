"""What `pointsman status` says, as tables. Pure."""

from collections.abc import Iterable

from cli.output.cells import cell
from cli.output.tables import Table
from manager.planner.plan_json import Json


def status_tables(shape: Json) -> Iterable[Table]:
    """Return peers, pools, services and nodes; what is wrong stands below them."""
    yield Table(
        "PEERS",
        ("PEER", "ADDRESS", "AS", "ESTABLISHED", "ADD-PATH", "PREFIXES", "PATHS"),
        tuple(
            (
                name,
                one["address"] or "",
                str(one["as"] or ""),
                "disabled" if one["disabled"] else cell(one["established"]),
                cell(one["addPathNegotiated"]),
                *_advertised(one["speakers"]),
            )
            for name, one in shape["peers"].items()
        ),
    )
    yield Table(
        "EIPS",
        ("EIP", "PROTOCOL", "ADDRESSES", "READY", "ALLOCATED", "AVAILABLE", "SERVICES"),
        tuple(
            (
                name,
                one["protocol"] or "",
                ",".join(one["addresses"]),
                cell(one["ready"]),
                _count(one["allocated"]),
                _count(one["available"]),
                "" if one["services"] is None else str(one["services"]),
            )
            for name, one in shape["eips"].items()
        ),
    )
    yield Table(
        "SERVICES",
        ("SERVICE", "ADDRESSES", "ALLOCATED", "ANNOUNCED"),
        tuple(
            (key, ",".join(one["addresses"]), cell(one["allocated"]), cell(one["announced"]))
            for key, one in shape["services"].items()
        ),
    )
    yield Table(
        "NODES",
        ("NODE", "READY", "AGENT", "INTERFACES", "PROXY", "ANSWERS FOR"),
        tuple(
            (
                name,
                one["ready"],
                str(one["agent"]),
                ",".join(one["interfaces"]),
                {True: "healthy", False: "failing", None: ""}[one["proxyHealthy"]],
                str(one["answersFor"] or ""),
            )
            for name, one in shape["nodes"].items()
        ),
    )


def _advertised(speakers: list[object]) -> tuple[str, str]:
    """Return what the router is told, by speaker: `3` or, from two replicas, `3/3`."""
    entries = [one for one in speakers if isinstance(one, dict)]
    prefixes, paths = (
        "/".join(str(one[key]) for one in entries if key in one)
        for key in ("advertisedPrefixes", "advertisedPaths")
    )
    return prefixes, paths


def _count(counts: object) -> str:
    if not isinstance(counts, dict):
        return ""
    return " + ".join(f"{counts.get(family, '?')} {family}" for family in ("ipv4", "ipv6"))
