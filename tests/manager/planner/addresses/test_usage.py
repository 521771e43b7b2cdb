"""How far an Eip is used, and whose an address is when Eips are renamed, split or deleted."""

from manager.planner.desired import Counts
from manager.snapshot import (
    ServiceKey,
)
from tests.manager.planner.addresses.addressing import (
    cluster,
    eip,
    given,
    one,
    plan,
    service,
    settled,
    usage_of,
)


def test_counts_are_exact() -> None:
    allocations = plan(
        cluster(
            service("a/1", "192.0.2.0"),
            service("a/2", "2001:db8::5", families=("IPv6",)),
            service("a/3", "192.0.2.99"),
            eip("a", "192.0.2.0/24", "2001:db8::/48", exclude=("192.0.2.99", "2001:db8::1")),
            eip("b", "198.51.100.0/23", avoid_buggy_ips=True),
        )
    )
    assert usage_of(allocations, "a").capacity == Counts(255, 2**80 - 1)
    assert usage_of(allocations, "a").allocated == Counts(2, 1)
    assert usage_of(allocations, "a").available == Counts(254, 2**80 - 2)
    assert usage_of(allocations, "a").services == 3
    assert (
        usage_of(allocations, "b").capacity
        == Counts(508, 0)
        == usage_of(allocations, "b").available
    )


def test_an_eip_is_in_use_from_the_plan_of_its_first_grant_until_the_record_is_gone() -> None:
    snapshot, allocations = settled(cluster(service("a/web"), eip("a", "192.0.2.1", default=True)))
    assert usage_of(allocations, "a").in_use
    leaves = service("a/web", "192.0.2.1", notes={"eip": "b"})
    snapshot = cluster(leaves, eip("a", "192.0.2.1"), eip("b", "192.0.2.2"))
    allocations = plan(snapshot)
    assert given(allocations) == {"a/web": ["192.0.2.2"]}
    assert usage_of(allocations, "a").in_use
    _, allocations = settled(snapshot)
    assert not usage_of(allocations, "a").in_use


def test_renaming_an_eip_renames_the_origin_and_moves_no_address() -> None:
    old = eip("old", "192.0.2.0/24", default=True, created="1")
    new = eip("new", "192.0.2.0/24", default=True, created="2")
    snapshot, allocations = settled(cluster(service("a/web"), old, new))
    assert one(allocations, "a/web").grants[0].eip == "old"
    assert usage_of(allocations, "new").ready.reason == "Overlap"
    deleting = eip("old", "192.0.2.0/24", default=True, created="1", deleting=True)
    snapshot, allocations = settled(cluster(*snapshot.services.values(), deleting, new))
    assert given(allocations) == {"a/web": ["192.0.2.0"]}
    assert one(allocations, "a/web").grants[0].eip == "new"
    assert list(snapshot.eips) == ["new"]
    notes = snapshot.services[ServiceKey("a/web")].annotations
    assert notes["pointsman.dev/allocated-from"] == "new/192.0.2.0"


def test_splitting_an_eip_rehomes_each_address_to_the_part_that_has_it() -> None:
    whole = eip("whole", "192.0.2.0/24", default=True, created="1", deleting=True)
    halves = eip("low", "192.0.2.0/25", created="2"), eip("high", "192.0.2.128/25", created="2")
    holders = service("a/1", "192.0.2.1"), service("a/2", "192.0.2.200")
    allocations = plan(cluster(*holders, whole, *halves))
    assert [one(allocations, key).grants[0].eip for key in ("a/1", "a/2")] == ["low", "high"]
    assert not usage_of(allocations, "whole").in_use


def test_excluding_a_part_for_a_new_eip_rehomes_too() -> None:
    hint = {"allocated-from": "old/192.0.2.200"}
    allocations = plan(
        cluster(
            service("a/web", "192.0.2.200", notes=hint),
            eip("old", "192.0.2.0/24", exclude=("192.0.2.128/25",), created="1"),
            eip("new", "192.0.2.128/25", created="2"),
        )
    )
    assert one(allocations, "a/web").grants[0].eip == "new"


def test_a_deleting_eip_is_held_while_nothing_else_contains_its_address() -> None:
    holder = service("a/web", "192.0.2.9", notes={"allocated-from": "old/192.0.2.9"})
    snapshot, allocations = settled(
        cluster(holder, eip("old", "192.0.2.0/24", deleting=True), eip("x", "192.0.2.0/29"))
    )
    assert "old" in snapshot.eips
    assert usage_of(allocations, "old").ready.reason == "InUse"
    assert given(allocations) == {"a/web": ["192.0.2.9"]}


def test_a_growing_overlap_leaves_an_address_to_the_eip_that_it_came_from() -> None:
    holder = service("a/web", "192.0.2.9", notes={"allocated-from": "young/192.0.2.9"})
    old, young = eip("old", "192.0.2.0/24", created="1"), eip("young", "192.0.2.8/29", created="2")
    assert one(plan(cluster(holder, old, young)), "a/web").grants[0].eip == "young"


def test_a_forged_origin_does_not_lead_into_an_eip_that_does_not_admit() -> None:
    holder = service("a/web", "192.0.2.9", notes={"allocated-from": "vip/192.0.2.9"})
    old = eip("old", "192.0.2.0/24", created="1")
    vip = eip("vip", "192.0.2.8/29", created="2", namespaces=("board",))
    assert one(plan(cluster(holder, old, vip)), "a/web").grants[0].eip == "old"
