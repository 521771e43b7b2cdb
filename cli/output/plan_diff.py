"""The difference between two plans, as JSON: what `pointsman plan -f FILE` prints. Pure.

Only what differs is named. A moved address is one that is lost and one that is gained.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from cli.output.session_diff import field, neighbor
from cli.source.cluster import PlannedCluster
from manager.planner.plan_json import Json, plan_json
from pointsman.model.route import PeerName, SpeakerIdentity, resets_session


def differences(before: PlannedCluster, after: PlannedCluster) -> Json:
    """Return what is different in *after*; every part is empty when nothing is."""
    old = plan_json(before.settled, before.plan)
    new = plan_json(after.settled, after.plan)
    parts = {
        "services": _each(old["services"], new["services"], _service),
        "eips": _each(old["eips"], new["eips"], _eip),
        "announcers": _each(old["announcers"], new["announcers"], _lists),
        "unreachable": _each(old["unreachable"], new["unreachable"], _lists),
    }
    peers = {
        name: change
        for name in sorted(old["peers"].keys() | new["peers"].keys())
        if any((change := _peer(before, after, PeerName(name), old, new)).values())
    }
    return {**parts, "peers": peers, "speaker": _speaker(before, after)}


def _each(old: Json, new: Json, differ: Any) -> Json:
    """Return how each entry differs, by name, without those that do not."""
    return {
        name: differ(old.get(name), new.get(name))
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    }


def _service(old: Json | None, new: Json | None) -> Json:
    had, has = (one["addresses"] if one else [] for one in (old, new))
    return {
        "gained": [address for address in has if address not in had],
        "lost": [address for address in had if address not in has],
        "addresses": has,
        "allocated": new and new["allocated"],
        "announced": new and new["announced"],
    }


def _eip(old: Json | None, new: Json | None) -> Json:
    return {"before": old, "after": new}


def _lists(old: list[Json] | None, new: list[Json] | None) -> Json:
    had, has = old or [], new or []
    return {
        "added": [one for one in has if one not in had],
        "removed": [one for one in had if one not in has],
    }


def _peer(
    before: PlannedCluster, after: PlannedCluster, name: PeerName, old: Json, new: Json
) -> Json:
    had, has = (_by_key(one["peers"].get(name)) for one in (old, new))
    return {
        "added": [path for key, path in has.items() if key not in had],
        "removed": [path for key, path in had.items() if key not in has],
        "changed": [path for key, path in has.items() if key in had and had[key] != path],
        "session": _session(before, after, name),
    }


def _by_key(peer: Mapping[str, list[Json]] | None) -> dict[tuple[str, str], Json]:
    paths = peer["paths"] if peer else []
    return {(path["prefix"], path["nextHop"]): path for path in paths}


def _session(before: PlannedCluster, after: PlannedCluster, name: PeerName) -> Json | None:
    """Return what becomes of the sessions: opened, closed, reset, or updated without a reset."""
    found = [_one(before, after, name, index) for index in range(_speakers(before, after))]
    turned = [one for one in found if one is not None]
    if not turned:
        return None
    ways = {one["change"] for one in turned}
    if ways == {"closed", "opened"} and not _same(before, after, name):
        # To the router it is one session that ends, and another from elsewhere.
        return {"change": "reset", "because": ["speaker"]}
    change = next(way for way in ("reset", "closed", "opened", "updated") if way in ways)
    because = sorted({why for one in turned for why in one["because"]})
    return {"change": change, "because": because}


def _one(before: PlannedCluster, after: PlannedCluster, name: PeerName, index: int) -> Json | None:
    old, new = (neighbor(one, name, index) for one in (before, after))
    if old is None or new is None:
        if old is new:
            return None
        return {"change": "closed" if new is None else "opened", "because": []}
    because = sorted(map(field, resets_session(old, new)))
    if _restarts(before, after, index):
        because.append("speaker")
    if because:
        return {"change": "reset", "because": because}
    return None if old == new else {"change": "updated", "because": []}


def _speakers(before: PlannedCluster, after: PlannedCluster) -> int:
    return max(len(before.plan.speakers), len(after.plan.speakers))


def _same(before: PlannedCluster, after: PlannedCluster, name: PeerName) -> bool:
    """Whether some session of a router stays as it is."""
    return any(
        (old := neighbor(before, name, index)) is not None and old == neighbor(after, name, index)
        for index in range(_speakers(before, after))
    )


def _restarts(before: PlannedCluster, after: PlannedCluster, index: int) -> bool:
    old, new = (one.plan.speakers[index].identity for one in (before, after))
    return old is not None and new is not None and old != new


def _speaker(before: PlannedCluster, after: PlannedCluster) -> Json | None:
    """Return how the speaker's own numbers change: that ends every session."""
    old, new = before.plan.speakers[0].identity, after.plan.speakers[0].identity
    return None if old == new else {"before": _identity(old), "after": _identity(new)}


def _identity(identity: SpeakerIdentity | None) -> Json | None:
    if identity is None:
        return None
    shown: Json = {"as": identity.asn, "routerId": str(identity.router_id)}
    if identity.confederation is not None:
        shown["confederation"] = asdict(identity.confederation)
    return shown
