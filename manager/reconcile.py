"""The one loop of the manager: take the snapshot, plan, hand on. It decides, and never waits.

What it hands on is what should be; who converges a system does so in a task of its own and
wakes the loop when what it reads has changed. In which order things happen follows from
the plan: it wants a path only for an address that the API records, and hands an address on
only once no speaker of ours holds a path of it. Only the leader hands anything to the writers
of the API, and to the IPAMs; every replica drives its own speakers from what the API records.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Protocol, TypeVar

from manager.events import service_event
from manager.planner.desired import Finished, Plan
from manager.planner.plan import Memo, plan
from manager.planner.records import condition_of
from manager.snapshot import NodeName, Observed, ServiceKey, Settings, Snapshot
from manager.speakers.group import SpeakerGroup
from manager.work import Missing, Written, cluster_work, entries_work
from pointsman.model.address import Address
from pointsman.model.delta import Delta
from pointsman.model.record import (
    AnnouncerRecord,
    Entries,
    EventRecord,
    ResourceKey,
    ServiceRecord,
    StatusRecord,
)
from pointsman.model.route import PeerName
from pointsman.runtime.clock import Clock

log = logging.getLogger(__name__)

K = TypeVar("K")
V = TypeVar("V")

# A plan that judges more runs beside the loop, because leases must be renewed: about 50 ms.
MANY_SERVICES: Final = 500
NOTHING: Final[Delta[Any, Any]] = Delta(put={}, drop=frozenset())


class Cluster(Protocol):
    """The cluster as watches keep it."""

    @property
    def in_sync(self) -> bool: ...

    @property
    def certain(self) -> bool:
        """Whether Services and Announcers were listed since the last doubt."""
        ...

    def doubt(self) -> None:
        """Have Services and Announcers listed again."""
        ...

    def snapshot(
        self,
        *,
        speakers: tuple[Observed, ...],
        settings: Settings,
        taken_at: datetime | None,
        pending: Mapping[ServiceKey, tuple[Address, ...]] | None = None,
    ) -> Snapshot: ...


class Leader(Protocol):
    """Whether this replica may write to the API."""

    @property
    def leading(self) -> bool: ...

    @property
    def term(self) -> int:
        """A number that grows whenever leading begins."""
        ...


class Writer(Protocol[K, V]):
    """What of one kind stands in the API, and who writes it, beside the loop."""

    def observe(self) -> Mapping[K, V]:
        """Return what stands there, as the watches keep it."""
        ...

    def hand(self, work: Delta[K, V], *, term: int) -> None:
        """Take *work* instead of all that was handed before; never wait."""
        ...


class Services(Writer[ServiceKey, ServiceRecord], Protocol):
    @property
    def pending(self) -> Mapping[ServiceKey, tuple[Address, ...]]:
        """Addresses that were granted and not surely answered."""
        ...


class Statuses(Writer[ResourceKey, StatusRecord], Protocol):
    @property
    def loosening(self) -> frozenset[ResourceKey]:
        """Whose finalizer may be gone, though the watch does not say so yet."""
        ...


class Announcers(Writer[NodeName, AnnouncerRecord], Protocol):
    @property
    def assigning(self) -> Mapping[NodeName, frozenset[Address]]:
        """Addresses that a write may bring to a node, or has brought, and nobody knows yet."""
        ...


class SpeakerEntries(Protocol):
    """This replica's entries in the status of BgpPeers: not gated by leadership."""

    def observe(self) -> Mapping[PeerName, Entries]: ...

    def hand(self, work: Delta[PeerName, Entries]) -> None: ...

    def sweep(self, *, leading: bool) -> None:
        """Have the entries of replicas that are gone taken away; the leader's part."""
        ...


class Beside(Protocol):
    """What is known beside the API: who lives, what moved too often, who else claims an address."""

    def seen(self, snapshot: Snapshot) -> Snapshot:
        """Return *snapshot* with that in it."""
        ...


class IpamSources(Protocol):
    """The IPAMs that addresses come from, or are written into, each with a driver of its own."""

    def seen(self, snapshot: Snapshot) -> Snapshot:
        """Return *snapshot* with what they held when they answered last."""
        ...

    def hand(self, decided: Plan, snapshot: Snapshot, *, term: int | None) -> None:
        """Have each brought to its part of *decided*; without a *term* of ours, only read."""
        ...


class EventSink(Protocol):
    """Where Events of transitions go; it only queues."""

    def emit(self, events: Sequence[EventRecord]) -> None: ...


@dataclass(frozen=True, slots=True)
class ClusterTargets:
    """Where the leader writes, and each replica its own entries."""

    services: Services
    statuses: Statuses
    announcers: Announcers
    entries: SpeakerEntries
    events: EventSink

    def observe(self) -> Written:
        """Return what stands there now."""
        return Written(
            services=self.services.observe(),
            statuses=self.statuses.observe(),
            announcers=self.announcers.observe(),
            loosening=self.statuses.loosening,
        )


