"""How the sessions with one router go, as conditions: up or not, one path or several."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from manager.planner.bgp.peers import DEFAULT
from manager.planner.bgp.restarting import confusable
from manager.planner.desired import SpeakerSession
from manager.snapshot import BgpPeer, Snapshot
from pointsman.api import BgpPeerSpec
from pointsman.model.frr_quirks import may_keep_stale
from pointsman.model.names import ADD_PATH, ESTABLISHED, READY
from pointsman.model.record import ConditionValue, ResourceKey, StatusRecord
from pointsman.model.route import PeerName, SessionReport
from pointsman.model.timestamps import parse_time
from pointsman.model.verdicts.base import Verdict
from pointsman.model.verdicts.session import (
    Established,
    Negotiated,
    NotEstablished,
    ParallelSessions,
    PartlyEstablished,
    SinglePath,
    SpeakerSilent,
)

OPENING: Final = timedelta(seconds=3)  # beyond the time until a first connection is tried again
NO_TIME: Final = timedelta()
NO_SESSION_AFTER_S: Final = 60.0  # docs/reasons.md
UNKNOWN_AFTER_S: Final = 5.0  # of a speaker's silence: from there on its sessions count as lost
# Reasons of a BgpPeer that we speak to.
WITH_SESSION: Final = ("Ready", "TooFewSpeakers", "NeedsOwnSpeaker")


def session_conditions(
    snapshot: Snapshot,
    peer: BgpPeer,
    sessions: tuple[SpeakerSession, ...],
    *,
    ready: ConditionValue,
) -> Mapping[str, ConditionValue]:
    """Return the conditions that *sessions* come to; one session of several keeps the router.

    Conditions stay as they are while no session is known to be up and one that may be is with
    a speaker that does not answer; after a while the answer is that nobody knows.
    """
    assert peer.spec is not None, "a BgpPeer that is used can be read"
    name = PeerName(peer.name)
    reports = [
        (session, snapshot.speakers[session.speaker].sessions.get(name)) for session in sessions
    ]
    live = [report for _, report in reports if report is not None and report.live]
    if not live:
        unsure = [
            snapshot.speakers[session.speaker] for session, report in reports if report is None
        ]
        known = {
            c.type: ConditionValue(c.status, c.reason, c.message)
            for c in peer.conditions
            if c.type in (ESTABLISHED, ADD_PATH)
        }
        if any(one.sessions_unknown for one in unsure):
            return {**known, ESTABLISHED: _stated(SpeakerSilent(peer.name))}
        if any(not one.fresh for one in unsure):
            return known
        if time_to_open(snapshot, peer, ready) > NO_TIME:
            return {}
        error = next((r.last_error for _, r in reports if r is not None and r.last_error), "")
        down = NotEstablished(peer.name, str(peer.spec.address), peer.spec.asn, error)
        return {ESTABLISHED: _stated(down), **_last_known(peer)}
    conf = snapshot.bgp_confs.get(DEFAULT)
    verdict: Verdict = Established(
        peer.name,
        unwatched=live[0].bfd_state == "Down",
        confusable=confusable(snapshot, conf.spec if conf is not None else None, peer.spec),
    )
    if len(live) < len(sessions):
        missing = tuple(str(s.source) for s, r in reports if r is None or not r.live)
        verdict = PartlyEstablished(peer.name, len(sessions), missing)
    neighbor = snapshot.speakers[sessions[0].speaker].neighbors.get(name)
    helped = neighbor is not None and neighbor.graceful_restart_seconds is not None
    several = _several(peer.spec, name, len(sessions), live[0], helped=helped)
    return {ESTABLISHED: _stated(verdict), ADD_PATH: _stated(several)}


def _last_known(peer: BgpPeer) -> Mapping[str, ConditionValue]:
    """Return what the last session negotiated: it counts until the next one is up."""
    known = (c for c in peer.conditions if c.type == ADD_PATH)
    return {c.type: ConditionValue(c.status, c.reason, c.message) for c in known}


def _several(
    spec: BgpPeerSpec, name: PeerName, sessions: int, live: SessionReport, *, helped: bool
) -> Verdict:
    """Return whether the router takes several paths of a prefix, or why it does not.

    *helped*: it is asked to keep our paths while the speaker restarts.
    """
    if spec.parallel_sessions is not None:
        return ParallelSessions(name, sessions)
    if live.add_path_negotiated:
        return Negotiated(name, forgets=not (helped and may_keep_stale(live)))
    return SinglePath(name, off=not spec.add_path.enabled)


def time_to_speak(snapshot: Snapshot, records: Mapping[ResourceKey, StatusRecord]) -> float | None:
    """Return after how many seconds one of *records* will say more, or None."""
    left = [
        time_to_open(snapshot, snapshot.bgp_peers[PeerName(key.name)], record.conditions[READY])
        for key, record in records.items()
        if key.kind == "BgpPeer"
        and ESTABLISHED not in record.conditions
        and record.conditions[READY].reason in WITH_SESSION
    ]
    return min((one.total_seconds() for one in left if one > NO_TIME), default=None)


def time_to_open(snapshot: Snapshot, peer: BgpPeer, ready: ConditionValue) -> timedelta:
    """Return for how long the first session of *peer* may still take until that is worth a word.

    It begins when the BgpPeer becomes what *ready* says. A session that was spoken of has no
    such time: its end is reported at once.
    """
    known = {condition.type: condition for condition in peer.conditions}
    if snapshot.taken_at is None or peer.spec is None or ESTABLISHED in known:
        return NO_TIME
    full = OPENING + timedelta(seconds=peer.spec.timers.connect_retry_seconds)
    before = known.get(READY)
    same = before is not None and before.status == ready.status
    since = parse_time(before.last_transition_time) if before is not None and same else None
    return full if since is None else min(full, full - (snapshot.taken_at - since))


def lost_for_s(
    snapshot: Snapshot, name: PeerName, sessions: tuple[SpeakerSession, ...]
) -> float | None:
    """Return for how long no session of a router is known to be up; None: one is, or may be.

    By the clock of this process: what a condition says began with another leader, or another
    daemon, and its times are the wall's.
    """
    ages = [_lost_for_s(snapshot, name, session.speaker) for session in sessions]
    known = [age for age in ages if age is not None]
    return min(known) if known and len(known) == len(ages) else None


def _lost_for_s(snapshot: Snapshot, name: PeerName, speaker: int) -> float | None:
    seen = snapshot.speakers[speaker]
    report = seen.sessions.get(name)
    if report is not None:
        return None if report.live else report.down_s
    if seen.sessions_unknown:
        return None if seen.silent_s is None else max(seen.silent_s - UNKNOWN_AFTER_S, 0.0)
    if not seen.refused:
        return None
    # It answers and has no session to speak of: it could not be started. Its condition knows.
    peer = snapshot.bgp_peers.get(name)
    for one in peer.conditions if peer is not None else ():
        since = parse_time(one.last_transition_time)
        if (one.type, one.status) == (ESTABLISHED, "False") and since and snapshot.taken_at:
            return (snapshot.taken_at - since).total_seconds()
    return None


def time_to_no_session(
    snapshot: Snapshot, sessions: Mapping[PeerName, tuple[SpeakerSession, ...]]
) -> float | None:
    """Return after how many seconds the next router counts as without session, or None."""
    lost = (lost_for_s(snapshot, name, of) for name, of in sessions.items())
    left = [NO_SESSION_AFTER_S - age for age in lost if age is not None]
    return min((one for one in left if one > 0), default=None)


def _stated(verdict: Verdict) -> ConditionValue:
    return ConditionValue(verdict.status, verdict.reason, str(verdict))
