"""The adapters over HTTP, against the stand-in API; its faults are the server's bad days."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from manager.adapters.kubernetes.batch import FencedSink
from manager.adapters.kubernetes.client import (
    ANNOUNCERS,
    BGP_PEERS,
    CRDS,
    EIPS,
    EVENTS,
    LEASES,
    NAMESPACES,
    NODES,
    SERVICES,
    KubeApi,
    Refused,
    connect,
)
from manager.adapters.kubernetes.cluster_view import ClusterView
from manager.adapters.kubernetes.events import Events
from manager.adapters.kubernetes.fence import Fence
from manager.adapters.kubernetes.informer import Pace
from manager.adapters.kubernetes.leadership import Leadership
from manager.adapters.kubernetes.service_writes import ServiceWriter
from manager.adapters.kubernetes.writers import AnnouncerWriter, StatusWriter
from manager.snapshot import EipName, NodeName, ServiceKey
from pointsman.model.delta import Delta, delta
from pointsman.model.record import (
    AnnouncerRecord,
    ConditionValue,
    EventRecord,
    ResourceKey,
    ServiceRecord,
    StatusRecord,
)
from pointsman.runtime import outage
from pointsman.runtime.clock import Clock
from pointsman.runtime.target import Unavailable
from standin.in_process import serving
from standin.server import Api, start
from tests.manager.writing import write

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


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    async with cluster_on(Api(bookmark_s=0.2), tmp_path) as made:
        yield made


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


async def test_what_is_there_and_what_comes(cluster: Cluster) -> None:
    for number in range(8):
        await cluster.api.create(SERVICES, "default", service(f"s{number}"))
    services = cluster.view.services
    await until(lambda: len(services.items) == 8, "eight Services are known")
    await cluster.api.delete(SERVICES, "default", "s3", body={})
    await until(lambda: len(services.items) == 7, "one is gone")
    assert sorted(cluster.view.namespaces.items) == ["default", "kube-system"]
    assert cluster.view.unavailable == ()


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param([{"drop_watches": True}], id="watches break off"),
        pytest.param([{"compact": True}, {"drop_watches": True}], id="history is gone"),
        pytest.param(
            [{"code": 410, "verb": "watch", "count": 4}, {"drop_watches": True}], id="410, told"
        ),
        pytest.param(
            [{"code": 410, "verb": "watch", "count": 4, "http": True}, {"drop_watches": True}],
            id="410, answered",
        ),
        pytest.param([{"code": 500, "count": 20}, {"drop_watches": True}], id="500 for a while"),
        pytest.param([{"code": 429, "count": 8}, {"drop_watches": True}], id="429 for a while"),
    ],
)
async def test_bad_days_end_with_the_truth(cluster: Cluster, trouble: list[dict]) -> None:
    await cluster.api.create(SERVICES, "default", service("before"))
    for order in trouble:
        cluster.server.trouble(order)
    await until(lambda: not cluster.server.faults.pending, "all trouble was met")
    await cluster.api.create(SERVICES, "default", service("after"))
    known = cluster.view.services
    await until(lambda: set(known.items) == {"default/before", "default/after"}, "both are known")
    await until(lambda: cluster.view.unavailable == (), "everything can be read again")


async def test_a_deleted_crd_is_unavailable_not_empty(cluster: Cluster) -> None:
    await cluster.api.create(BGP_PEERS, "", peer())
    peers = cluster.view.bgp_peers
    await until(lambda: len(peers.items) == 1, "the peer is known")
    await cluster.api.delete(CRDS, "", "bgppeers.pointsman.dev", body={})
    await until(lambda: peers.unavailable is not None, "its loss was noticed")
    await asyncio.sleep(0.5)
    assert list(peers.items) == ["tor"]
    assert "bgppeers do not exist on this API server" in str(peers.unavailable)


async def test_a_record_is_one_patch_that_reads_back(cluster: Cluster) -> None:
    await cluster.api.create(SERVICES, "default", service())
    await until(lambda: WEB in cluster.view.services.items, "the Service is known")
    writes = cluster.services
    cluster.server.stats.clear()
    await write(writes, delta({WEB: RECORD}, writes.observe()))
    assert writes.observe() == {WEB: RECORD}
    raw = await cluster.api.get(SERVICES, "default", "web")
    ingress = raw["status"]["loadBalancer"]["ingress"]
    assert ingress == [{"ip": "198.51.100.0", "ipMode": "VIP"}]
    assert raw["metadata"]["managedFields"][-1]["manager"] == "pointsman-manager"
    assert cluster.server.stats.writes == {"patch services/status default/web": 1}


async def test_a_service_that_stops_being_a_load_balancer_is_given_back(cluster: Cluster) -> None:
    await cluster.api.create(SERVICES, "default", service())
    await until(lambda: WEB in cluster.view.services.items, "the Service is known")
    writes = cluster.services
    writes.observe()
    await write(writes, Delta({WEB: RECORD}, frozenset()))
    change = {"spec": {"type": "ClusterIP"}, "metadata": {"annotations": {"a": "b"}}}
    await cluster.api.patch(SERVICES, "default", "web", body=change)
    await until(lambda: cluster.view.services.items[WEB].type == "ClusterIP", "the change is seen")
    await write(writes, delta({}, writes.observe()))
    assert writes.observe() == {}
    raw = await cluster.api.get(SERVICES, "default", "web")
    assert raw["metadata"]["annotations"] == {"a": "b"}
    assert raw["status"] == {"loadBalancer": {}}


async def test_a_stale_plan_changes_nothing(cluster: Cluster) -> None:
    await cluster.api.create(SERVICES, "default", service())
    await until(lambda: WEB in cluster.view.services.items, "the Service is known")
    writes = cluster.services
    writes.observe()
    await cluster.api.patch(
        SERVICES, "default", "web", body={"metadata": {"labels": {"changed": "yes"}}}
    )
    await write(writes, Delta({WEB: RECORD}, frozenset()))
    raw = await cluster.api.get(SERVICES, "default", "web")
    assert raw["status"] == {"loadBalancer": {}}


async def test_a_busy_server_says_how_long(cluster: Cluster) -> None:
    await cluster.api.create(SERVICES, "default", service())
    await until(lambda: WEB in cluster.view.services.items, "the Service is known")
    writes = cluster.services
    writes.observe()
    cluster.server.trouble({"code": 429, "verb": "PATCH", "retry_after": 3})
    await write(writes, Delta({WEB: RECORD}, frozenset()))
    assert "429: the server has received too many" in writes.writer.stuck[WEB]


async def test_what_became_of_one_grant_is_asked_for_by_a_list_of_one(cluster: Cluster) -> None:
    for name in ("web", "web2"):
        await cluster.api.create(SERVICES, "default", service(name))
    await until(lambda: WEB in cluster.view.services.items, "the Service is known")
    writes = cluster.services
    writes.observe()
    cluster.server.trouble({"code": 503, "verb": "PATCH", "retry_after": 0, "count": 1})
    await write(writes, Delta({WEB: RECORD}, frozenset()))
    assert list(writes.pending) == [WEB]
    cluster.server.stats.clear()
    task = asyncio.create_task(writes.writer.run())
    await until(lambda: not writes.writer.left, "it is written after all")
    task.cancel()
    assert not writes.pending
    assert writes.observe()[WEB] == RECORD


async def test_an_eip_is_held_while_in_use_and_let_go_after(cluster: Cluster) -> None:
    statuses = cluster.statuses
    eips, name = cluster.view.eips, EipName("public")
    await cluster.api.create(EIPS, "", eip())
    await until(lambda: name in eips.items, "the Eip is known")
    count = {"ipv4": "16", "ipv6": "0"}
    record = StatusRecord(
        {"Ready": ConditionValue("True", "Ready", "fine")},
        {"capacity": count},
        1,
        has_finalizer=True,
    )
    key = ResourceKey("Eip", "public")
    await write(statuses, delta({key: record}, statuses.observe()))
    assert statuses.observe() == {key: record}

    await cluster.api.delete(EIPS, "", "public", body={})
    await until(lambda: eips.items[name].deleting, "its deletion is seen")
    free = StatusRecord({"Ready": ConditionValue("True", "Ready", "fine")}, {"capacity": count}, 1)
    await write(statuses, delta({key: free}, statuses.observe()))
    await until(lambda: not eips.items, "the Eip is gone")


async def test_announcers_come_and_go(cluster: Cluster) -> None:
    writes = AnnouncerWriter(cluster.view, cluster.sink, term=lambda: 1)
    desired = {NodeName("node1"): AnnouncerRecord("uid-1")}
    await write(writes, delta(desired, writes.observe()))
    report = {"status": {"interfaces": [{"name": "eth0", "up": True}]}}
    await cluster.api.patch(ANNOUNCERS, "", "node1", body=report, sub="status")
    known = cluster.view.announcers
    await until(lambda: known.items[NodeName("node1")].reported, "its report is seen")
    again = {NodeName("node1"): AnnouncerRecord("uid-2")}
    await write(writes, delta(again, writes.observe()))
    assert writes.observe() == again
    await write(writes, delta({}, writes.observe()))
    await until(lambda: not known.items, "it is gone")


async def test_an_event_is_found_by_its_object(cluster: Cluster) -> None:
    events = Events(cluster.sink, clock=CLOCK, rng=random.Random(1), instance="a")
    task = asyncio.create_task(events.run())
    events.emit(
        [
            EventRecord("Service", "default", "web", "u1", "Allocated", "has an address", False),
            EventRecord("Eip", "", "public", "u2", "Overlap", "overlaps", True),
        ]
    )

    def written() -> int:
        wrote = cluster.server.stats.writes
        return sum(n for key, n in wrote.items() if key.startswith("create events"))

    await until(lambda: written() == 2, "both are written")
    about = {"fieldSelector": "involvedObject.name=public"}
    (found,) = (await cluster.api.list_page(EVENTS, about))["items"]
    assert (found["metadata"]["namespace"], found["type"]) == ("default", "Warning")
    assert events.dropped == 0
    task.cancel()


async def test_replicas_follow_each_other(cluster: Cluster) -> None:
    def replica(name: str) -> tuple[Leadership, asyncio.Task[None]]:
        leadership = Leadership(
            cluster.api,
            name=name,
            namespace="pointsman-system",
            clock=CLOCK,
            rng=random.Random(name),
            wake=cluster.wake,
            duration_s=6.0,
        )
        return leadership, asyncio.create_task(leadership.run())

    first, running = replica("a")
    await asyncio.sleep(0.3)
    assert not first.leading  # the namespace does not exist
    await cluster.api.create(NAMESPACES, "", {"metadata": {"name": "pointsman-system"}})
    await until(lambda: first.leading, "the first one leads")
    second, also_running = replica("b")
    await until(lambda: second.fresh, "the second one sees it renew")
    assert not second.leading
    running.cancel()
    await until(lambda: second.leading, "the second one leads, before the lease ends", within_s=4.0)
    also_running.cancel()
    await asyncio.wait([running, also_running])
    spec = (await cluster.api.get(LEASES, "pointsman-system", "pointsman-manager"))["spec"]
    assert (spec["holderIdentity"], spec["leaseTransitions"]) == ("", 1)


async def test_the_token_of_a_kubeconfig_is_sent(tmp_path: Path) -> None:
    seen: list[str] = []
    server = Api()
    handle = server.handle

    async def noting(request):
        seen.append(request.headers.get("Authorization", ""))
        return await handle(request)

    server.handle = noting  # type: ignore[method-assign]
    async with serving(server) as url:
        path = kubeconfig(tmp_path / "k", url, token="secret")
        async with connect(path) as api:
            await api.list_page(NODES, {})
    assert seen == ["Bearer secret"]


async def test_nobody_listens(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path / "k", "http://127.0.0.1:9")
    async with connect(path) as api:
        with pytest.raises(Unavailable, match="no answer from the API server"):
            await api.list_page(NODES, {})


async def test_what_does_not_exist_is_refused_with_its_code(cluster: Cluster) -> None:
    with pytest.raises(Refused, match="not found") as caught:
        await cluster.api.get(NODES, "", "nobody")
    assert (caught.value.code, caught.value.reason) == (404, "NotFound")


async def test_no_kubeconfig_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"No access to a cluster: .*Name a kubeconfig"):
        async with connect(tmp_path / "absent"):
            pass


async def test_that_the_server_answers_again_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever kind of no answer it was, and however many asked."""
    monkeypatch.setattr(outage, "WORTH_TELLING_S", 0.0)
    api = Api()
    with caplog.at_level("INFO", logger="manager.adapters.kubernetes.client"):
        async with serving(api) as url, connect(kubeconfig(tmp_path / "c", url)) as kube:
            for code in (503, 500):
                api.trouble({"code": code, "count": 3})
                for _ in range(3):
                    with pytest.raises(Unavailable):
                        await kube.get(NODES, "", "node1")
                assert caplog.messages == []
                with pytest.raises(Refused):  # there is no such Node: an answer
                    await kube.get(NODES, "", "node1")
                await kube.list_page(NODES, {})
                assert caplog.messages == ["the API server answers again, after 0 s"]
                caplog.clear()
        async with connect(kubeconfig(tmp_path / "d", url)) as kube:  # nobody listens there now
            for _ in range(2):
                with pytest.raises(Unavailable):
                    await kube.list_page(NODES, {})
            async with serving_at(url):
                await kube.list_page(NODES, {})
                await kube.list_page(NODES, {})
    assert caplog.messages == ["the API server answers again, after 0 s"]


@asynccontextmanager
async def serving_at(url: str) -> AsyncIterator[None]:
    runner, _ = await start(Api(), port=int(url.rpartition(":")[2]))
    try:
        yield
    finally:
        await runner.cleanup()
