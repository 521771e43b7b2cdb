"""The whole manager in this process, on a virtual clock, among dictionaries: many Services at rest.

Everything of the manager is real and wired as `manager.main` does it. The API server is the fake
one of the tests, the speaker is tables in memory. All Services have been recorded and routed
before it starts, so that what follows is what one event causes. What is measured around `cause` is
all that this process does until nothing is left to do: the deed, the fake server's copies, the
plans, the writes and their echoes, the speaker's tables.

On a virtual clock a plan takes no time. So wakes that a busy manager would take up together may be
steps of their own here: what is counted is rather too much than too little.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from prometheus_client import CollectorRegistry

from manager.adapters.kubernetes.client import (
    BGP_CONFS,
    BGP_PEERS,
    CRDS,
    EIPS,
    ENDPOINT_SLICES,
    LEASES,
    NAMESPACES,
    NODES,
    SERVICES,
    Kind,
)
from manager.adapters.kubernetes.objects import snapshot_of
from manager.adapters.kubernetes.record_codec import service_patch
from manager.adapters.metrics.counters import Counters
from manager.main import Parts
from manager.options import Options
from manager.planner.desired import Plan
from manager.planner.whatif import settle
from manager.snapshot import ServiceKey, Settings, Snapshot
from pointsman.model.route import PeerName
from pointsman.runtime.clock import Clock
from tests.bench import raw_objects
from tests.bench.table_speaker import TableSpeaker
from tests.fakes.kube import FakeKube
from tests.merging import merged

Json = dict[str, Any]
NOON: Final = datetime(2026, 11, 22, 13, tzinfo=UTC)
QUIET_S: Final = 1.5  # virtual; longer than the pace of statuses
PEER: Final = PeerName("tor-1")
ROOM: Final = 20_000  # numbers of Services that events make come after those that are there


class CountedParts(Parts):
    """The manager, which counts its steps."""

    steps = 0

    async def _step(self) -> None:
        self.steps += 1
        await super()._step()


@dataclass
class LargeCluster:
    """A manager at rest, and the deeds that stir it."""

    api: FakeKube
    speaker: TableSpeaker
    parts: CountedParts
    nodes: tuple[str, ...]
    task: asyncio.Task[None]
    number: int = ROOM
    beat: int = 0

    async def rest(self) -> None:
        """Return when nothing was decided, written or told for a while."""
        while True:
            before = self._signs()
            await asyncio.sleep(QUIET_S)
            if self.task.done():
                self.task.result()
            if self._signs() == before:
                return

    def _signs(self) -> tuple[object, ...]:
        asked = sum(plural != LEASES.plural for _, plural, _ in self.api.requests[-100:])
        return self.parts.steps, asked, self.api.requests[-1:], self.speaker.routes.contents

    async def cause(self, deed: Callable[[], object]) -> None:
        """Do it, and return when all that follows from it is done."""
        deed()
        await self.rest()

    def put(self, kind: Kind, raw: Json) -> None:
        self.api.put(kind, raw)

    # --- deeds ---

    def serve(self, name: str, *nodes: str) -> None:
        """Have a Service's endpoints on *nodes*."""
        self.put(ENDPOINT_SLICES, raw_objects.slice_of(name, self.number, nodes))

    def create(self, name: str, *, policy: str = "Cluster") -> None:
        self.number += 1
        self.put(SERVICES, raw_objects.service(name, self.number, policy=policy))

    def delete(self, name: str) -> None:
        self.api.remove(SERVICES, name, raw_objects.NAMESPACE)

    def forget_slice(self, name: str) -> None:
        self.api.remove(ENDPOINT_SLICES, f"{name}-abcde", raw_objects.NAMESPACE)

    def node(self, number: int, **more: Any) -> None:
        self.beat += 1
        self.put(NODES, raw_objects.node(number, beat=self.beat, **more))

    def edit_eip(self, name: str, **spec: Any) -> None:
        raw = self.api.of(EIPS)[name]
        meta = {k: v for k, v in raw["metadata"].items() if k != "generation"}
        self.put(EIPS, {**raw, "metadata": meta, "spec": {**raw["spec"], **spec}})


