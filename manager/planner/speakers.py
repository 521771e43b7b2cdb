"""Our own entry in the status of each BgpPeer: the session as this replica's speaker sees it.

Pure. An entry stays as it is while the speaker does not answer, or has not said yet how a
session of its goes: nobody writes only because a process started anew.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from manager.snapshot import Snapshot
from pointsman.model.route import PeerName, SessionReport

LIVE = "Established"  # RFC 4271 section 8.2.2

Entry = Mapping[str, object]  # an item of status.speakers, as JSON


def entries(snapshot: Snapshot, written: Mapping[PeerName, Entry]) -> Mapping[PeerName, Entry]:
    """Return what our entries should be; *written*: what they are."""
    seen, name = snapshot.observed, snapshot.settings.speaker_name
    found: dict[PeerName, Entry] = {}
    for peer in sorted(snapshot.bgp_peers):
        report = seen.sessions.get(peer)
        if report is not None:
            found[peer] = entry(name, report)
        elif peer in written and (not seen.fresh or peer in seen.neighbors or not seen.identity):
            found[peer] = written[peer]
    return found


def entry(name: str, report: SessionReport) -> Entry:
    """Return the item of status.speakers that says *report*."""
    said: dict[str, object] = {"name": name or "speaker", "state": report.state}
    if report.established_at_s is not None:
        since = datetime.fromtimestamp(report.established_at_s, UTC)
        said["establishedSince"] = since.strftime("%Y-%m-%dT%H:%M:%SZ")
    if report.last_error:
        said["lastError"] = report.last_error
    if report.families:
        said["families"] = list(report.families)
    if report.hold_seconds is not None:
        said["holdSeconds"] = report.hold_seconds
    if report.state == LIVE:
        said["addPathNegotiated"] = report.add_path_negotiated
        said["advertisedPrefixes"] = report.advertised_prefixes
        said["advertisedPaths"] = report.advertised_paths
    return said
