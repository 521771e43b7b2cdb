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
from datetime import UTC, datetime
from typing import Protocol

from prometheus_client import CollectorRegistry, ProcessCollector

from manager.adapters.frames import HostFrames
from manager.adapters.gobgp.speaker import speaker_at
from manager.adapters.heartbeat import UDP_AND_TCP, HeartbeatNet, Heartbeats
from manager.adapters.ipam.opened import opening
from manager.adapters.kubernetes import client
from manager.adapters.kubernetes.batch import FencedSink, Sink
from manager.adapters.kubernetes.cluster_view import ClusterView
from manager.adapters.kubernetes.cluster_writers import ClusterWriters
from manager.adapters.kubernetes.dead_pods import DeadPods, to_mark
from manager.adapters.kubernetes.informer import Pace, Source
from manager.adapters.kubernetes.leadership import Leadership
from manager.adapters.kubernetes.replica_leases import LeaseListApi, ReplicaLeases
from manager.adapters.kubernetes.session_entries import Patcher, others
from manager.adapters.metrics.counters import Counters
from manager.adapters.metrics.pages import Sources, pages
from manager.central.driver import CentralDriver
from manager.damping.moves import Moves
from manager.heartbeats.presence import Presence
from manager.ipam.group import Open, SourceGroup
from manager.ipam.slot import Shell
from manager.options import Options
from manager.ports import FrameNet, Speaker
from manager.reconcile import ClusterTargets, Reconciler
from manager.replicas.company import Standing
from manager.replicas.own_view import OwnView
from manager.snapshot import NodeName
from manager.speakers.group import SpeakerGroup
from pointsman.runtime.clock import Clock
from pointsman.runtime.errors import Misuse
from pointsman.runtime.http_server import answering
from pointsman.runtime.loop import Loop
from pointsman.runtime.tasks import ended
from pointsman.runtime.version import version

log = logging.getLogger("manager")


# Plans are made of values without cycles, so reference counts free them. The collector would
# walk half a million of them many times in every plan (measured: three quarters of its time).
GC_THRESHOLDS = (200_000, 50, 100)
# The condition NoSession comes with time, not with an event: look this often at least.
RESYNC_S = 30.0
# A step follows the last one after this, or after as long as that took: what a change waits for.
INTERVAL_S = 0.02
RESTORED = "The resourceVersion of our Lease went backwards (was etcd restored?)"


class Api(Patcher, Source, Sink, LeaseListApi, Protocol):
    """All that the manager asks of an API server."""


