"""What is left to do: the plan minus what was observed.

Pure. Nothing here waits for another part: that an address is recorded before it is routed
follows from the plan, and a grant stays out of the work until its Eip bears our finalizer.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from manager.planner.bgp.session_entries import entries
from manager.planner.desired import Plan, SpeakerPlan
from manager.snapshot import EipName, NodeName, Observed, ServiceKey, Snapshot
from pointsman.model.address import Address
from pointsman.model.delta import Delta, delta
from pointsman.model.memo import Each
from pointsman.model.record import (
    AnnouncerRecord,
    Entries,
    ResourceKey,
    ServiceRecord,
    StatusRecord,
)
from pointsman.model.route import Neighbor, PeerName, Route, RouteKey
from pointsman.model.table import Table
from pointsman.model.version import same


@dataclass(frozen=True, slots=True)
class Written:
    """What stands in the API objects now of what we write."""

    services: Mapping[ServiceKey, ServiceRecord]
    statuses: Mapping[ResourceKey, StatusRecord]
    announcers: Mapping[NodeName, AnnouncerRecord]
    # Whose finalizer is being taken away, or may have been: an answer is not there yet.
    loosening: frozenset[ResourceKey] = frozenset()


@dataclass(frozen=True, slots=True)
class ClusterWork:
    """What the leader writes: each part by its own writer, none after another."""

    services: Delta[ServiceKey, ServiceRecord]  # without those that wait for a finalizer
    statuses: Delta[ResourceKey, StatusRecord]
    announcers: Delta[NodeName, AnnouncerRecord]


@dataclass(frozen=True, slots=True)
class SpeakerWork:
    """What is applied to one speaker. Puts go first, each kind after what it refers to."""

    exports: Delta[PeerName, Address]
    routes: Delta[RouteKey, Route]
    neighbors: Delta[PeerName, Neighbor]

    def __bool__(self) -> bool:
        return bool(self.exports or self.routes or self.neighbors)


class Missing:
    """What the records of Services lack of a plan, found anew only where either changed."""

    def __init__(self) -> None:
        self._put = Each[ServiceKey, bool](_lacks)
        self._drop = Each[ServiceKey, bool](_is_too_much)

    def __call__(
        self,
        planned: Mapping[ServiceKey, ServiceRecord],
        written: Mapping[ServiceKey, ServiceRecord],
    ) -> Delta[ServiceKey, ServiceRecord]:
        """Return what `delta` returns."""
        put = self._put(None, planned, written)
        drop = self._drop(None, written, planned)
        return Delta(put={key: planned[key] for key in put}, drop=frozenset(drop))


def _lacks(_: None, planned: ServiceRecord, written: ServiceRecord | None) -> bool | None:
    return None if written is not None and same(planned, written) else True


def _is_too_much(_: None, _written: ServiceRecord, planned: ServiceRecord | None) -> bool | None:
    return True if planned is None else None


def cluster_work(plan: Plan, written: Written, missing: Missing | None = None) -> ClusterWork:
    """Return what the API objects lack of *plan*.

    A record that uses an Eip is left out until the Eip is seen to bear our finalizer.
    *missing*: of the plan before, to find it sooner.
    """
    statuses = delta(plan.statuses, written.statuses)
    tighten = {key: plan.statuses[key] for key in written.loosening if key in plan.statuses}
    puts = {**statuses.put, **{key: one for key, one in tighten.items() if one.has_finalizer}}
    loose = {
        EipName(key.name)
        for key, record in puts.items()
        if record.has_finalizer
        and (
            key in written.loosening or not written.statuses.get(key, StatusRecord()).has_finalizer
        )
    }
    services = (missing or Missing())(plan.services, written.services)
    ready = {
        key: record
        for key, record in services.put.items()
        if not loose or not _brings(plan, key, written.services.get(key), loose)
    }
    return ClusterWork(
        services=Delta(put=ready, drop=services.drop),
        statuses=Delta(put=puts, drop=statuses.drop),
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
    grants = plan.allocations.services[key].grants
    return any(one.eip in loose and one.text not in recorded for one in grants)


def entries_work(
    snapshot: Snapshot, standing: Mapping[PeerName, Entries]
) -> Delta[PeerName, Entries]:
    """Return what this replica's own entries in the BgpPeers' status lack; *standing*: they."""
    return delta(entries(snapshot, standing), standing)


def speaker_work(speaker_plan: SpeakerPlan, observed: Observed) -> SpeakerWork:
    """Return what the speaker lacks of *speaker_plan*."""
    return SpeakerWork(
        exports=delta(speaker_plan.exports, observed.exports),
        routes=delta(Table.of(speaker_plan.routes), Table.of(observed.routes)),
        neighbors=delta(speaker_plan.neighbors, observed.neighbors),
    )
