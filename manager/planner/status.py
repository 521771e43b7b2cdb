"""What stands in the objects we write: Service records and the status of our resources.

Verdicts become conditions, the sentence of the one that matters becomes the annotation
`pointsman.dev/status`. It refuses to carry anything that changes by itself.
"""

from collections.abc import Mapping

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
    NeedsOwnSpeaker,
    Negotiated,
    NotEstablished,
    SinglePath,
)
from pointsman.model.record import ResourceKey, ServiceRecord, Stated, StatusRecord
from pointsman.model.route import PeerName, SessionReport
from pointsman.model.verdict import Verdict

LIVE = "Established"  # RFC 4271 section 8.2.2


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
    if (verdict.ok or isinstance(verdict, NeedsOwnSpeaker)) and peer.spec is not None:
        conditions |= _session_conditions(snapshot, peer, report)
    return StatusRecord(conditions, {}, peer.generation)


def _session_conditions(
    snapshot: Snapshot, peer: BgpPeer, report: SessionReport | None
) -> Mapping[str, Stated]:
    assert peer.spec is not None
    if report is None and not snapshot.observed.fresh:
        # Our speaker does not answer: what was said of the session stays said.
        known = {c.type: c for c in peer.conditions if c.type in (ESTABLISHED, ADD_PATH)}
        return {name: Stated(c.status, c.reason, c.message) for name, c in known.items()}
    name, address = peer.name, str(peer.spec.address)
    if report is None or report.state != LIVE:
        error = report.last_error if report is not None else ""
        return {ESTABLISHED: stated(NotEstablished(name, address, peer.spec.asn, error))}
    neighbor = snapshot.observed.neighbors.get(PeerName(name))
    helped = neighbor is not None and neighbor.graceful_restart_seconds is not None
    several: Verdict = Negotiated(name, forgets=not (helped and may_keep_stale(report)))
    if not report.add_path_negotiated:
        several = SinglePath(name, off=not peer.spec.add_path.enabled)
    up = Established(name, unwatched=report.bfd_state == "Down")
    return {ESTABLISHED: stated(up), ADD_PATH: stated(several)}