async def run(options: Options) -> None:
    """Manage until SIGTERM or SIGINT. What is announced stays announced.

    Raises:
        Misuse: the access to the cluster or the address for HTTP cannot be used, and the
            sentence says what to give.
    """
    registry = CollectorRegistry()
    counters = Counters(registry, replica=options.name)
    ProcessCollector(registry=registry)
    gc.set_threshold(*GC_THRESHOLDS)
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with contextlib.AsyncExitStack() as stack:
        try:
            api = await stack.enter_async_context(
                client.connect(options.kubeconfig, ended=counters.requested)
            )
        except ValueError as error:
            raise Misuse(str(error)) from error
        speakers = [
            await stack.enter_async_context(speaker_at(socket)) for socket in options.gobgp_sockets
        ]
        clock = Clock(monotonic=time.monotonic, wall=lambda: datetime.now(UTC))
        parts = Parts(
            options, api, speakers=speakers, clock=clock, chance=random.Random(), counters=counters
        )
        if options.http is not None:
            shown = pages(parts.sources(options, registry))
            await stack.enter_async_context(answering(options.http, shown))
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
        counters: Counters,
        pace: Pace | None = None,
        net: HeartbeatNet = UDP_AND_TCP,
        frames: FrameNet | None = None,
        open_source: Open | None = None,
    ) -> None:
        # Long, and a list: each part once, in the order in which one needs another.
        self._follows = 0  # version of the Services that the newest plan was made of
        self._loop = Loop(self._step, resync_s=RESYNC_S, min_interval_s=INTERVAL_S, rest=1.0)
        wake = self._loop.wake
        self.view = ClusterView(api, wake=wake, rng=chance, pace=pace, namespace=options.namespace)
        self.leadership = Leadership(
            api,
            name=options.name,
            namespace=options.namespace,
            clock=clock,
            rng=chance,
            wake=wake,
            duration_s=options.lease_duration_s,
            went_back=lambda: self.view.distrust(RESTORED),
            version=version(),
        )
        own_view = OwnView(self.leadership, self.view, frozen=lambda: bool(self._frozen))
        self.heartbeats = (
            None
            if options.heartbeat is None
            else Heartbeats(
                options.heartbeat,
                name=options.name,
                cluster=lambda: (self.view.nodes.items, self.view.announcers.items),
                view=own_view,
                wake=wake,
                standing=Standing(
                    view=lambda: own_view()[0],
                    readings=lambda: self.speakers.readings,
                    follows=lambda: self._follows if self.speakers.settled else 0,
                    version=lambda: self.view.services_version,
                ),
                net=net,
                ports=options.witness_ports,
            )
        )
        self.central = CentralDriver(frames or HostFrames(), self.leadership, now_s=clock.monotonic)
        self.central.claims.wake = wake
        sink = FencedSink(api, self.leadership.fence)
        self._replica_leases = ReplicaLeases(
            api,
            name=options.name,
            namespace=options.namespace,
            leading=lambda: self.leadership.leading,
            others=lambda: others(self.view.bgp_peers.items.values(), options.name),
            clock=clock,
            wake=wake,
            own=self.heartbeats.own if self.heartbeats else lambda: None,
            hears=self.heartbeats.hears if self.heartbeats else lambda _: False,
        )
        if self.heartbeats is not None:
            self.heartbeats.driver.stranger = self._replica_leases.look_soon
        presence = Presence(
            self.heartbeats.driver if self.heartbeats else None,
            lambda: self._replica_leases.managers,
            lambda: self._replica_leases.managers_known,
        )
        self._dead_pods = (
            DeadPods(api, sink, dead=self._dead_nodes, clock=clock)
            if options.mark_dead_nodes
            else None
        )
        self._counters = counters
        self.speakers = SpeakerGroup(speakers, clock=clock, wake=wake, routed=counters.routed)
        moves = Moves(wake)
        writers = ClusterWriters(
            self.view,
            sink,
            api=api,
            clock=clock,
            term=lambda: self.leadership.term,
            rng=chance,
            orphaned=moves.orphaned,
            name=options.name,
            gone=lambda: self._replica_leases.gone,
        )
        self._writers, self._events = writers.all, writers.events
        self.targets = ClusterTargets(
            writers.services, writers.statuses, writers.announcers, writers.entries, self._events
        )
        self.ipams = SourceGroup(
            open_source or opening(self.leadership.fence, counters.requested_of_ipam),
            shell=Shell(
                leader=self.leadership,
                clock=clock,
                chance=chance,
                wake=wake,
                releasing=lambda: self.view.sure_of_services,
                counted=counters.asked_ipam,
            ),
        )
        self._reconciler = Reconciler(
            self.view,
            leader=self.leadership,
            speakers=self.speakers,
            targets=self.targets,
            settings=options.settings,
            clock=clock,
            wake=wake,
            beside=(presence, moves, self.central.claims),
            sources=self.ipams,
        )

    def _dead_nodes(self) -> frozenset[NodeName]:
        """Return the nodes whose Pods are to be marked now."""
        known = self.heartbeats.driver.liveness if self.heartbeats else {}
        return to_mark(known, self._frozen, leading=self.leadership.leading)

    @property
    def _frozen(self) -> tuple[str, ...]:
        return self.heartbeats.driver.frozen if self.heartbeats else ()

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
                    ending.push_async_callback(ended, task)
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
            tasks.create_task(self.ipams.run(), name="IPAMs")
            for number, writer in enumerate(self._writers):
                tasks.create_task(writer.run(), name=f"writer {number}")
            tasks.create_task(self._events.run(), name="events")
            tasks.create_task(self._replica_leases.run(), name="replica leases")
            tasks.create_task(self.central.run(), name="central responder")
            tasks.create_task(self._loop.run(), name="reconcile")
            if self._dead_pods is not None:
                tasks.create_task(self._dead_pods.run(), name="Pods of dead nodes")
            if self.heartbeats is not None:
                tasks.create_task(self.heartbeats.run(), name="heartbeats")

    async def _step(self) -> None:
        before, version = self._reconciler.finished, self.view.services_version
        self.speakers.caused(self._loop.caused_at)
        await self._reconciler.step()
        finished = self._reconciler.finished
        if finished is not None and finished is not before:
            self._counters.planned(finished.took_s)
            self._follows = version
        self.central.follow(finished.plan.answers if finished and self.leadership.leading else {})
        self._counters.looked(self.speakers.readings, finished.plan.sessions if finished else {})

    def sources(self, options: Options, registry: CollectorRegistry) -> Sources:
        """Return where the facts are that are shown; *registry*: of what is counted."""
        return Sources(
            version=version(),
            replica=options.name,
            per_service=options.metrics_per_service,
            registry=registry,
            finished=lambda: self._reconciler.finished,
            readings=lambda: self.speakers.readings,
            leading=lambda: self.leadership.leading,
            held_back=lambda: sum(len(writer.stuck) for writer in self._writers),
            watch_ages=lambda: self.view.silences,
            unlisted=lambda: self.view.unlisted,
            busy_since=lambda: self._loop.busy_since,
            heartbeats=lambda: self.heartbeats.results if self.heartbeats else {},
            central=lambda: self.central.counters,
            events_dropped=lambda: self._events.dropped,
        )