class Reconciler:
    """One step: what is decided from all that is known now. *wake* asks for a further one."""

    def __init__(
        self,
        cluster: Cluster,
        *,
        leader: Leader,
        speakers: SpeakerGroup,
        targets: ClusterTargets,
        settings: Settings,
        clock: Clock,
        wake: Callable[[], None],
        beside: Sequence[Beside],
        sources: IpamSources,
    ) -> None:
        self._cluster, self._leader, self._speakers = cluster, leader, speakers
        self._beside, self._sources = beside, sources
        self._targets, self._settings, self._clock, self._wake = targets, settings, clock, wake
        self._memo, self._missing, self._term = Memo(), Missing(), 0
        self._logged: frozenset[tuple[str, str]] = frozenset()
        self._left_alone: set[ServiceKey] = set()
        self.finished: Finished | None = None  # the last plan, for those who only look

    async def step(self) -> None:
        """Decide, and hand on what is to be done."""
        if not self._cluster.in_sync:
            return
        readings = self._speakers.readings
        # What a speaker holds that was never read would look free, and go to another Service.
        sure = self._knows_what_was_granted() and all(one.known for one in readings)
        term = self._leader.term
        # From here to the plan nothing may yield: writes carry the versions seen here.
        written = self._targets.observe()
        snapshot = self._cluster.snapshot(
            speakers=readings,
            pending=self._targets.services.pending,
            settings=self._settings,
            taken_at=self._clock.wall(),
        )
        for one in (*self._beside, self._sources):
            snapshot = one.seen(snapshot)
        if assigning := self._targets.announcers.assigning:
            snapshot = replace(snapshot, assigning=assigning)
        began = self._clock.monotonic()
        decided = await self._plan(snapshot)
        self.finished = Finished(snapshot, decided, self._clock.monotonic() - began)
        self._log_failures(decided)
        if decided.again_s is not None:
            asyncio.get_running_loop().call_later(decided.again_s, self._wake)
        self._speakers.hand(decided.speakers, readings)
        leading = sure and self._leader.leading and self._leader.term == term
        ours = term if leading else None
        self._write_cluster(decided, written, term=ours)
        self._sources.hand(decided, snapshot, term=ours)
        if leading:
            self._emit_events(decided, snapshot)
        self._write_session_entries(snapshot, leading=leading)

    def _knows_what_was_granted(self) -> bool:
        """Whether we lead, and have listed the Services since we do.

        A watch may lag by as long as a dead connection takes to be noticed. What the leader
        before us granted meanwhile would look free, and go to another Service.
        """
        if self._leader.leading and self._leader.term != self._term:
            self._term = self._leader.term
            self._cluster.doubt()
        return self._leader.leading and self._cluster.certain

    async def _plan(self, snapshot: Snapshot) -> Plan:
        memo, self._memo = self._memo, Memo()  # of a plan that raises, nothing is kept
        if memo.to_be_judged(snapshot) > MANY_SERVICES:
            decided = await asyncio.to_thread(plan, snapshot, memo=memo)
        else:
            decided = plan(snapshot, memo=memo)
        self._memo = memo
        return decided

    def _write_cluster(self, decided: Plan, written: Written, *, term: int | None) -> None:
        """Hand the leader's writers what the API lacks; without a *term* of ours, nothing."""
        targets = self._targets
        if term is None:
            targets.services.hand(NOTHING, term=0)
            targets.statuses.hand(NOTHING, term=0)
            targets.announcers.hand(NOTHING, term=0)
            return
        work = cluster_work(decided, written, self._missing)
        targets.services.hand(work.services, term=term)
        targets.statuses.hand(work.statuses, term=term)
        targets.announcers.hand(work.announcers, term=term)

    def _write_session_entries(self, snapshot: Snapshot, *, leading: bool) -> None:
        """Hand on this replica's entries; the leader's sweep takes dead ones away."""
        standing = self._targets.entries.observe()
        self._targets.entries.hand(entries_work(snapshot, standing))
        self._targets.entries.sweep(leading=leading)

    def _emit_events(self, decided: Plan, snapshot: Snapshot) -> None:
        """Emit once for each Service that another controller serves, and that is left alone."""
        fresh = sorted(decided.left_alone.keys() - self._left_alone)
        self._left_alone = set(decided.left_alone)
        if fresh:
            self._targets.events.emit(
                [
                    service_event(snapshot.services[key], condition_of(decided.left_alone[key]))
                    for key in fresh
                ]
            )

    def _log_failures(self, decided: Plan) -> None:
        failures = frozenset((what, repr(error)) for what, error in decided.failures)
        for what, error in decided.failures:
            if (what, repr(error)) not in self._logged:
                log.error("%s could not be judged", what, exc_info=error)
        self._logged = failures
