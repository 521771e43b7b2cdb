"""Our own entries in the status of each BgpPeer: its sessions as this replica's speakers see them.

Pure. An entry stays as it is while the speaker is replaced, or has not said yet how a session
of its goes: nobody writes only because a process started anew.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from manager.planner.bgp.drained import drained
from manager.snapshot import Snapshot
from pointsman.model.record import Entries, Entry
from pointsman.model.route import PeerName, SessionReport


def entries(snapshot: Snapshot, written: Mapping[PeerName, Entries]) -> Mapping[PeerName, Entries]:
    """Return what our entries should be; *written*: what they are."""
    found: dict[PeerName, Entries] = {}
    gone = drained(snapshot)
    for peer in sorted(snapshot.bgp_peers):
        before = {str(one.get("name")): one for one in written.get(peer, ())}
        result: list[Entry] = []
        for index, seen in enumerate(snapshot.speakers):
            name = entry_name(snapshot.settings.speaker_name, index)
            report = seen.sessions.get(peer)
            if report is not None:
                session = seen.neighbors.get(peer)
                parallel = index > 0 and session is not None and session.source_address
                made = dict(entry(name, report, source=str(parallel or "")))
                if nodes := gone[index].get(peer):
                    made["drained"] = list(nodes)
                result.append({**_last_known(before.get(name, {})), **made})
            elif name in before and (not seen.fresh or peer in seen.neighbors or not seen.identity):
                result.append(unheard(before[name]) if seen.sessions_unknown else before[name])
        if result:
            found[peer] = tuple(sorted(result, key=lambda one: str(one["name"])))
    return found


def unheard(before: Entry) -> Entry:
    """Return what an entry becomes when its speaker has not answered for a while."""
    identifying = {key: before[key] for key in ("name", "sourceAddress") if key in before}
    return {
        **identifying,
        **_last_known(before),
        "state": "Unknown",
        "lastError": "the speaker does not answer its manager",
    }


def _last_known(before: Entry) -> Entry:
    """Return what stays of an entry without a session: see planner.bgp.negotiated."""
    return {key: before[key] for key in ("addPathNegotiated",) if key in before}


def entry_name(replica: str, index: int) -> str:
    """Return what a speaker is called: its replica, and which of its speakers if not the first."""
    return f"{replica or 'speaker'}{f'/{index}' if index else ''}"


def entry(name: str, report: SessionReport, *, source: str = "") -> Entry:
    """Return the item of status.speakers that says *report*."""
    result: dict[str, object] = {"name": name, "state": report.state}
    if source:
        result["sourceAddress"] = source
    if report.established_at_s is not None:
        since = datetime.fromtimestamp(report.established_at_s, UTC)
        result["establishedSince"] = since.strftime("%Y-%m-%dT%H:%M:%SZ")
    if report.last_error:
        result["lastError"] = report.last_error
    if report.families:
        result["families"] = list(report.families)
    if report.hold_seconds is not None:
        result["holdSeconds"] = report.hold_seconds
    if report.keepalive_seconds is not None:
        result["keepaliveSeconds"] = report.keepalive_seconds
    if report.bfd_state:
        result["bfdState"] = report.bfd_state
    if report.live:
        result["ipv6NextHops"] = report.ipv6_next_hops
        result["addPathNegotiated"] = report.add_path_negotiated
        result["gracefulRestartNegotiated"] = report.graceful_restart
        result["advertisedPrefixes"] = report.advertised_prefixes
        result["advertisedPaths"] = report.advertised_paths
    return result
