"""The plan as a whole: blast radius, order, and what belongs to whom."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, cast

from manager.planner.plan import plan
from manager.planner.whatif import settle
from manager.snapshot import Snapshot
from pointsman.model.record import AnnouncerRecord
from tests.manager.planner.scene import (
    WEB,
    announcer,
    condition_of,
    eip,
    endpoints,
    hops,
    nic,
    nodes,
    peer,
    scene,
    service,
    settled,
)

HERE = endpoints("a/web", "node1")


class Sour(Mapping[str, str]):
    """Labels that cannot be read at all."""

    def __getitem__(self, key: str) -> str:
        raise RuntimeError("sour")

    def __iter__(self) -> Iterator[str]:
        raise RuntimeError("sour")

    def __len__(self) -> int:
        return 1


def reversed_everywhere(snapshot: Snapshot) -> Snapshot:
    """The same world, every mapping and every bag of objects the other way round."""

    def turned(mapping: Mapping[Any, Any]) -> dict[Any, Any]:
        return dict(reversed(list(mapping.items())))

    observed = snapshot.speakers[0]
    return replace(
        snapshot,
        services=turned(snapshot.services),
        endpoint_slices=turned(snapshot.endpoint_slices),
        nodes=turned(snapshot.nodes),
        eips=turned(snapshot.eips),
        bgp_peers=turned(snapshot.bgp_peers),
        announcers=turned(snapshot.announcers),
        speakers=(replace(observed, routes=turned(observed.routes)),),
    )


def test_a_service_that_cannot_be_judged_keeps_what_it_has_and_hurts_nobody() -> None:
    other = service("a/other", policy="Local")
    there = endpoints("a/other", "node2")
    snapshot, before = settle(scene(WEB, other, HERE, there, nodes=nodes()))
    services = dict(snapshot.services)
    services[WEB.key] = replace(services[WEB.key], policy=cast(Any, Unspeakable()))
    found = plan(replace(snapshot, services=services))
    assert condition_of(found).reason == "InternalError"
    assert found.speakers[0].routes == before.speakers[0].routes
    was, now = before.services[WEB.key], found.services[WEB.key]
    assert (now.ingress, now.annotations["pointsman.dev/announced-by"]) == (was.ingress, "bgp")
    assert found.services[other.key] == before.services[other.key]
    assert [(subject, type(error)) for subject, error in found.failures] == [
        ("Service a/web", ZeroDivisionError)
    ]


class Unspeakable(str):
    """A traffic policy that raises when it is compared."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        raise ZeroDivisionError("poison")

    __hash__ = str.__hash__


def test_a_new_service_that_cannot_be_read_waits_alone() -> None:
    bad = replace(service("a/bad"), labels=Sour(), created="2026-01-01")
    found = settled(scene(bad, WEB, HERE))
    assert condition_of(found, "a/bad", "Allocated").reason == "InternalError"
    assert hops(found) == {"tor-1": ["192.0.2.11", "192.0.2.12", "192.0.2.13"]}


def test_the_order_of_objects_decides_nothing_at_any_step() -> None:
    bridge = nic("docker0", "172.17.0.1/16")
    agents = {f"node{n}": announcer(f"node{n}", bridge) for n in (1, 2, 3)}
    snapshot = scene(
        WEB,
        service("a/dns", policy="Local"),
        HERE,
        endpoints("a/web", "node2:terminating", slice_name="two"),
        endpoints("a/dns", "node3"),
        peer("tor-1"),
        peer("tor-2", "192.0.2.1"),
        eip("one", "198.51.100.0/28", default=True),
        eip("two", "198.51.100.8/28", default=True),
        announcers=agents,
    )
    for _ in range(4):
        decided = plan(snapshot)
        again = plan(reversed_everywhere(snapshot))
        assert again == decided
        assert list(again.speakers[0].routes) == list(decided.speakers[0].routes)
        assert list(again.services) == list(decided.services)
        snapshot, _ = settle(snapshot)


def test_a_next_hop_belongs_to_its_node_and_a_bridge_address_to_the_first_by_name() -> None:
    bridge = nic("docker0", "172.17.0.1/16", "192.0.2.12/32")
    agents = {f"node{n}": announcer(f"node{n}", bridge) for n in (3, 1)}
    owners = {str(k): v for k, v in plan(scene(WEB, announcers=agents)).speakers[0].nodes.items()}
    assert owners["172.17.0.1"] == "node1"
    assert owners["192.0.2.12"] == "node2"


def test_every_node_gets_its_announcer() -> None:
    assert plan(scene()).announcers == {
        f"node{n}": AnnouncerRecord(f"uid-node{n}") for n in (1, 2, 3)
    }


def test_an_address_outside_every_eip_is_kept_and_announced_by_nobody() -> None:
    stray = service("a/web", "203.0.113.7", load_balancer_class="pointsman.dev/lb")
    decided = settled(scene(stray, HERE))
    assert decided.services[stray.key].ingress == ("203.0.113.7",)
    assert not decided.speakers[0].routes
    assert condition_of(decided).reason == "NotAnnounced"
    assert condition_of(decided).message == (
        "Service a/web is not announced: 203.0.113.7 lies in no Eip; see its condition "
        "pointsman.dev/Allocated."
    )


def test_a_service_that_stops_being_ours_loses_its_paths_and_its_record() -> None:
    snapshot, _ = settle(scene(WEB, HERE))
    left = replace(snapshot.services[WEB.key], type="ClusterIP")
    found = plan(replace(snapshot, services={WEB.key: left}))
    assert not found.speakers[0].routes
    assert not found.services
