"""The manager put together: the only module that knows every adapter, and the task group.

Watches, leadership, speakers and the reconciler run side by side; when asked to stop, the
reconciler goes first and the lease is released last, so that nothing is written after it.
"""

import asyncio
import contextlib
import gc
import logging
import random
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from manager.adapters.gobgp.speaker import speaker_at
from manager.adapters.kubernetes import client
from manager.adapters.kubernetes.batch import FencedSink, Sink
from manager.adapters.kubernetes.cluster_view import ClusterView
from manager.adapters.kubernetes.events import Events
from manager.adapters.kubernetes.informer import Pace, Source
from manager.adapters.kubernetes.leadership import Leadership
from manager.adapters.kubernetes.replica_leases import LeaseListApi, ReplicaLeases
from manager.adapters.kubernetes.service_writes import ServiceWriter
from manager.adapters.kubernetes.session_entries import Patcher, SpeakerEntries, others
from manager.adapters.kubernetes.writers import AnnouncerWriter, StatusWriter
from manager.ports import Speaker
from manager.reconcile import ClusterTargets, Reconciler
from manager.snapshot import Settings
from manager.speakers.group import SpeakerGroup
from manager.writers.keyed import KeyedWriter
from pointsman.runtime.clock import Clock
from pointsman.runtime.errors import Misuse
from pointsman.runtime.loop import Loop

log = logging.getLogger("manager")


# Plans are made of values without cycles, so reference counts free them. The collector would
# walk half a million of them many times in every plan (measured: three quarters of its time).
GC_THRESHOLDS = (200_000, 50, 100)
# The condition NoSession comes with time, not with an event: look this often at least.
RESYNC_S = 30.0
# A step follows the last one after this, or after as long as that took. No request waits for a
# step, so this is what a change waits for.
INTERVAL_S = 0.02
RESTORED = "The resourceVersion of our Lease went backwards (was etcd restored?)"


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line decided, checked."""

    name: str  # of this replica: holder of the lease, seed of the router-id
    namespace: str
    kubeconfig: Path | None  # None: the Pod's service account
    gobgp_sockets: tuple[Path, ...]  # one for each speaker, the first one first
    lease_duration_s: float
    settings: Settings


class Api(Patcher, Source, Sink, LeaseListApi, Protocol):
    """All that the manager asks of an API server."""


async def run(options: Options) -> None:
    """Manage until SIGTERM or SIGINT. What is announced stays announced.

    Raises:
        Misuse: the access to the cluster cannot be used, and the sentence says what to give.
    """
    gc.set_threshold(*GC_THRESHOLDS)
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with contextlib.AsyncExitStack() as stack:
        try:
            api = await stack.enter_async_context(client.connect(options.kubeconfig))
        except ValueError as error:
            raise Misuse(str(error)) from error
        speakers = [
            await stack.enter_async_context(speaker_at(socket)) for socket in options.gobgp_sockets
        ]
        clock = Clock(monotonic=time.monotonic, wall=lambda: datetime.now(UTC))
        parts = Parts(options, api, speakers=speakers, clock=clock, chance=random.Random())
        await parts.run(stopping)
    log.info("stopped; what is announced stays announced")


class Parts:
    """Everything wired to everything: one loop, woken by all who notice a change."""

    def __init__(
        self,
        options: Options,
        api: Api,
        *,
        speakers: Sequence[Speaker],
        clock: Clock,
        chance: random.Random,
        pace: Pace | None = None,
    ) -> None:
        self._loop = Loop(self._step, resync_s=RESYNC_S, min_interval_s=INTERVAL_S, rest=1.0)
        wake = self._loop.wake
        home = options.namespace  # where Secrets are, too
        self.view = ClusterView(api, wake=wake, rng=chance, pace=pace, namespace=home)
        self.leadership = Leadership(
            api,
            name=options.name,
            namespace=options.namespace,
            clock=clock,
            rng=chance,
            wake=wake,
            duration_s=options.lease_duration_s,
            went_back=lambda: self.view.distrust(RESTORED),
        )
        sink = FencedSink(api, self.leadership.fence)
        self._replica_leases = ReplicaLeases(
            api,
            name=options.name,
            namespace=options.namespace,
            leading=lambda: self.leadership.leading,
            others=lambda: others(self.view.bgp_peers.items.values(), options.name),
            clock=clock,
            wake=wake,
        )
        self._events = Events(sink, clock=clock, rng=chance, instance=options.name)
        self.speakers = SpeakerGroup(speakers, clock=clock, wake=wake)
        own: dict[str, Any] = {"term": lambda: self.leadership.term, "emit": self._events.emit}
        services = ServiceWriter(self.view, sink, api=api, clock=clock, **own)
        statuses = StatusWriter(self.view, sink, clock=clock, **own)
        announcers = AnnouncerWriter(self.view, sink, term=own["term"])
        entries = SpeakerEntries(
            self.view.bgp_peers,
            api,
            fenced=sink,
            name=options.name,
            gone=lambda: self._replica_leases.gone,
        )
        self._writers: tuple[KeyedWriter[Any], ...] = (
            services.writer,
            statuses.writer,
            announcers.writer,
            entries.writer,
            entries.sweeper,
        )
        self.targets = ClusterTargets(services, statuses, announcers, entries, self._events)
        self._reconciler = Reconciler(
            self.view,
            leader=self.leadership,
            speakers=self.speakers,
            targets=self.targets,
            settings=options.settings,
            clock=clock,
            wake=wake,
        )

    async def run(self, stopping: asyncio.Event) -> None:
        """Manage until *stopping* is set; the lease is given back when nobody writes."""
        leading = asyncio.create_task(self.leadership.run(), name="leadership")
        working = asyncio.create_task(self.work(), name="work")
        stop = asyncio.create_task(stopping.wait(), name="stop")
        try:
            await asyncio.wait((leading, working, stop), return_when=asyncio.FIRST_COMPLETED)
        finally:
            async with contextlib.AsyncExitStack() as ending:  # last in, first out
                for task in (leading, working, stop):
                    ending.push_async_callback(_ended, task)
                if stop.done() and not working.done():
                    ending.push_async_callback(self._drain)

    async def _drain(self) -> None:
        """Send nothing more, and wait for what is under way: its answers may be grants."""
        async with asyncio.TaskGroup() as group:
            for writer in self._writers:
                group.create_task(writer.drain(self.leadership.fence.write_s))

    async def work(self) -> None:
        """Read, decide, converge, report, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.view.run(), name="watches")
            tasks.create_task(self.speakers.run(), name="speakers")
            for number, writer in enumerate(self._writers):
                tasks.create_task(writer.run(), name=f"writer {number}")
            tasks.create_task(self._events.run(), name="events")
            tasks.create_task(self._replica_leases.run(), name="replica leases")
            tasks.create_task(self._loop.run(), name="reconcile")

    async def _step(self) -> None:
        await self._reconciler.step()


async def _ended(task: asyncio.Task[object]) -> None:
    """End *task*; what it crashed of goes through."""
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
