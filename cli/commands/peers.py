"""`pointsman peers`: the sessions, as they should be and as the speaker has them."""

import argparse

from cli.output import drift, tables
from cli.output.plan_json import Json
from cli.output.tables import Table
from pointsman.model.route import LIVE, MANY_PREFIXES
from pointsman.runtime.terminal import say


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare this command's options on *parser*."""
    drift.arguments(parser)


def run(given: argparse.Namespace) -> int:
    """Return 0, or 1 if a session is down or configured otherwise than it should be."""
    both = drift.sides(given, "peers")
    found = drift.peers_json(both)
    asked = both.observed is not None
    # Several speakers of one router share the condition that says what is wrong.
    wrong = list(dict.fromkeys(text for one in found for text in _wrong(one, asked=asked)))
    if given.output == "json":
        tables.show_json({"peers": found, "asked": both.observed is not None, "wrong": wrong})
    else:
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
        tables.show([Table("Peers", columns, rows)])
        for sentence in wrong:
            say(f"! {sentence}")
    return 1 if wrong or not both.complete else 0


def _wrong(one: Json, *, asked: bool) -> list[str]:
    name = f"BgpPeer {one['name']}" + (f" (speaker {one['speaker']})" if one["speaker"] else "")
    if asked and one["why"]:
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
