"""`pointsman peers`: the sessions, as they should be and as the speaker has them.

With `--check` also what they show of the routers' configuration.
"""

import argparse
from collections.abc import Iterator
from typing import Any

from cli.output import drift, tables
from cli.output.drift import Sides
from cli.output.tables import Table
from cli.routers import config, contract
from cli.routers.contract import VIOLATED, Finding
from cli.source.cluster import PlannedCluster
from manager.planner.plan_json import Json
from pointsman.model.names import PREFIXES_RECEIVED
from pointsman.model.route import LIVE, MANY_PREFIXES, PeerName
from pointsman.runtime.terminal import say


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare this command's options on *parser*."""
    drift.arguments(parser)
    parser.add_argument(
        "--check", action="store_true",
        help="hold what each session shows against what `plan --router-config` prints",
    )  # fmt: skip


def run(given: argparse.Namespace) -> int:
    """Return 0, or 1 if a session is down or configured otherwise than it should be."""
    both = drift.sides(given, "peers")
    found = drift.peers_json(both)
    asked = both.observed is not None
    # Several speakers of one router share the condition that says what is wrong.
    wrong = list(dict.fromkeys(text for one in found for text in _wrong(one, asked=asked)))
    if not asked:
        wrong += _unwritten(both)
    value: dict[str, Any] = {"peers": found, "asked": asked, "wrong": wrong}
    checked = tuple(_checked(both, found)) if given.check else ()
    apart = tuple(contract.differences(found)) if given.check else ()
    if given.check:
        value |= {"clauses": [one.json for one in checked], "differences": list(apart)}
    violated = any(one.state == VIOLATED for one in checked)
    if not tables.show_value(value, given.output):
        several = len(both.plan.speakers) > 1
        columns = (
            *("NAME", "ADDRESS", *(("SPEAKER", "FROM") if several else ()), "AS", "STATE"),
            *("BFD", "ADD-PATH", "PATHS", "ADVERTISED", "DRIFT"),
        )
        rows = tuple(
            (
                one["name"],
                one["address"] or "",
                *([str(one["speaker"]), one["sourceAddress"] or ""] if several else []),
                "" if one["as"] is None else str(one["as"]),
                one["state"] or "",
                one["bfdState"],
                "" if one["addPathNegotiated"] is None else str(one["addPathNegotiated"]),
                str(one["desiredPaths"]),
                "" if one["advertisedPaths"] is None else str(one["advertisedPaths"]),
                ",".join(one["differs"]) or one["drift"] or "",
            )
            for one in found
        )
        tables.show([Table("Peers", columns, rows), *_clauses(checked)])
        for sentence in (*wrong, *apart):
            say(f"! {sentence}")
        for one in checked:
            _say_lines(one)
    return 1 if wrong or violated or not both.complete else 0


def _checked(both: Sides, sessions: list[Json]) -> Iterator[Finding]:
    """Yield what each session shows of each clause, in the order of *sessions*."""
    cluster = PlannedCluster(both.snapshot, both.snapshot, both.plan, both.complete)
    needs = {one.name: one for one in config.needs(cluster)}
    for session in sessions:
        if session["name"] not in needs or session["state"] is None:
            continue
        wanted = both.plan.speakers[session["speaker"]].neighbors.get(session["name"])
        restarts = wanted is not None and wanted.graceful_restart_seconds is not None
        sent = _sent(both, session)
        yield from contract.findings(needs[session["name"]], session, restarts=restarts, sent=sent)


def _sent(both: Sides, session: Json) -> str | None:
    """Return how many prefixes a router sends us, in words; "": none; None: that is not known."""
    if both.observed is not None:
        return str(session["receivedPrefixes"] or "")
    peer = both.snapshot.bgp_peers.get(PeerName(session["name"]))
    # Managers record no number, but that it is far too large.
    floods = peer is not None and any(one.type == PREFIXES_RECEIVED for one in peer.conditions)
    return f"more than {MANY_PREFIXES}" if floods else None


def _clauses(checked: tuple[Finding, ...]) -> Iterator[Table]:
    if checked:
        rows = tuple((one.peer, str(one.speaker), str(one.clause), one.state) for one in checked)
        yield Table("Clauses", ("PEER", "SPEAKER", "CLAUSE", "STATE"), rows)


def _say_lines(one: Finding) -> None:
    if one.state != VIOLATED:
        return
    say(f"! {one.sentence}")
    for dialect, lines in one.lines.items():
        for line in lines:
            say(f"  {dialect}: {line}")


def _unwritten(both: Sides) -> Iterator[str]:
    """Yield a sentence for each router that is to have a session, and of which none is known.

    Of one in a cluster, that is: no manager ever saw what stands in a file alone.
    """
    for name, peer in sorted(both.snapshot.bgp_peers.items()):
        wished = peer.spec is not None and not peer.spec.disabled
        if peer.uid and wished and not (peer.conditions or peer.status.get("speakers")):
            yield f"BgpPeer {name}: no manager has written about it yet; does one run?"


def _wrong(one: Json, *, asked: bool) -> list[str]:
    name = f"BgpPeer {one['name']}" + (f" (speaker {one['speaker']})" if one["speaker"] else "")
    if one["why"]:
        return [one["why"]]
    if not asked and one["recordedTrouble"]:
        return [one["recordedTrouble"]]
    if not asked and one["state"] not in (None, LIVE):
        reason = f": {one['lastError']}" if one["lastError"] else ""
        return [f"{name} has no session (state {one['state']}, as last recorded){reason}."]
    if not asked or not (one["configured"] or one["drift"]):
        return []
    if one["drift"] == "missing":
        return [f"{name} is not configured at the speaker."]
    if one["drift"] == "extra":
        return [f"{name} is configured at the speaker, and nothing asks for it."]
    if one["drift"] == "differs":
        return [f"{name} is configured otherwise than desired: {', '.join(one['differs'])}."]
    if one["state"] != "Established":
        reason = f": {one['lastError']}" if one["lastError"] else ""
        return [f"{name} has no session (state {one['state'] or 'unknown'}){reason}."]
    if one["bfdState"] == "Down":
        return [f"{name} has a session without BFD: the router must run it for us, too."]
    if (one["receivedPrefixes"] or 0) > MANY_PREFIXES:
        return [
            f"{name} sends us {one['receivedPrefixes']} prefixes, and none is used: deny "
            "everything outwards in the router's filter for us."
        ]
    if one["advertisedPaths"] != one["desiredPaths"]:
        return [
            f"{name} is told {one['advertisedPaths']} paths, desired are {one['desiredPaths']}."
        ]
    return []
