"""The one loop of the manager: take the snapshot, plan, hand on. It decides, and never waits.

What it hands on is what should be; who converges a system does so in a task of its own and
wakes the loop when what it reads has changed. In which order things happen follows from
the plan: it wants a path only for an address that the API records, and hands an address on
only once no speaker of ours holds a path of it. Only the leader hands anything to the writers
of the API; every replica drives its own speakers from what the API records.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol, TypeVar

from manager.events import service_event
from manager.planner.bgp.session_entries import Entries, entries
from manager.planner.desired import Plan
from manager.planner.plan import plan
from manager.planner.records import condition_of
from manager.snapshot import NodeName, Observed, ServiceKey, Settings, Snapshot
from manager.speakers.group import SpeakerGroup
from manager.work import Written, cluster_work
from pointsman.model.address import Address
from pointsman.model.delta import Delta, delta
from pointsman.model.record import (
    AnnouncerRecord,
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

SLOW_PLAN_S: Final = 0.1  # from here on a plan runs beside the loop: leases must be renewed
NOTHING: Final[Delta[Any, Any]] = Delta(put={}, drop=frozenset())


class Cluster(Protocol):
    """The cluster as watches keep it."""

    @property
    def in_sync(self) -> bool: ...

    @property
    def certain(self) -> bool:
        """Whether the Services were listed since the last doubt."""
        ...

    def doubt(self) -> None:
        """Have the Services listed again."""
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


class SpeakerEntries(Protocol):
    """This replica's entries in the status of BgpPeers: not gated by leadership."""

    def observe(self) -> Mapping[PeerName, Entries]: ...

    def hand(self, work: Delta[PeerName, Entries]) -> None: ...

    def sweep(self, *, leading: bool) -> None:
        """Have the entries of replicas that are gone taken away; the leader's part."""
        ...


class EventSink(Protocol):
    """Where Events of transitions go; it only queues."""

    def emit(self, events: Sequence[EventRecord]) -> None: ...


@dataclass(frozen=True, slots=True)
class ClusterTargets:
    """Where the leader writes, and each replica its own entries."""

    services: Services
    statuses: Statuses
    announcers: Writer[NodeName, AnnouncerRecord]
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
    ) -> None:
        self._cluster, self._leader, self._speakers = cluster, leader, speakers
        self._targets, self._settings, self._clock, self._wake = targets, settings, clock, wake
        self._plan_s, self._term = 0.0, 0
        self._logged: frozenset[tuple[str, str]] = frozenset()
        self._left_alone: set[ServiceKey] = set()

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
        decided = await self._plan(snapshot)
        self._log_failures(decided)
        if decided.again_s is not None:
            asyncio.get_running_loop().call_later(decided.again_s, self._wake)
        self._speakers.hand(decided.speakers, readings)
        leading = sure and self._leader.leading and self._leader.term == term
        self._write_cluster(decided, written, term=term if leading else None)
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
        started = self._clock.monotonic()
        if self._plan_s > SLOW_PLAN_S:
            decided = await asyncio.to_thread(plan, snapshot)
        else:
            decided = plan(snapshot)
        self._plan_s = self._clock.monotonic() - started
        return decided

    def _write_cluster(self, decided: Plan, written: Written, *, term: int | None) -> None:
        """Hand the leader's writers what the API lacks; without a *term* of ours, nothing."""
        targets = self._targets
        if term is None:
            targets.services.hand(NOTHING, term=0)
            targets.statuses.hand(NOTHING, term=0)
            targets.announcers.hand(NOTHING, term=0)
            return
        work = cluster_work(decided, written)
        targets.services.hand(work.services, term=term)
        targets.statuses.hand(work.statuses, term=term)
        targets.announcers.hand(work.announcers, term=term)

    def _write_session_entries(self, snapshot: Snapshot, *, leading: bool) -> None:
        """Hand on this replica's entries; the leader's sweep takes dead ones away."""
        standing = self._targets.entries.observe()
        self._targets.entries.hand(delta(entries(snapshot, standing), standing))
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
