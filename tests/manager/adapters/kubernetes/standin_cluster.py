"""A cluster behind HTTP: the stand-in API, a way to it, and the manager's view of it."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from manager.adapters.kubernetes.batch import FencedSink
from manager.adapters.kubernetes.client import (
    CRDS,
    KubeApi,
    connect,
)
from manager.adapters.kubernetes.cluster_view import ClusterView
from manager.adapters.kubernetes.fence import Fence
from manager.adapters.kubernetes.informer import Pace
from manager.adapters.kubernetes.service_writes import ServiceWriter
from manager.adapters.kubernetes.writers import StatusWriter
from manager.snapshot import ServiceKey
from pointsman.model.record import (
    ConditionValue,
    ServiceRecord,
)
from pointsman.runtime.clock import Clock
from standin.in_process import serving
from standin.server import Api

CLOCK = Clock(monotonic=time.monotonic, wall=lambda: datetime.now(UTC))
CRD_FILES = sorted((Path(__file__).parents[4] / "crds").glob("*.yaml"))
OWN: dict[str, Any] = {"term": lambda: 1, "emit": lambda events: None}
WEB = ServiceKey("default/web")
RECORD = ServiceRecord(
    ("198.51.100.0",),
    {"pointsman.dev/allocated-from": "public/198.51.100.0"},
    {"pointsman.dev/Allocated": ConditionValue("True", "Allocated", "has 198.51.100.0")},
)


async def until(holds: Callable[[], bool], what: str, within_s: float = 60.0) -> None:
    end = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < end, f"after {within_s} s it is not so that {what}"
        await asyncio.sleep(0.02)


def kubeconfig(path: Path, url: str, **user: str) -> Path:
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": url}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
    }
    path.write_text(yaml.safe_dump(document))
    return path


@dataclass
class Cluster:
    """The stand-in, a way to it, and the manager's view of it."""

    server: Api
    api: KubeApi
    view: ClusterView
    wakes: list[float] = field(default_factory=list)

    @property
    def sink(self) -> FencedSink:
        return FencedSink(self.api, Fence(lambda _: True, 5.0))

    def wake(self) -> None:
        self.wakes.append(time.monotonic())

    @property
    def services(self) -> ServiceWriter:
        return ServiceWriter(self.view, self.sink, api=self.api, clock=CLOCK, **OWN)

    @property
    def statuses(self) -> StatusWriter:
        return StatusWriter(self.view, self.sink, clock=CLOCK, **OWN)


@asynccontextmanager
async def cluster_on(server: Api, tmp_path: Path) -> AsyncIterator[Cluster]:
    wakes: list[float] = []
    async with serving(server) as url, connect(kubeconfig(tmp_path / "k", url)) as api:
        for path in CRD_FILES:
            await api.create(CRDS, "", yaml.safe_load(path.read_text()))
        view = ClusterView(
            api,
            wake=lambda: wakes.append(time.monotonic()),
            rng=random.Random(1),
            pace=Pace(page=3, first_delay_s=0.05, longest_delay_s=0.3),
        )
        task = asyncio.create_task(view.run())
        await until(lambda: view.in_sync, "the view is in sync")
        yield Cluster(server, api, view, wakes)
        task.cancel()
        await asyncio.wait([task])


def service(name: str = "web", **spec) -> dict:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 80}], **spec},
    }


def eip() -> dict:
    return {
        "apiVersion": "pointsman.dev/v1alpha1",
        "kind": "Eip",
        "metadata": {"name": "public"},
        "spec": {"addresses": ["198.51.100.0/28"]},
    }


def peer() -> dict:
    return {
        "apiVersion": "pointsman.dev/v1alpha1",
        "kind": "BgpPeer",
        "metadata": {"name": "tor"},
        "spec": {"address": "192.0.2.1", "as": 64500},
    }
