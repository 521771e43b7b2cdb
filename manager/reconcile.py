"""The one loop of the manager: look, plan, and do what is missing, in a safe order.

It decides nothing. A system that does not answer stops its own phases only; whatever
else raises is a bug and ends the process. Only the leader writes to the API; every
replica drives its own speaker from what the API records.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol, TypeVar

from manager.contests import Contests
from manager.pacing import Pacing
from manager.planner.desired import Plan
from manager.planner.plan import plan
from manager.planner.speakers import Entries, entries
from manager.planner.status import stated
from manager.snapshot import NodeName, Observed, ServiceKey, Settings, Snapshot
from manager.voices import Voices
from manager.work import ClusterWork, Written, about, cluster_work, notices
from pointsman.model.delta import Delta, delta
from pointsman.model.record import Notice, ResourceKey, ServiceRecord, StatusRecord
from pointsman.model.route import PeerName
from pointsman.model.verdict import Verdict
from pointsman.runtime.clock import Clock
from pointsman.runtime.target import Target, Unavailable

log = logging.getLogger(__name__)

K = TypeVar("K")
V = TypeVar("V")

SLOW_PLAN_S: Final = 0.1  # from here on a plan runs beside the loop: leases must be renewed


class World(Protocol):
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
        observed: Observed,
        settings: Settings,
        taken_at: datetime | None,
        further: tuple[Observed, ...] = (),
    ) -> Snapshot: ...


class Leader(Protocol):
    """Whether this replica may write to the API."""

    @property
    def leading(self) -> bool: ...

    @property
    def term(self) -> int:
        """A number that grows whenever leading begins."""
        ...


class Speakers(Target[PeerName, Entries], Protocol):
    """This replica's entries in the status of BgpPeers."""

    async def sweep(self) -> None:
        """Take away the entries of replicas that are gone; the leader's part."""
        ...


class Reporter(Protocol):
    """Where transitions are told; it only queues."""

    async def emit(self, notices: Sequence[Notice]) -> None: ...


@dataclass(frozen=True, slots=True)
class ClusterTargets:
    """Where the leader writes."""

    services: Target[ServiceKey, ServiceRecord]
    statuses: Target[ResourceKey, StatusRecord]
    announcers: Target[NodeName, str]
    speakers: Speakers  # not gated by leadership
    events: Reporter

    async def observe(self) -> Written:
        """Return what stands there now."""
        return Written(
            services=await self.services.observe(),
            statuses=await self.statuses.observe(),
            announcers=await self.announcers.observe(),
        )


