"""What is left to do: the plan minus what was observed, in the order in which it is safe.

Pure. An address is recorded before it is routed, a path is put before another is dropped,
a finalizer is set before the first grant of its Eip.
"""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Final

from manager.notices import is_told
from manager.planner.desired import Plan, Speech
from manager.planner.status import stated
from manager.planner.vocabulary import SHARED_AS, TROUBLES
from manager.snapshot import (
    EipName,
    NodeName,
    Observed,
    Resource,
    Service,
    ServiceKey,
    Snapshot,
)
from pointsman.model.address import Address
from pointsman.model.announced import Repaired
from pointsman.model.delta import Delta, delta
from pointsman.model.record import Notice, ResourceKey, ServiceRecord, Stated, StatusRecord
from pointsman.model.route import Neighbor, PeerName, Route, RouteKey

# What a user did on purpose is no warning; parallel sessions are there instead of ADD-PATH.
ASKED_FOR: Final = frozenset({"Disabled", "ParallelSessions"})
PARTLY: Final = frozenset({"PartlyEstablished", "TooFewSpeakers"})  # one, though it is True


@dataclass(frozen=True, slots=True)
class Written:
    """What the API objects say of us now."""

    services: Mapping[ServiceKey, ServiceRecord]
    statuses: Mapping[ResourceKey, StatusRecord]
    announcers: Mapping[NodeName, str]


@dataclass(frozen=True, slots=True)
class ClusterWork:
    """What the leader writes. Each field is one phase, in this order."""

    holds: Delta[ResourceKey, StatusRecord]  # Eips about to be used for the first time
    services: Delta[ServiceKey, ServiceRecord]  # without those that wait for a hold
    statuses: Delta[ResourceKey, StatusRecord]
    announcers: Delta[NodeName, str]


@dataclass(frozen=True, slots=True)
class SpeakerWork:
    """What this replica's speaker is told. Puts go first, each kind after what it refers to."""

    exports: Delta[PeerName, Address]
    routes: Delta[RouteKey, Route]
    neighbors: Delta[PeerName, Neighbor]

    def __bool__(self) -> bool:
        return bool(self.exports or self.routes or self.neighbors)


def cluster_work(plan: Plan, written: Written) -> ClusterWork:
    """Return what the API objects lack of *plan*."""
    statuses = delta(plan.statuses, written.statuses)
    first = {
        key: record
        for key, record in statuses.put.items()
        if record.held and not written.statuses.get(key, StatusRecord()).held
    }
    rest = {key: record for key, record in statuses.put.items() if key not in first}
    services = delta(plan.services, written.services)
    loose = {EipName(key.name) for key in first}
    ready = {
        key: record
        for key, record in services.put.items()
        if not loose or not _brings(plan, key, written.services.get(key), loose)
    }
    return ClusterWork(
        holds=Delta(put=first, drop=frozenset()),
        services=Delta(put=ready, drop=services.drop),
        statuses=Delta(put=rest, drop=statuses.drop),
        announcers=delta(plan.announcers, written.announcers),
    )


def _brings(
    plan: Plan, key: ServiceKey, before: ServiceRecord | None, loose: AbstractSet[EipName]
) -> bool:
    """Whether the plan brings Service *key* an address of one of the Eips *loose*.

    Such a Service waits until the finalizer is seen; if that can never be written, it is the
    only one that waits.
    """
    recorded = () if before is None else before.ingress
    grants = plan.books.allocations[key].grants
    return any(one.eip in loose and str(one.address) not in recorded for one in grants)


def speaker_work(speech: Speech, observed: Observed) -> SpeakerWork:
    """Return what the speaker lacks of *speech*."""
    return SpeakerWork(
        exports=delta(speech.exports, observed.exports),
        routes=delta(speech.routes, observed.routes),
        neighbors=delta(speech.neighbors, observed.neighbors),
    )


def notices(
    snapshot: Snapshot,
    before: Written,
    *,
    after: Written,
    planned: Mapping[ServiceKey, ServiceRecord],
) -> tuple[Notice, ...]:
    """Return one Event per transition: a condition whose status or reason is another now.

    A Service that has other addresses than before is told so, too, and one whose record
    somebody had changed, when it is as *planned* again.
    """
    services = _service_notices(snapshot, before, after=after, planned=planned)
    return (*services, *_status_notices(snapshot, before, after))


def _service_notices(
    snapshot: Snapshot,
    before: Written,
    *,
    after: Written,
    planned: Mapping[ServiceKey, ServiceRecord],
) -> Iterator[Notice]:
    for key, record in sorted(after.services.items()):
        service = snapshot.services.get(key)
        old = before.services.get(key, ServiceRecord())
        if service is None or record is old:
            continue
        done = record == planned.get(key)  # else somebody else changed it, just now
        repaired = _repaired(key, record, old) if done else None
        if repaired is not None:
            yield about(service, stated(repaired))
            continue
        moved = done and record.ingress != old.ingress
        for name, said in sorted(record.conditions.items()):
            turned = _turned(old.conditions.get(name), said) and is_told(said)
            if turned or (moved and said.reason == "Allocated"):
                yield about(service, said)


def _repaired(key: ServiceKey, record: ServiceRecord, old: ServiceRecord) -> Repaired | None:
    """Return what somebody had changed behind our back, or None.

    Whatever we decide anew shows in a condition's words, but for the terms of sharing.
    """
    if record.conditions != old.conditions:
        return None
    changed = [
        f"annotation {name}"
        for name in sorted(record.annotations.keys() | old.annotations.keys())
        if name != SHARED_AS and record.annotations.get(name) != old.annotations.get(name)
    ]
    if record.ingress != old.ingress:
        changed.insert(0, "status.loadBalancer")
    return Repaired(key, tuple(changed)) if changed else None


def about(service: Service, said: Stated) -> Notice:
    """Return the Event that tells *said* of *service*."""
    return Notice(
        kind="Service",
        namespace=service.namespace,
        name=service.name,
        uid=service.uid,
        reason=said.reason,
        message=said.message,
        warning=said.status == "False",
    )


def _status_notices(snapshot: Snapshot, before: Written, after: Written) -> Iterator[Notice]:
    for key, record in sorted(after.statuses.items()):
        old = before.statuses.get(key, StatusRecord())
        if record is old:
            continue
        for name, said in sorted(record.conditions.items()):
            if _turned(old.conditions.get(name), said):
                yield Notice(
                    kind=key.kind,
                    namespace="",
                    name=key.name,
                    uid=_uid(snapshot, key),
                    reason=said.reason,
                    message=said.message,
                    warning=_warns(name, said),
                )


def _warns(name: str, said: Stated) -> bool:
    """Whether somebody should look at condition *name*."""
    amiss = "True" if name in TROUBLES else "False"
    return said.reason in PARTLY or (said.status == amiss and said.reason not in ASKED_FOR)


def _turned(before: Stated | None, after: Stated) -> bool:
    return before is None or (before.status, before.reason) != (after.status, after.reason)


def _uid(snapshot: Snapshot, key: ResourceKey) -> str:
    found: Resource[Any] | None
    if key.kind == "Eip":
        found = snapshot.eips.get(EipName(key.name))
    elif key.kind == "BgpConf":
        found = snapshot.bgp_confs.get(key.name)
    else:
        found = snapshot.bgp_peers.get(PeerName(key.name))
    return "" if found is None else found.uid
