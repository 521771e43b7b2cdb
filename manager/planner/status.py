"""What stands in the objects we write: Service records and the status of our resources.

Verdicts become conditions, the sentence of the one that matters becomes the annotation
`pointsman.dev/status`. It refuses to carry anything that changes by itself.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from manager.planner.desired import Allocation, Announcement, Books, Counts, EipState
from manager.planner.peers import Peers
from manager.planner.vocabulary import (
    ADD_PATH,
    ALLOCATED,
    ALLOCATED_FROM,
    ANNOUNCED,
    ANNOUNCED_BY,
    ESTABLISHED,
    READY,
    SHARED_AS,
    STATUS,
)
from manager.snapshot import BgpPeer, Service, Snapshot
from pointsman.model.allocated import InternalError
from pointsman.model.announced import NotAnnounced
from pointsman.model.oldfrr import may_keep_stale
from pointsman.model.readiness import (
    Established,
    Negotiated,
    NotEstablished,
    SinglePath,
)
from pointsman.model.record import ResourceKey, ServiceRecord, Stated, StatusRecord
from pointsman.model.route import PeerName, SessionReport
from pointsman.model.stamp import parse_time
from pointsman.model.verdict import Verdict

LIVE: Final = "Established"  # RFC 4271 section 8.2.2
OPENING: Final = timedelta(seconds=3)  # beyond the time until a first connection is tried again
NO_TIME: Final = timedelta()
WITH_SESSION: Final = ("Ready", "NeedsOwnSpeaker")  # reasons of a BgpPeer that we speak to


def stated(verdict: Verdict) -> Stated:
    """Return the condition a verdict makes."""
    return Stated(verdict.status, verdict.reason, str(verdict))


def service_record(
    service: Service, allocation: Allocation, announcement: Announcement, carriers: tuple[str, ...]
) -> ServiceRecord:
    """Return our part of *service*."""
    conditions = {ALLOCATED: stated(allocation.verdict)}
    sentence = str(allocation.verdict)
    verdict = announcement.verdict
    unsaid = isinstance(verdict, NotAnnounced) and verdict.passing
    before = next((c for c in service.conditions if c.type == ANNOUNCED), None)
    by = ",".join(carriers)
    if not unsaid:
        conditions[ANNOUNCED] = stated(verdict)
        sentence = str(verdict) if allocation.verdict.ok else sentence
    elif before is not None:  # for the moment between two writes, what was said stays said
        conditions[ANNOUNCED] = Stated(before.status, before.reason, before.message)
        sentence = before.message if allocation.verdict.ok else sentence
        by = service.annotations.get(ANNOUNCED_BY, "")
    if isinstance(allocation.verdict, InternalError):
        return _as_it_is(service, conditions, allocation.verdict)
    annotations = {
        STATUS: sentence,
        ALLOCATED_FROM: ",".join(
            f"{grant.eip}/{grant.address}" for grant in allocation.grants if grant.eip is not None
        ),
        SHARED_AS: allocation.shared_as or "",
        ANNOUNCED_BY: by,
    }
    return ServiceRecord(
        ingress=tuple(str(grant.address) for grant in allocation.grants),
        annotations={key: value for key, value in annotations.items() if value},
        conditions=conditions,
    )


def _as_it_is(
    service: Service, conditions: Mapping[str, Stated], verdict: InternalError
) -> ServiceRecord:
    """Return the record of a Service that could not be judged: only the verdict is new."""
    kept = (ALLOCATED_FROM, SHARED_AS, ANNOUNCED_BY)
    annotations = {key: service.annotations[key] for key in kept if key in service.annotations}
    return ServiceRecord(
        ingress=tuple(entry.ip for entry in service.ingress),
        annotations={**annotations, STATUS: str(verdict)},
        conditions=conditions,
    )


def resource_records(
    snapshot: Snapshot, books: Books, peers: Peers
) -> Mapping[ResourceKey, StatusRecord]:
    """Return the status of every Eip, BgpConf and BgpPeer."""
    records: dict[ResourceKey, StatusRecord] = {}
    for eip_name, state in books.eips.items():
        eip = snapshot.eips[eip_name]
        # A finalizer cannot be added to what is being deleted already.
        held = state.in_use and (not eip.deleting or "pointsman.dev/in-use" in eip.finalizers)
        records[ResourceKey("Eip", eip_name)] = _eip_record(state, eip.generation, held=held)
    for conf_name, verdict in peers.confs.items():
        generation = snapshot.bgp_confs[conf_name].generation
        records[ResourceKey("BgpConf", conf_name)] = StatusRecord(
            {READY: stated(verdict)}, {}, generation
        )
    for peer_name, verdict in peers.verdicts.items():
        peer = snapshot.bgp_peers[peer_name]
        records[ResourceKey("BgpPeer", peer_name)] = _peer_record(snapshot, peer, verdict)
    return records


def _eip_record(state: EipState, generation: int, *, held: bool) -> StatusRecord:
    return StatusRecord(
        conditions={READY: stated(state.ready)},
        fields={
            "capacity": _counts(state.capacity),
            "allocated": _counts(state.allocated),
            "available": _counts(state.available),
            "services": state.services,
        },
        observed_generation=generation,
        held=held,
    )


def _counts(counts: Counts) -> dict[str, str]:
    return {"ipv4": str(counts.ipv4), "ipv6": str(counts.ipv6)}


def _peer_record(snapshot: Snapshot, peer: BgpPeer, verdict: Verdict) -> StatusRecord:
    name = PeerName(peer.name)
    conditions = {READY: stated(verdict)}
    report = snapshot.observed.sessions.get(name)
    # A router that needs its own speaker keeps its session, though it is told nothing.
    if verdict.reason in WITH_SESSION and peer.spec is not None:
        conditions |= _session_conditions(snapshot, peer, report, conditions[READY])
    return StatusRecord(conditions, {}, peer.generation)


def _session_conditions(
    snapshot: Snapshot, peer: BgpPeer, report: SessionReport | None, ready: Stated
) -> Mapping[str, Stated]:
    assert peer.spec is not None
    if report is None and not snapshot.observed.fresh:
        # Our speaker does not answer: what was said of the session stays said.
        known = {c.type: c for c in peer.conditions if c.type in (ESTABLISHED, ADD_PATH)}
        return {name: Stated(c.status, c.reason, c.message) for name, c in known.items()}
    name, address = peer.name, str(peer.spec.address)
    if report is None or report.state != LIVE:
        if time_to_open(snapshot, peer, ready) > NO_TIME:
            return {}
        error = report.last_error if report is not None else ""
        return {ESTABLISHED: stated(NotEstablished(name, address, peer.spec.asn, error))}
    neighbor = snapshot.observed.neighbors.get(PeerName(name))
    helped = neighbor is not None and neighbor.graceful_restart_seconds is not None
    several: Verdict = Negotiated(name, forgets=not (helped and may_keep_stale(report)))
    if not report.add_path_negotiated:
        several = SinglePath(name, off=not peer.spec.add_path.enabled)
    up = Established(name, unwatched=report.bfd_state == "Down")
    return {ESTABLISHED: stated(up), ADD_PATH: stated(several)}


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


def time_to_open(snapshot: Snapshot, peer: BgpPeer, ready: Stated) -> timedelta:
    """Return for how long the first session of *peer* may still take until that is worth a word.

    It begins when the BgpPeer becomes what *ready* says. A session that was spoken of has no
    such time: its end is told at once.
    """
    known = {condition.type: condition for condition in peer.conditions}
    if snapshot.taken_at is None or peer.spec is None or ESTABLISHED in known:
        return NO_TIME
    full = OPENING + timedelta(seconds=peer.spec.timers.connect_retry_seconds)
    said = known.get(READY)
    same = said is not None and said.status == ready.status
    since = parse_time(said.last_transition_time) if said is not None and same else None
    return full if since is None else min(full, full - (snapshot.taken_at - since))
