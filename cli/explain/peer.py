"""`pointsman explain peer NAME`: its sessions, the nodes that it may be sent, what it is told."""

from dataclasses import fields

from cli.explain.explanation import Explanation, conditions_table, listed, verdict_lines
from cli.output.cells import PATH_COLUMNS, cell, path_row
from cli.output.session_diff import field, neighbor
from cli.output.tables import Table
from cli.source.cluster import PlannedCluster
from manager.planner.bgp.explain import PeerExplanation, explain_peer
from manager.planner.plan_json import Json, paths_json, record_json, verdict_json
from manager.snapshot import BgpPeer
from pointsman.model.printable import clipped
from pointsman.model.record import ResourceKey
from pointsman.model.route import Neighbor, PeerName
from pointsman.runtime.errors import Failed

RECORDED = ("name", "state", "establishedSince", "advertisedPrefixes", "advertisedPaths",
            "lastError")  # fmt: skip


def story(seen: PlannedCluster, name: PeerName) -> Json:
    """Return everything that is known and decided about a router.

    Raises:
        Failed: there is no such BgpPeer.
    """
    peer = seen.found.bgp_peers.get(name)
    if peer is None:
        raise Failed(f"There is no BgpPeer {clipped(name)}.")
    found = explain_peer(seen.settled, seen.plan.allocations, name)
    speakers = peer.status.get("speakers")
    return {
        "peer": name,
        "address": str(peer.spec.address) if peer.spec else None,
        "as": peer.spec.asn if peer.spec else None,
        "ready": verdict_json(found.ready),
        "conditions": record_json(seen.plan.statuses.get(ResourceKey("BgpPeer", name))),
        "recorded": _recorded(peer),
        "speakers": speakers if isinstance(speakers, list) else [],
        "sessions": _sessions(seen, name),
        "mostPaths": found.most_paths,
        "candidates": _candidates(found),
        "eips": [
            {"eip": one.eip, "family": str(one.family), "hears": not one.why, "why": one.why}
            for one in found.eips
        ],
        "paths": paths_json(seen.plan, name),
    }


def _recorded(peer: BgpPeer) -> Json:
    return {
        one.type: {"status": one.status, "reason": one.reason, "message": one.message}
        for one in peer.conditions
    }


def _sessions(seen: PlannedCluster, name: PeerName) -> list[Json]:
    """Return each session as it is to be configured; of a password only that there is one."""
    found = (neighbor(seen, name, index) for index in range(len(seen.plan.speakers)))
    return [
        {"speaker": index, **_configured(session)}
        for index, session in enumerate(found)
        if session is not None
    ]


def _configured(session: Neighbor) -> Json:
    shape: Json = {}
    for one in fields(Neighbor):
        value = getattr(session, one.name)
        if one.name in ("password", "bfd"):
            value = value is not None
        elif isinstance(value, tuple):
            value = list(value)
        elif value is not None and not isinstance(value, bool | int):
            value = str(value)
        shape[field(one.name)] = value
    return shape


def _candidates(found: PeerExplanation) -> list[Json]:
    return [
        {
            "node": one.node,
            "family": str(one.family),
            "nextHop": str(one.hop) if one.hop is not None else None,
            "shares": one.shares,
            "why": one.why,
        }
        for one in found.candidates
    ]


def explanation(story: Json) -> Explanation:
    """Return *story* for people."""
    lines = (
        f"BgpPeer {story['peer']}: {story['address'] or 'no address'}, AS {story['as'] or '?'}",
        *verdict_lines("ready", story["ready"]),
        f"  of one prefix it is sent {story['mostPaths']} paths at most",
    )
    speakers = [one for one in story["speakers"] if isinstance(one, dict)]
    entries = [{key: one.get(key) for key in RECORDED} for one in speakers]
    tables = (
        listed("SPEAKERS, AS RECORDED",
               ("SPEAKER", "STATE", "SINCE", "PREFIXES", "PATHS", "LAST ERROR"),
               entries, RECORDED),
        Table("SESSION", ("SPEAKER", "FIELD", "VALUE"), tuple(_settings(story["sessions"]))),
        Table(
            "NODES AS NEXT HOPS",
            ("NODE", "FAMILY", "NEXT HOP", "SHARES A NETWORK", "WHY"),
            tuple(
                (one["node"], one["family"], one["nextHop"] or "", str(one["shares"]), one["why"])
                for one in story["candidates"]
            ),
        ),
        Table(
            "EIPS",
            ("EIP", "FAMILY", "HEARS", "WHY"),
            tuple(
                (one["eip"], one["family"], str(one["hears"]), one["why"]) for one in story["eips"]
            ),
        ),
        Table(
            "PATHS", PATH_COLUMNS, tuple(path_row(story["peer"], one) for one in story["paths"])
        ),
        Table(
            "CONDITIONS",
            ("CONDITION", "STATUS", "MESSAGE"),
            tuple((name, cell(one), one["message"]) for name, one in story["conditions"].items()),
        ),
        conditions_table(story["recorded"]),
    )  # fmt: skip
    return Explanation(lines, tables)


def _settings(sessions: list[Json]) -> list[tuple[str, str, str]]:
    return [
        (str(one["speaker"]), name, ",".join(value) if isinstance(value, list) else str(value))
        for one in sessions
        for name, value in one.items()
        if name != "speaker" and value is not None
    ]
