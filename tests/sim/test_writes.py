"""Writers on a fake API server and a virtual clock."""

import asyncio
import random
from collections import Counter
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from manager.adapters.cluster import ClusterView
from manager.adapters.events import Events
from manager.adapters.kube import (
    ANNOUNCERS,
    BGP_PEERS,
    CRDS,
    EIPS,
    EVENTS,
    NODES,
    SERVICES,
    Kind,
    Refused,
)
from manager.adapters.lease import Fence, NotLeading
from manager.adapters.sender import FencedSink
from manager.adapters.writes import AnnouncerWrites, ServiceWrites, StatusWrites
from manager.snapshot import NodeName, Observed, ServiceKey, Settings
from pointsman.model.delta import Delta, delta
from pointsman.model.record import Notice, ResourceKey, ServiceRecord, Stated, StatusRecord
from pointsman.runtime.clock import Clock
from pointsman.runtime.target import Unavailable
from tests.fakes.kube import FakeKube

pytestmark = [pytest.mark.looptime]
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
        self.services = ServiceWrites(self.view.services, self.sink, clock=clock, wake=self.wake)
        self.statuses = StatusWrites(self.view, self.sink, clock=clock, wake=self.wake)
        self.announcers = AnnouncerWrites(self.view.announcers, self.sink, wake=self.wake)
        self.events = Events(self.sink, clock=clock, rng=rng, instance="a")

    def wake(self) -> None:
        self.wakes.append(now())

    def sent(self, verb: str) -> Counter[str]:
        return Counter(name for v, _, name in self.api.requests if v == verb)


@asynccontextmanager
async def rig_on(api: FakeKube):
    rig = Rig(api)
    tasks = [asyncio.create_task(rig.view.run()), asyncio.create_task(rig.events.run())]
    await asyncio.sleep(0.5)
    yield rig
    for task in tasks:
        task.cancel()


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
        {ALLOCATED: Stated("True", "Allocated", f"has {address}")},
    )


def puts(*names: str) -> Delta:
    return Delta({key(name): record("192.0.2.1") for name in names}, frozenset())


async def test_an_applied_plan_is_an_empty_diff_at_once_and_after_the_watch() -> None:
    api = FakeKube()
    for number in range(20):
        api.put(SERVICES, service(f"s{number}"))
    async with rig_on(api) as rig:
        assert rig.view.in_sync
        desired = {key(f"s{number}"): record(f"192.0.2.{number}") for number in range(20)}
        await rig.services.observe()
        await rig.services.apply(delta(desired, {}))
        assert rig.wakes  # the answers woke us
        assert await rig.services.observe() == desired
        await asyncio.sleep(1)
        assert await rig.services.observe() == desired
        assert rig.sent("patch status") == Counter({f"s{number}": 1 for number in range(20)})
        raw = api.of(SERVICES)["shop/s3"]
        assert raw["status"]["loadBalancer"] == {"ingress": [{"ip": "192.0.2.3", "ipMode": "VIP"}]}

        await rig.services.apply(delta({}, desired))
        assert not await rig.services.observe()


async def test_two_phases_of_one_plan_do_not_conflict_with_each_other() -> None:
    api = FakeKube()
    api.put(SERVICES, service("web"))
    async with rig_on(api) as rig:
        await rig.services.observe()
        await rig.services.apply(puts("web"))
        second = ServiceRecord(("192.0.2.1",), {"pointsman.dev/status": "fine"}, {})
        await rig.services.apply(Delta({key("web"): second}, frozenset()))
        assert (await rig.services.observe())[key("web")] == second


async def test_a_plan_made_of_an_older_object_meets_a_conflict() -> None:
    api = FakeKube()
    api.put(SERVICES, service("web"))
    async with rig_on(api) as rig:
        await rig.services.observe()
        api.put(SERVICES, service("web", labels={"changed": "meanwhile"}))
        await asyncio.sleep(0.1)  # the cache knows by now; the plan did not
        await rig.services.apply(puts("web"))
        assert "status" not in api.of(SERVICES)["shop/web"]
        await rig.services.observe()
        await rig.services.apply(puts("web"))
        assert "status" in api.of(SERVICES)["shop/web"]


async def test_a_later_plan_starts_from_what_others_wrote_since() -> None:
    api = FakeKube()
    api.put(SERVICES, service("web"))
    async with rig_on(api) as rig:
        await rig.services.observe()
        await rig.services.apply(puts("web"))
        raw = api.of(SERVICES)["shop/web"]
        raw["metadata"]["labels"] = {"changed": "since"}
        api.put(SERVICES, raw)
        await asyncio.sleep(0.1)
        await rig.services.observe()
        await rig.services.apply(Delta({key("web"): record("192.0.2.2")}, frozenset()))
        assert (await rig.services.observe())[key("web")] == record("192.0.2.2")