class Reconciler:
    """One step: everything that can be done now. A further step is asked for by *wake*."""

    def __init__(
        self,
        world: World,
        *,
        leader: Leader,
        voices: Voices,
        targets: ClusterTargets,
        settings: Settings,
        clock: Clock,
        wake: Callable[[], None],
    ) -> None:
        self._world, self._leader, self._voices = world, leader, voices
        self._targets, self._settings, self._clock, self._wake = targets, settings, clock, wake
        self._plan_s, self._term = 0.0, 0
        self._logged: frozenset[tuple[str, str]] = frozenset()
        self._left_alone: set[ServiceKey] = set()
        self._contests, self._pacing = Contests(clock), Pacing(clock, wake=wake)

    async def step(self) -> None:
        """Converge as far as the systems answer.

        Raises:
            Unavailable: something did not answer; the loop tries again later.
        """
        if not self._world.in_sync:
            return
        observed = await self._voices.look()
        certain = self._knows_what_was_granted()
        # From here to the plan nothing may yield: writes carry the versions seen here.
        written = await self._targets.observe()
        snapshot = self._world.snapshot(
            observed=observed[0],
            further=observed[1:],
            settings=self._settings,
            taken_at=self._clock.wall(),
        )
        decided = await self._plan(snapshot)
        self._log_failures(decided)
        if decided.again_s is not None:
            asyncio.get_running_loop().call_later(decided.again_s, self._wake)
        troubles: list[Unavailable] = []
        work = cluster_work(decided, written)
        contested: Mapping[ServiceKey, Verdict] = {}
        leading = certain and self._leader.leading
        if leading:
            work, contested = self._contests.sift(work, snapshot, written=written)
            work = self._pacing.sift(work, written)
            await self._record(work, troubles)
        if await self._voices.speak(decided.speeches, observed, troubles):
            self._wake()  # conditions say what the speakers hold: look again
        if leading:
            await self._report(work, troubles)
            after = await self._targets.observe()
            self._contests.note(work, snapshot, after)
            told = notices(snapshot, written, after=after, planned=decided.services)
            await self._announce(snapshot, told, decided.left_alone, contested)
        await self._enter(snapshot, troubles, leading=leading)
        if troubles:
            raise troubles[0]

    def _knows_what_was_granted(self) -> bool:
        """Whether we lead, and have listed the Services since we do.

        A watch may lag by as long as a dead connection takes to be noticed. What the leader
        before us granted meanwhile would look free, and go to another Service.
        """
        if self._leader.leading and self._leader.term != self._term:
            self._term = self._leader.term
            self._world.doubt()
        return self._leader.leading and self._world.certain

    async def _plan(self, snapshot: Snapshot) -> Plan:
        started = self._clock.monotonic()
        if self._plan_s > SLOW_PLAN_S:
            decided = await asyncio.to_thread(plan, snapshot)
        else:
            decided = plan(snapshot)
        self._plan_s = self._clock.monotonic() - started
        return decided

    async def _record(self, work: ClusterWork, troubles: list[Unavailable]) -> None:
        """Write addresses, after the finalizers of the Eips they come from."""
        await _apply(self._targets.statuses, work.holds, troubles)
        await _apply(self._targets.services, work.services.puts_only(), troubles)

    async def _report(self, work: ClusterWork, troubles: list[Unavailable]) -> None:
        """Write what follows from the network, and give up what is no longer ours."""
        await _apply(self._targets.services, work.services.drops_only(), troubles)
        await _apply(self._targets.statuses, work.statuses, troubles)
        await _apply(self._targets.announcers, work.announcers, troubles)

    async def _enter(
        self, snapshot: Snapshot, troubles: list[Unavailable], *, leading: bool
    ) -> None:
        """Write what our own speakers say of their sessions: whoever leads, that is ours to say."""
        written = await self._targets.speakers.observe()
        desired = entries(snapshot, written)
        if await _apply(self._targets.speakers, delta(desired, written), troubles) and leading:
            try:
                await self._targets.speakers.sweep()
            except Unavailable as trouble:
                troubles.append(trouble)

    async def _announce(
        self,
        snapshot: Snapshot,
        turned: Sequence[Notice],
        left_alone: Mapping[ServiceKey, Verdict],
        contested: Mapping[ServiceKey, Verdict],
    ) -> None:
        """Tell the transitions that were really written, as log lines and Events."""
        fresh = {key: left_alone[key] for key in left_alone.keys() - self._left_alone}
        alone = sorted({**fresh, **contested}.items())
        told = [*turned, *(about(snapshot.services[key], stated(why)) for key, why in alone)]
        self._left_alone = set(left_alone)
        for notice in told:
            level = logging.WARNING if notice.warning else logging.INFO
            log.log(level, "%s %s: %s", notice.kind, notice.reason, notice.message)
        if told:
            await self._targets.events.emit(told)

    def _log_failures(self, decided: Plan) -> None:
        failures = frozenset((what, repr(error)) for what, error in decided.failures)
        for what, error in decided.failures:
            if (what, repr(error)) not in self._logged:
                log.error("%s could not be judged", what, exc_info=error)
        self._logged = failures


async def _apply(target: Target[K, V], work: Delta[K, V], troubles: list[Unavailable]) -> bool:
    """Do *work* if there is any; return whether the target answered."""
    if not work:
        return True
    try:
        await target.apply(work)
    except Unavailable as trouble:
        troubles.append(trouble)
        return False
    return True
