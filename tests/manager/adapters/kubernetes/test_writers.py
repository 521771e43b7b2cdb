"""Statuses, finalizers and Announcers; what no writer sends."""

import asyncio
import copy
from dataclasses import fields
from typing import Any

import pytest

from manager.adapters.kubernetes.client import (
    ANNOUNCERS,
    BGP_PEERS,
    CRDS,
    EIPS,
    NAMESPACES,
    NODES,
    SERVICES,
    Kind,
)
from manager.snapshot import NodeName, Observed, Settings
from pointsman.model.delta import Delta, delta
from pointsman.model.record import (
    AnnouncerRecord,
    ConditionValue,
    EventRecord,
    StatusRecord,
)
from pointsman.model.version import changed
from tests.fakes.kube import FakeKube
from tests.manager.adapters.kubernetes.odd_objects import OBJECTS
from tests.manager.adapters.kubernetes.writers_rig import (
    NOON,
    PUBLIC,
    READY,
    Rig,
    eip,
    key,
    puts,
    rig_on,
    service,
    write,
)

pytestmark = [pytest.mark.looptime]


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


def looked(rig: Rig) -> dict[str, object]:
    """Everything that a step reads, as it is handed on."""
    pending = rig.services.pending
    observed = {
        "ServiceRecords": rig.services.observe(),
        "StatusRecords": rig.statuses.observe(),
        "AnnouncerRecords": rig.announcers.observe(),
    }
    snapshot = rig.view.snapshot(
        speakers=(Observed(),), settings=Settings(), taken_at=NOON, pending=pending
    )
    # What others than the API say; the loop adds it.
    given = (
        *("speakers", "settings", "taken_at", "liveness", "links_down", "assigning", "sources"),
        "claimed",
    )
    parts = {
        one.name: getattr(snapshot, one.name) for one in fields(snapshot) if one.name not in given
    }
    return observed | parts


async def test_what_did_not_change_is_handed_on_as_the_object_it_was() -> None:
    """What follows from the cluster is worked out anew only where something is another object."""
    api = FakeKube()
    api.put(SERVICES, service("web"))
    api.put(NODES, {"metadata": {"name": "node1"}})
    api.put(EIPS, eip())
    api.put(ANNOUNCERS, {"metadata": {"name": "node1"}})
    api.put(NAMESPACES, {"metadata": {"name": "shop"}})
    async with rig_on(api) as rig:
        await write(rig.services, puts("web"))
        await write(rig.statuses, Delta({PUBLIC: READY}, frozenset()))
        before = looked(rig)
        after = looked(rig)
        assert all(before[name] for name in ("ServiceRecords", "StatusRecords", "namespaces"))
        assert not {name for name in before if after[name] is not before[name]}

        api.put(NODES, {"metadata": {"name": "node1", "labels": {"rack": "2"}}})
        api.put(ANNOUNCERS, {"metadata": {"name": "node1", "labels": {"new": "version"}}})
        await asyncio.sleep(0.1)
        other = {name for name, one in looked(rig).items() if one is not after[name]}
        assert other == {"nodes", "announcers"}  # and no AnnouncerRecord: what it says is equal


async def test_a_service_that_changed_is_the_one_that_is_read_again() -> None:
    api = FakeKube()
    api.put(SERVICES, service("web"))
    api.put(SERVICES, service("shop"))
    async with rig_on(api) as rig:
        await write(rig.services, puts("web", "shop"))
        before = rig.services.observe()
        api.put(SERVICES, api.of(SERVICES)["shop/web"] | {"status": {}})
        await asyncio.sleep(0.1)
        after = rig.services.observe()
        assert list(after) == ["shop/shop"]
        assert changed(after, before) == {"shop/web"}
        assert after[key("shop")] is before[key("shop")]


async def test_a_kubelets_report_wakes_nobody() -> None:
    """Nor does another controller's annotation: of a Node only what a plan looks at counts."""
    api = FakeKube()
    node = copy.deepcopy(dict(OBJECTS[NODES]))
    api.put(NODES, node)
    async with rig_on(api) as rig:
        before, known = len(rig.wakes), rig.view.nodes.items
        for beat in range(3):
            for one in node["status"]["conditions"]:
                one["lastHeartbeatTime"] = f"2026-11-22T12:00:{beat:02}Z"
            node["status"]["images"] = [{"names": [f"image-{beat}"], "sizeBytes": beat}]
            node["metadata"]["annotations"]["flannel.example/lease"] = str(beat)
            api.put(NODES, copy.deepcopy(node))
            await asyncio.sleep(0.2)
        assert len(rig.wakes) == before
        assert rig.view.nodes.items is known
        node["metadata"]["annotations"]["pointsman.dev/drain"] = "true"
        api.put(NODES, copy.deepcopy(node))
        await asyncio.sleep(0.2)
        assert len(rig.wakes) > before