async def test_a_deleted_service_is_no_error() -> None:
    api = FakeKube()
    api.put(SERVICES, service("web"))
    async with rig_on(api) as rig:
        await rig.services.observe()
        api.remove(SERVICES, "web", "shop")
        await rig.services.apply(puts("web", "never-was"))


async def test_one_poisonous_object_is_retried_alone_later_and_later() -> None:
    api = FakeKube()
    for name in ("bad", "good"):
        api.put(SERVICES, service(name))

    def fault(verb: str, plural: str, name: str) -> Exception | None:
        bad = verb == "patch status" and name == "bad"
        return Refused(422, "Invalid", "no") if bad else None

    api.fault = fault
    async with rig_on(api) as rig:
        rig.wakes.clear()
        for _ in range(200):
            await rig.services.observe()
            await rig.services.apply(puts("bad", "good"))
            await asyncio.sleep(0.1)
        assert rig.sent("patch status")["good"] == 200
        assert rig.sent("patch status")["bad"] == 5  # at 0, 1, 3, 7, 15 s
        assert rig.services.stuck == {key("bad"): "Service shop/bad is not written: no"}
        api.fault = lambda verb, plural, name: None
        await asyncio.sleep(20)
        await rig.services.observe()
        await rig.services.apply(puts("bad"))
        assert not rig.services.stuck


async def test_a_server_in_trouble_is_unavailable_after_all_were_tried() -> None:
    api = FakeKube()
    names = [f"s{number}" for number in range(10)]
    for name in names:
        api.put(SERVICES, service(name))
    async with rig_on(api) as rig:
        await rig.services.observe()
        api.fault = lambda verb, plural, name: (
            Unavailable("the API server answered 429: slow down", 7.0) if name == "s4" else None
        )
        with pytest.raises(Unavailable, match="1 writes of Service: the API server") as caught:
            await rig.services.apply(puts(*names))
        assert caught.value.retry_after_s == 7
        assert len(rig.sent("patch status")) == 10
        assert not rig.services.stuck


async def test_one_that_answers_500_among_others_is_its_own_trouble() -> None:
    api = FakeKube()
    names = [f"s{number}" for number in range(10)]
    for name in names:
        api.put(SERVICES, service(name))
    async with rig_on(api) as rig:
        await rig.services.observe()
        api.fault = lambda verb, plural, name: Unavailable("500") if name == "s9" else None
        await rig.services.apply(puts(*names))
        assert list(rig.services.stuck) == [key("s9")]


async def test_a_dead_server_is_not_asked_about_every_one_of_thousands() -> None:
    api = FakeKube()
    names = [f"s{number}" for number in range(1000)]
    for name in names:
        api.put(SERVICES, service(name))
    async with rig_on(api) as rig:
        await rig.services.observe()
        api.latency_s = 3600.0
        began = now()
        with pytest.raises(Unavailable):
            await rig.services.apply(puts(*names))
        assert now() - began == pytest.approx(20)


async def test_a_fenced_replica_sends_nothing() -> None:
    api = FakeKube()
    api.put(SERVICES, service("web"))
    api.put(NODES, {"metadata": {"name": "node1"}})
    async with rig_on(api) as rig:
        await rig.services.observe()
        await rig.announcers.observe()
        rig.leading = False
        with pytest.raises(NotLeading):
            await rig.services.apply(puts("web"))
        with pytest.raises(NotLeading):
            await rig.announcers.apply(Delta({NodeName("node1"): "u"}, frozenset()))
        await rig.events.emit([Notice("Service", "shop", "web", "u", "R", "m", False)])
        await asyncio.sleep(60)
        assert {verb for verb, *_ in api.requests} == {"list", "watch"}


async def test_leadership_that_ends_midway_stops_the_rest() -> None:
    api = FakeKube()
    names = [f"s{number:02}" for number in range(40)]
    for name in names:
        api.put(SERVICES, service(name))
    async with rig_on(api) as rig:
        await rig.services.observe()
        api.latency_s = 1.0
        asyncio.get_running_loop().call_later(2.5, setattr, rig, "leading", False)
        with pytest.raises(NotLeading):
            await rig.services.apply(puts(*names))
        assert len(rig.sent("patch status")) == 24


def eip(**meta) -> dict:
    return {"metadata": {"name": "public", **meta}, "spec": {"addresses": ["192.0.2.1"]}}


PUBLIC = ResourceKey("Eip", "public")
READY = StatusRecord(
    {"Ready": Stated("True", "Ready", "m")}, {"capacity": {"ipv4": "1"}}, 1, held=True
)


