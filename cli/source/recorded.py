"""What the managers last wrote of their sessions, for whoever asks no speaker. Pure."""

from manager.snapshot import Resource
from pointsman.api import BgpPeerSpec, SpeakerStatus, parse
from pointsman.model.names import ESTABLISHED
from pointsman.model.route import LIVE, SessionReport


def report(peer: Resource[BgpPeerSpec] | None, index: int) -> SessionReport | None:
    """Return what the managers last wrote of their sessions by the speaker *index*, the worst.

    None: nothing is recorded. Speakers beyond a replica's first are called NAME/1 and so on.
    """
    recorded = peer.status.get("speakers") if peer is not None else None
    entries = (
        [one for one in recorded if isinstance(one, dict)] if isinstance(recorded, list) else []
    )
    ours = [one for one in entries if str(one.get("name")).partition("/")[2] == _suffix(index)]
    if not ours:
        return None
    worst = next((one for one in ours if one.get("state") != LIVE), ours[0])
    status, _ = parse(SpeakerStatus, worst, at="status.speakers")
    if status is None:
        return None
    return SessionReport(
        status.state,
        add_path_negotiated=bool(status.add_path_negotiated),
        families=status.families,
        ipv6_next_hops=bool(status.ipv6_next_hops),
        graceful_restart=bool(status.graceful_restart_negotiated),
        hold_seconds=status.hold_seconds,
        keepalive_seconds=status.keepalive_seconds,
        advertised_prefixes=status.advertised_prefixes or 0,
        advertised_paths=status.advertised_paths or 0,
        last_error=status.last_error or "",
        bfd_state=status.bfd_state or "",
    )


def _suffix(index: int) -> str:
    return str(index) if index else ""


def trouble(peer: Resource[BgpPeerSpec] | None) -> str:
    """Return what the manager recorded of a session that is down, or of which nothing is known."""
    for one in peer.conditions if peer is not None else ():
        if one.type == ESTABLISHED and one.status != "True":
            return one.message
    return ""