@asynccontextmanager
async def large_cluster(count: int, nodes: int) -> AsyncIterator[LargeCluster]:
    """Yield a manager of *count* Services with an endpoint on each of *nodes* nodes, at rest."""
    names = tuple(f"node{n}" for n in range(1, nodes + 1))
    api = FakeKube()
    settings = Settings(speaker_name="m1")
    decided = _fill(api, count, names, settings)
    speaker = TableSpeaker(decided.routes, decided.speakers[0].identity)
    loop = asyncio.get_running_loop()
    options = Options(
        name="m1",
        namespace="pointsman-system",
        kubeconfig=None,
        gobgp_sockets=(),
        lease_duration_s=15.0,
        settings=settings,
    )
    clock = Clock(monotonic=loop.time, wall=lambda: NOON + timedelta(seconds=loop.time()))
    parts = CountedParts(
        options,
        api,
        speakers=[speaker],
        clock=clock,
        chance=random.Random(1),
        counters=Counters(CollectorRegistry(), replica=options.name),
    )
    task = asyncio.create_task(parts.run(asyncio.Event()))
    found = LargeCluster(api, speaker, parts, names, task)
    try:
        await asyncio.sleep(10)  # lists, leadership, the first steps
        await found.rest()
        assert len(speaker.routes.contents) == count * nodes
        yield found
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def name_of(number: int) -> str:
    return f"many-{number:05}"


def _fill(api: FakeKube, count: int, nodes: tuple[str, ...], settings: Settings) -> Plan:
    """Put a cluster into *api* in which every Service is recorded; return its plan at rest."""
    for plural in ("eips", "bgpconfs", "bgppeers", "announcers"):
        api.put(CRDS, {"metadata": {"name": f"{plural}.pointsman.dev"}})
    objects: list[tuple[Kind, Json]] = [
        *((NAMESPACES, _namespace(n)) for n in ("kube-system", raw_objects.NAMESPACE)),
        *((NODES, raw_objects.node(n + 1)) for n in range(len(nodes))),
        (EIPS, raw_objects.custom("Eip", "bulk", {"addresses": ["198.18.0.0/15"]})),
        (EIPS, raw_objects.custom("Eip", "other", {"addresses": ["203.0.113.0/24"]})),
        (BGP_CONFS, raw_objects.custom("BgpConf", "default", {"as": 64501})),
        (BGP_PEERS, raw_objects.custom("BgpPeer", PEER, {"address": "192.0.2.1", "as": 64500})),
    ]
    services = [raw_objects.service(name_of(n), n) for n in range(count)]
    slices = [raw_objects.slice_of(name_of(n), n, nodes) for n in range(count)]
    every = [raw for _, raw in objects] + services + slices
    snapshot, problems = snapshot_of(every, settings=settings)
    assert not problems, problems
    _, decided = settle(snapshot)
    objects += ((SERVICES, _recorded(raw, snapshot, decided)) for raw in services)
    objects += ((ENDPOINT_SLICES, raw) for raw in slices)
    for kind, raw in objects:
        api.put(kind, raw)
    api.history.clear()  # no watch will ask for it: it begins with a list
    return decided


def _namespace(name: str) -> Json:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "uid": name}}


def _recorded(raw: Json, snapshot: Snapshot, decided: Plan) -> Json:
    key = ServiceKey(f"{raw_objects.NAMESPACE}/{raw['metadata']['name']}")
    patch = service_patch(snapshot.services[key], decided.services[key], now=raw_objects.STAMP)
    patch["metadata"].pop("resourceVersion")
    found: Json = merged(raw_objects.ours(raw), patch)
    return found