async def test_status_and_finalizer_of_an_eip() -> None:
    api = FakeKube()
    api.put(EIPS, eip(finalizers=["a/b"]))
    async with rig_on(api) as rig:
        assert await rig.statuses.observe() == {}
        await rig.statuses.apply(Delta({PUBLIC: READY}, frozenset()))
        assert await rig.statuses.observe() == {PUBLIC: READY}
        raw = api.of(EIPS)["public"]
        assert raw["metadata"]["finalizers"] == ["a/b", "pointsman.dev/in-use"]
        (condition,) = raw["status"]["conditions"]
        assert condition["observedGeneration"] == 1
        assert condition["lastTransitionTime"] == "2026-11-22T12:00:00Z"
        await rig.statuses.apply(Delta({}, frozenset({PUBLIC})))
        assert await rig.statuses.observe() == {}
        assert api.of(EIPS)["public"]["metadata"]["finalizers"] == ["a/b"]


async def test_a_deleted_eip_goes_when_nothing_holds_it() -> None:
    api = FakeKube()
    api.put(CRDS, {"metadata": {"name": "eips.pointsman.dev"}})
    api.put(EIPS, eip(finalizers=["pointsman.dev/in-use"], deletionTimestamp="now"))
    async with rig_on(api) as rig:
        await rig.statuses.observe()
        done = StatusRecord({"Ready": Stated("False", "InUse", "m")}, {}, 1, held=False)
        await rig.statuses.apply(Delta({PUBLIC: done}, frozenset()))
        assert not api.of(EIPS)
        await asyncio.sleep(1)
        assert not rig.view.eips.items


async def test_announcers_follow_nodes() -> None:
    api = FakeKube()
    api.put(CRDS, {"metadata": {"name": "announcers.pointsman.dev"}})
    api.put(ANNOUNCERS, {"metadata": {"name": "gone"}, "spec": {}})
    api.put(ANNOUNCERS, {"metadata": {"name": "again"}, "status": {"agentVersion": "1"}})
    async with rig_on(api) as rig:
        desired = {NodeName("new"): "uid-new", NodeName("again"): "uid-2"}
        await rig.announcers.apply(delta(desired, await rig.announcers.observe()))
        await asyncio.sleep(1)
        assert await rig.announcers.observe() == desired
        assert api.of(ANNOUNCERS)["again"]["status"] == {"agentVersion": "1"}
        assert api.of(ANNOUNCERS)["new"]["metadata"]["ownerReferences"] == [
            {"apiVersion": "v1", "kind": "Node", "name": "new", "uid": "uid-new"}
        ]


async def test_events_say_who_what_and_why() -> None:
    api = FakeKube()
    async with rig_on(api) as rig:
        await rig.events.emit(
            [
                Notice("Service", "shop", "web", "u1", "Allocated", "has 192.0.2.1", False),
                Notice("Eip", "", "public", "u2", "Overlap", "m" * 2000, True),
            ]
        )
        await asyncio.sleep(1)
        first, second = sorted(api.of(EVENTS).values(), key=lambda raw: raw["type"])
        assert first["involvedObject"] == {
            "apiVersion": "v1",
            "kind": "Service",
            "namespace": "shop",
            "name": "web",
            "uid": "u1",
        }
        assert (first["type"], first["reason"]) == ("Normal", "Allocated")
        assert (first["metadata"]["namespace"], second["metadata"]["namespace"]) == (
            "shop",
            "default",
        )
        assert second["involvedObject"]["apiVersion"] == "pointsman.dev/v1alpha1"
        assert len(second["message"]) == 1024


async def test_events_are_bounded_and_never_wait() -> None:
    api = FakeKube()
    api.fault = lambda verb, plural, name: Unavailable("away") if plural == "events" else None
    async with rig_on(api) as rig:
        began = now()
        notice = Notice("Service", "shop", "web", "u1", "R", "m", False)
        await rig.events.emit([notice] * 5000)
        assert now() == began
        assert rig.events.dropped == 3000


async def test_the_snapshot_is_the_cluster() -> None:
    api = FakeKube()
    kinds: list[tuple[Kind, dict]] = [
        (SERVICES, service("web")),
        (NODES, {"metadata": {"name": "node1"}}),
        (EIPS, eip()),
        (BGP_PEERS, {"metadata": {"name": "tor"}, "spec": {"address": "192.0.2.1", "as": 64500}}),
        (ANNOUNCERS, {"metadata": {"name": "node1"}}),
    ]
    for kind, raw in kinds:
        api.put(kind, raw)
    async with rig_on(api) as rig:
        snapshot = rig.view.snapshot(observed=Observed(), settings=Settings(), taken_at=NOON)
        assert list(snapshot.services) == ["shop/web"]
        assert list(snapshot.nodes) == list(snapshot.announcers) == ["node1"]
        assert list(snapshot.eips) == ["public"]
        assert list(snapshot.bgp_peers) == ["tor"]
        assert rig.view.unavailable == rig.view.malformed == ()
