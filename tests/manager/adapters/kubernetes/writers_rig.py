"""All writers on a fake API server and a virtual clock."""

import asyncio
import random
from collections import Counter
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from manager.adapters.kubernetes.announcer_writes import AnnouncerWriter
from manager.adapters.kubernetes.batch import FencedSink
from manager.adapters.kubernetes.cluster_view import ClusterView
from manager.adapters.kubernetes.events import Events
from manager.adapters.kubernetes.fence import Fence
from manager.adapters.kubernetes.service_writes import ServiceWriter
from manager.adapters.kubernetes.writers import StatusWriter
from manager.snapshot import ServiceKey
from pointsman.model.address import Address
from pointsman.model.delta import Delta
from pointsman.model.record import (
    ConditionValue,
    ResourceKey,
    ServiceRecord,
    StatusRecord,
)
from pointsman.runtime.clock import Clock
from tests.fakes.kube import FakeKube

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
ALLOCATED = "pointsman.dev/Allocated"


def now() -> float:
    return asyncio.get_running_loop().time()


class Rig:
    def __init__(self, api: FakeKube) -> None:
        self.api, self.leading = api, True
        clock = Clock(monotonic=now, wall=lambda: NOON)
        rng = random.Random(1)
        self.wakes: list[float] = []
        self.view = ClusterView(api, wake=self.wake, rng=rng)
        self.sink = FencedSink(api, Fence(lambda _: self.leading, 5.0))
        self.events = Events(self.sink, clock=clock, rng=rng, instance="a")
        self.term = 1
        own: dict[str, Any] = {"term": lambda: self.term, "emit": self.events.emit}
        self.services = ServiceWriter(self.view, self.sink, api=api, clock=clock, **own)
        self.statuses = StatusWriter(self.view, self.sink, clock=clock, **own)
        self.orphans: set[Address] = set()
        self.announcers = AnnouncerWriter(
            self.view, self.sink, term=own["term"], orphaned=lambda one: one in self.orphans
        )

    def wake(self) -> None:
        self.wakes.append(now())

    def sent(self, verb: str) -> Counter[str]:
        return Counter(name for v, _, name in self.api.requests if v == verb)


@asynccontextmanager
async def rig_on(api: FakeKube):
    rig = Rig(api)
    targets = (rig.services, rig.statuses, rig.announcers)
    work = [rig.view.run(), rig.events.run(), *(one.writer.run() for one in targets)]
    tasks = [asyncio.create_task(one) for one in work]
    await asyncio.sleep(0.5)
    yield rig
    for task in tasks:
        task.cancel()


async def write(target, work: Delta, *, term: int = 1, within_s: float = 0.5) -> None:
    """Look, hand *work*, and wait until what can be written is."""
    target.observe()
    target.hand(work, term=term)
    await asyncio.sleep(within_s)


def service(name: str, **meta) -> dict:
    return {
        "metadata": {"name": name, "namespace": "shop", **meta},
        "spec": {"type": "LoadBalancer"},
    }


def key(name: str) -> ServiceKey:
    return ServiceKey(f"shop/{name}")


def record(address: str) -> ServiceRecord:
    return ServiceRecord(
        (address,),
        {"pointsman.dev/allocated-from": f"public/{address}"},
        {ALLOCATED: ConditionValue("True", "Allocated", f"has {address}")},
    )


def puts(*names: str) -> Delta:
    return Delta({key(name): record("192.0.2.1") for name in names}, frozenset())


def eip(**meta) -> dict:
    return {"metadata": {"name": "public", **meta}, "spec": {"addresses": ["192.0.2.1"]}}


PUBLIC = ResourceKey("Eip", "public")
READY = StatusRecord(
    {"Ready": ConditionValue("True", "Ready", "m")},
    {"capacity": {"ipv4": "1"}},
    1,
    has_finalizer=True,
)
