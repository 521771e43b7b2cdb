"""Writers on a fake API server and a virtual clock."""

import asyncio
import random
from collections import Counter
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any

import pytest

from manager.adapters.kubernetes.batch import FencedSink
from manager.adapters.kubernetes.client import (
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
from manager.adapters.kubernetes.cluster_view import ClusterView
from manager.adapters.kubernetes.events import Events
from manager.adapters.kubernetes.fence import Fence
from manager.adapters.kubernetes.service_writes import ServiceWriter
from manager.adapters.kubernetes.writers import AnnouncerWriter, StatusWriter
from manager.snapshot import NodeName, Observed, ServiceKey, Settings
from pointsman.model.delta import Delta, delta
from pointsman.model.record import (
    AnnouncerRecord,
    ConditionValue,
    EventRecord,
    ResourceKey,
    ServiceRecord,
    StatusRecord,
)
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
        self.events = Events(self.sink, clock=clock, rng=rng, instance="a")
        self.term = 1
        own: dict[str, Any] = {"term": lambda: self.term, "emit": self.events.emit}
        self.services = ServiceWriter(self.view, self.sink, api=api, clock=clock, **own)
        self.statuses = StatusWriter(self.view, self.sink, clock=clock, **own)
        self.announcers = AnnouncerWriter(self.view, self.sink, term=own["term"])

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


async def test_an_applied_plan_is_an_empty_diff_at_once_and_after_the_watch() -> None:
    api = FakeKube()
    for number in range(20):
        api.put(SERVICES, service(f"s{number}"))
    async with rig_on(api) as rig:
        assert rig.view.in_sync
        desired = {key(f"s{number}"): record(f"192.0.2.{number}") for number in range(20)}
        await write(rig.services, delta(desired, {}))
        assert rig.wakes  # the answers woke us
        assert rig.services.observe() == desired
        assert not rig.services.pending
        await asyncio.sleep(1)
        assert rig.services.observe() == desired
        assert rig.sent("patch status") == Counter({f"s{number}": 1 for number in range(20)})
        raw = api.of(SERVICES)["shop/s3"]
        assert raw["status"]["loadBalancer"] == {"ingress": [{"ip": "192.0.2.3", "ipMode": "VIP"}]}

        await write(rig.services, delta({}, desired))
        assert not rig.services.observe()


async def test_an_order_about_an_object_that_is_another_by_now_is_not_sent() -> None:
    api = FakeKube()
    api.put(SERVICES, service("web"))
    async with rig_on(api) as rig:
        rig.services.observe()
        api.put(SERVICES, service("web", labels={"changed": "meanwhile"}))
        await asyncio.sleep(0.1)  # the cache knows by now; the plan did not
        rig.services.hand(puts("web"), term=1)
        await asyncio.sleep(0.1)
        assert not rig.sent("patch status")
        await write(rig.services, puts("web"))
        assert "status" in api.of(SERVICES)["shop/web"]


async def test_an_order_that_is_late_meets_a_conflict_and_waits_for_the_newer_object() -> None:
    api = FakeKube()
    api.put(SERVICES, service("web"))
    async with rig_on(api) as rig:
        api.deaf.add("services")
        api.put(SERVICES, service("web", labels={"changed": "just now"}))
        await write(rig.services, puts("web"), within_s=0.1)
        assert rig.sent("patch status") == {"web": 1}
        assert "status" not in api.of(SERVICES)["shop/web"]
        assert not rig.services.pending
        api.deaf.clear()
        api.cut_watches()
        await asyncio.sleep(0.5)
        await write(rig.services, puts("web"), within_s=0.1)
        assert "status" in api.of(SERVICES)["shop/web"]


async def test_a_later_plan_starts_from_what_others_wrote_since() -> None:
    api = FakeKube()
    api.put(SERVICES, service("web"))
    async with rig_on(api) as rig:
        await write(rig.services, puts("web"))
        raw = api.of(SERVICES)["shop/web"]
        raw["metadata"]["labels"] = {"changed": "since"}
        api.put(SERVICES, raw)
        await asyncio.sleep(0.1)
        await write(rig.services, Delta({key("web"): record("192.0.2.2")}, frozenset()))
        assert rig.services.observe()[key("web")] == record("192.0.2.2")


async def test_a_deleted_service_is_no_error() -> None:
    api = FakeKube()
    api.put(SERVICES, service("web"))
    async with rig_on(api) as rig:
        rig.services.observe()
        api.remove(SERVICES, "web", "shop")
        rig.services.hand(puts("web", "never-was"), term=1)
        await asyncio.sleep(1)
        assert not rig.services.writer.stuck


@pytest.mark.parametrize("arrives", [True, False])
async def test_a_grant_without_an_answer_is_pending_until_it_is_known(arrives: bool) -> None:
    """It may have been stored: nobody else is given its address before that is known."""
    api = FakeKube()
    api.put(SERVICES, service("web"))
    async with rig_on(api) as rig:
        answers = api.patch

        async def lost(*words: Any, **named: Any) -> Any:
            if arrives:
                await answers(*words, **named)
            await asyncio.sleep(3600)

        api.patch = lost  # type: ignore[method-assign]
        for name in ("services",):
            api.deaf.add(name)
        await write(rig.services, puts("web"))
        assert rig.services.pending == {key("web"): (ip_address("192.0.2.1"),)}
        await asyncio.sleep(5)
        assert rig.services.pending  # its time is over, and nobody knows
        api.patch = answers  # type: ignore[method-assign]
        lists = api.requests.count(("list", "services", ""))
        await asyncio.sleep(5)
        assert api.requests.count(("list", "services", "")) > lists  # it was asked for
        assert not rig.services.pending
        assert rig.services.observe()[key("web")] == record("192.0.2.1")
        assert rig.sent("patch status")["web"] == 1


async def test_a_grant_that_was_refused_is_not_pending() -> None:
    api = FakeKube()
    api.put(SERVICES, service("web"))
    api.fault = lambda verb, plural, name: (
        Refused(422, "Invalid", "no") if verb == "patch status" else None
    )
    async with rig_on(api) as rig:
        await write(rig.services, puts("web"))
        assert not rig.services.pending
        assert rig.services.writer.stuck == {key("web"): "no"}


async def test_a_finalizer_that_may_be_gone_is_set_again_before_anything_is_granted() -> None:
    api = FakeKube()
    api.put(EIPS, eip(finalizers=["pointsman.dev/in-use"]))
    async with rig_on(api) as rig:
        answers = api.patch

        async def lost(*words: Any, **named: Any) -> Any:
            await answers(*words, **named)
            await asyncio.sleep(3600)

        api.patch = lost  # type: ignore[method-assign]
        api.deaf.add("eips")
        loose = StatusRecord(
            {"Ready": ConditionValue("True", "Ready", "m")}, {}, 1, has_finalizer=False
        )
        await write(rig.statuses, Delta({PUBLIC: loose}, frozenset()), within_s=6)
        assert rig.statuses.loosening == {PUBLIC}
        assert rig.statuses.observe()[PUBLIC].has_finalizer  # as far as the watch tells
        api.patch = answers  # type: ignore[method-assign]
        await write(rig.statuses, Delta({PUBLIC: READY}, frozenset()), within_s=0)
        api.deaf.clear()
        api.cut_watches()
        await asyncio.sleep(5)
        await write(rig.statuses, Delta({PUBLIC: READY}, frozenset()))
        assert api.of(EIPS)["public"]["metadata"]["finalizers"] == ["pointsman.dev/in-use"]
        assert not rig.statuses.loosening


async def test_a_fenced_replica_sends_nothing() -> None:
    api = FakeKube()
    api.put(SERVICES, service("web"))
    api.put(NODES, {"metadata": {"name": "node1"}})
    async with rig_on(api) as rig:
        rig.leading = False
        await write(rig.services, puts("web"))
        await write(rig.announcers, Delta({NodeName("node1"): AnnouncerRecord("u")}, frozenset()))
        rig.events.emit([EventRecord("Service", "shop", "web", "u", "R", "m", False)])
        await asyncio.sleep(60)
        assert {verb for verb, *_ in api.requests} == {"list", "watch"}
        assert not rig.services.pending


async def test_what_was_planned_in_another_term_is_not_sent() -> None:
    api = FakeKube()
    api.put(SERVICES, service("web"))
    api.put(EIPS, eip())
    async with rig_on(api) as rig:
        rig.term = 2
        await write(rig.services, puts("web"))
        await write(rig.statuses, Delta({PUBLIC: READY}, frozenset()))
        await write(rig.announcers, Delta({NodeName("node1"): AnnouncerRecord("u")}, frozenset()))
        assert {verb for verb, *_ in api.requests} == {"list", "watch"}


async def test_leadership_that_ends_midway_stops_the_rest() -> None:
    api = FakeKube()
    names = [f"s{number:02}" for number in range(40)]
    for name in names:
        api.put(SERVICES, service(name))
    async with rig_on(api) as rig:
        api.latency_s = 0.2
        asyncio.get_running_loop().call_later(0.5, setattr, rig, "leading", False)
        await write(rig.services, puts(*names), within_s=5)
        assert len(rig.sent("patch status")) == 24


def eip(**meta) -> dict:
    return {"metadata": {"name": "public", **meta}, "spec": {"addresses": ["192.0.2.1"]}}


PUBLIC = ResourceKey("Eip", "public")
READY = StatusRecord(
    {"Ready": ConditionValue("True", "Ready", "m")},
    {"capacity": {"ipv4": "1"}},
    1,
    has_finalizer=True,
)


async def test_status_and_finalizer_of_an_eip() -> None:
    api = FakeKube()
    api.put(EIPS, eip(finalizers=["a/b"]))
    async with rig_on(api) as rig:
        assert rig.statuses.observe() == {}
        await write(rig.statuses, Delta({PUBLIC: READY}, frozenset()))
        assert rig.statuses.observe() == {PUBLIC: READY}
        raw = api.of(EIPS)["public"]
        assert raw["metadata"]["finalizers"] == ["a/b", "pointsman.dev/in-use"]
        (condition,) = raw["status"]["conditions"]
        assert condition["observedGeneration"] == 1
        assert condition["lastTransitionTime"] == "2026-11-22T12:00:00Z"
        await write(rig.statuses, Delta({}, frozenset({PUBLIC})))
        assert rig.statuses.observe() == {}
        assert api.of(EIPS)["public"]["metadata"]["finalizers"] == ["a/b"]


async def test_a_deleted_eip_goes_when_nothing_holds_it() -> None:
    api = FakeKube()
    api.put(CRDS, {"metadata": {"name": "eips.pointsman.dev"}})
    api.put(EIPS, eip(finalizers=["pointsman.dev/in-use"], deletionTimestamp="now"))
    async with rig_on(api) as rig:
        done = StatusRecord(
            {"Ready": ConditionValue("False", "InUse", "m")}, {}, 1, has_finalizer=False
        )
        await write(rig.statuses, Delta({PUBLIC: done}, frozenset()))
        assert not api.of(EIPS)
        await asyncio.sleep(1)
        assert not rig.view.eips.items


async def test_announcers_follow_nodes() -> None:
    api = FakeKube()
    api.put(CRDS, {"metadata": {"name": "announcers.pointsman.dev"}})
    api.put(ANNOUNCERS, {"metadata": {"name": "gone"}, "spec": {}})
    api.put(ANNOUNCERS, {"metadata": {"name": "again"}, "status": {"agentVersion": "1"}})
    async with rig_on(api) as rig:
        desired = {
            NodeName("new"): AnnouncerRecord("uid-new"),
            NodeName("again"): AnnouncerRecord("uid-2"),
        }
        await write(rig.announcers, delta(desired, rig.announcers.observe()), within_s=1)
        assert rig.announcers.observe() == desired
        assert api.of(ANNOUNCERS)["again"]["status"] == {"agentVersion": "1"}
        assert api.of(ANNOUNCERS)["new"]["metadata"]["ownerReferences"] == [
            {"apiVersion": "v1", "kind": "Node", "name": "new", "uid": "uid-new"}
        ]


async def test_an_announcers_spec_becomes_what_is_planned_and_no_more() -> None:
    api, one = FakeKube(), NodeName("one")
    api.put(CRDS, {"metadata": {"name": "announcers.pointsman.dev"}})
    owner = {"apiVersion": "v1", "kind": "Node", "name": "one", "uid": "u"}
    old = {"layer2": {"addresses": ["192.0.2.1"], "left": 1}, "gone": True}
    api.put(ANNOUNCERS, {"metadata": {"name": "one", "ownerReferences": [owner]}, "spec": old})
    async with rig_on(api) as rig:
        assert rig.announcers.observe() == {one: AnnouncerRecord("u", old)}
        desired = {one: AnnouncerRecord("u", {"layer2": {"addresses": ["192.0.2.2"]}})}
        await write(rig.announcers, delta(desired, rig.announcers.observe()), within_s=1)
        assert rig.announcers.observe() == desired
        assert api.of(ANNOUNCERS)["one"]["spec"] == desired[one].spec
        assert not delta(desired, rig.announcers.observe())


async def test_events_say_who_what_and_why() -> None:
    api = FakeKube()
    async with rig_on(api) as rig:
        rig.events.emit(
            [
                EventRecord("Service", "shop", "web", "u1", "Allocated", "has 192.0.2.1", False),
                EventRecord("Eip", "", "public", "u2", "Overlap", "m" * 2000, True),
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
        event = EventRecord("Service", "shop", "web", "u1", "R", "m", False)
        rig.events.emit([event] * 5000)
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
        snapshot = rig.view.snapshot(speakers=(Observed(),), settings=Settings(), taken_at=NOON)
        assert list(snapshot.services) == ["shop/web"]
        assert list(snapshot.nodes) == list(snapshot.announcers) == ["node1"]
        assert list(snapshot.eips) == ["public"]
        assert list(snapshot.bgp_peers) == ["tor"]
        assert rig.view.unavailable == rig.view.malformed == ()
