"""Who shares an address with whom, who waits, and who leaves when terms change."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from manager.snapshot import Service, ServiceKey, ServicePort, Snapshot
from tests.manager.planner.addresses.addressing import (
    DUAL,
    V6,
    ZERO,
    apply,
    cluster,
    eip,
    given,
    one,
    plan,
    reasons,
    service,
    settled,
    usage_of,
)

POOL = eip("public", "198.51.100.0/29", "2001:db8::/64", default=True)


def sharer(key: str, *held: str, port: int = 80, protocol: str = "TCP", **more) -> Service:
    notes = {"share-key": "k", **more.pop("notes", {})}
    return service(key, *held, notes=notes, ports=(ServicePort(protocol, port),), **more)


def edited(snapshot: Snapshot, key: str, **change) -> Snapshot:
    notes = change.pop("notes", {})
    was = snapshot.services[ServiceKey(key)]
    annotations = {**was.annotations, **{f"pointsman.dev/{k}": v for k, v in notes.items()}}
    now = replace(was, annotations={k: v for k, v in annotations.items() if v}, **change)
    return replace(snapshot, services={**snapshot.services, was.key: now})


def at(snapshot: Snapshot, seconds: float) -> Snapshot:
    """The snapshot so long after every condition turned to what it says."""
    services = {
        key: replace(
            one, conditions=tuple(replace(c, last_transition_time=ZERO) for c in one.conditions)
        )
        for key, one in snapshot.services.items()
    }
    moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    return replace(snapshot, services=services, taken_at=moment)


APP = {"app": "web"}


@pytest.mark.parametrize(
    ("first", "second", "shared"),
    [
        pytest.param({}, {"port": 443}, True, id="other ports"),
        pytest.param({}, {"protocol": "UDP"}, True, id="one port, other protocols"),
        pytest.param({}, {}, False, id="one port and protocol"),
        pytest.param({}, {"port": 443, "policy": "Local"}, False, id="other traffic policies"),
        pytest.param(
            {"policy": "Local", "selector": APP},
            {"port": 443, "policy": "Local", "selector": APP},
            True,
            id="Local with equal selectors",
        ),
        pytest.param(
            {"policy": "Local", "selector": APP},
            {"port": 443, "policy": "Local", "selector": {"app": "db"}},
            False,
            id="Local with other selectors",
        ),
        pytest.param(
            {"policy": "Local"},
            {"port": 443, "policy": "Local"},
            False,
            id="Local without selectors",
        ),
        pytest.param(
            {"selector": APP},
            {"port": 443, "selector": {"app": "db"}},
            True,
            id="Cluster does not look at selectors",
        ),
    ],
)
def test_terms(first, second, shared) -> None:
    allocations = plan(cluster(sharer("a/1", **first), sharer("a/2", **second), POOL))
    expected = ["198.51.100.0"] if shared else []
    assert given(allocations) == {"a/1": ["198.51.100.0"], "a/2": expected}
    assert reasons(allocations)["a/2"] == ("Allocated" if shared else "ShareConflict")


@pytest.mark.parametrize(
    ("theirs", "mine", "expected"),
    [
        pytest.param("", "", ["198.51.100.1"], id="a key belongs to its namespace"),
        pytest.param("b", "a", ["198.51.100.0"], id="shared when both sides name the other"),
        pytest.param("*", "*", ["198.51.100.0"], id="shared when both sides say any"),
        pytest.param("*", "a", ["198.51.100.0"], id="any on their side, named on mine"),
        pytest.param("b", "*", ["198.51.100.0"], id="named on their side, any on mine"),
        pytest.param("b", "", ["198.51.100.1"], id="their wish alone concerns nobody else"),
        pytest.param("", "a", [], id="naming one that does not name me back waits"),
        pytest.param("", "*", ["198.51.100.1"], id="any is whoever offers, and nobody does"),
        pytest.param("c", "c", ["198.51.100.1"], id="both name a third"),
    ],
)
def test_namespaces_are_needed_on_both_sides(theirs, mine, expected) -> None:
    allocations = plan(
        cluster(
            sharer("a/1", created="2026-01", notes={"share-namespaces": theirs}),
            sharer("b/2", created="2026-02", port=443, notes={"share-namespaces": mine}),
            POOL,
        )
    )
    assert given(allocations) == {"a/1": ["198.51.100.0"], "b/2": expected}
    if not expected:
        assert str(one(allocations, "b/2").verdict) == (
            "Service b/2 has no IPv4 address: its share-key asks for 198.51.100.0, and Service a/1 "
            "holds it and does not share with namespace b. Change what stands in the way, or take "
            "away the annotation pointsman.dev/share-key for an address of its own."
        )


def test_who_waits_to_share_gets_the_address_when_the_way_is_free() -> None:
    snapshot, allocations = settled(cluster(sharer("a/1"), sharer("a/2"), POOL))
    assert "Service a/1 uses TCP/80 of it too" in str(one(allocations, "a/2").verdict)
    allocations = plan(edited(snapshot, "a/1", ports=(ServicePort("TCP", 8080),)))
    assert given(allocations) == {"a/1": ["198.51.100.0"], "a/2": ["198.51.100.0"]}


def test_a_third_joins_only_if_it_fits_everybody() -> None:
    trio = (sharer("a/1"), sharer("a/2", port=443), sharer("a/3", port=443))
    allocations = plan(cluster(*trio, POOL))
    assert given(allocations)["a/3"] == []
    assert "Service a/2 uses TCP/443 of it too" in str(one(allocations, "a/3").verdict)


def test_a_shared_address_counts_once_and_is_free_when_the_last_one_leaves() -> None:
    snapshot, allocations = settled(cluster(sharer("a/1"), sharer("a/2", port=443), POOL))
    assert usage_of(allocations, "public").allocated.ipv4 == 1
    assert usage_of(allocations, "public").services == 2
    for gone, expected in (("a/1", ["198.51.100.1"]), ("a/2", ["198.51.100.0"])):
        rest = {k: s for k, s in snapshot.services.items() if k != gone}
        snapshot = replace(snapshot, services=rest)
        allocations = plan(
            replace(snapshot, services={**rest, ServiceKey("b/new"): service("b/new")})
        )
        assert given(allocations)["b/new"] == expected


def test_the_terms_are_recorded_when_the_address_is_given() -> None:
    allocations = plan(cluster(sharer("a/1", selector=APP), service("a/2"), POOL))
    assert one(allocations, "a/1").shared_as == (
        '{"key":"k","namespaces":[],"policy":"Cluster","ports":["TCP/80"],"selector":{"app":"web"}}'
    )
    assert one(allocations, "a/2").shared_as is None


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"ports": (ServicePort("TCP", 1), ServicePort("UDP", 2))}, id="ports"),
        pytest.param({"notes": {"share-key": "other"}}, id="key"),
        pytest.param({"notes": {"share-key": ""}}, id="no key any more"),
        pytest.param({"policy": "Local"}, id="policy"),
    ],
)
def test_the_sole_holder_may_change_its_terms(change) -> None:
    snapshot, _ = settled(cluster(sharer("a/1"), POOL))
    assert given(plan(edited(snapshot, "a/1", **change))) == {"a/1": ["198.51.100.0"]}


@pytest.mark.parametrize(
    ("changer", "stays"), [("a/1", "a/2"), ("a/2", "a/1")], ids=["the older", "the younger"]
)
@pytest.mark.parametrize(
    ("change", "then"),
    [
        pytest.param({"notes": {"share-key": "other"}}, ["198.51.100.1"], id="its key"),
        pytest.param({"notes": {"share-key": ""}}, ["198.51.100.1"], id="its mind"),
        pytest.param({"policy": "Local"}, [], id="its policy"),
        pytest.param(
            {"ports": (ServicePort("TCP", 80), ServicePort("TCP", 443))}, [], id="its ports"
        ),
    ],
)
def test_the_sharer_who_changes_is_the_one_who_leaves(changer, stays, change, then) -> None:
    snapshot, _ = settled(
        cluster(sharer("a/1", created="2026-01"), sharer("a/2", port=443, created="2026-02"), POOL)
    )
    snapshot, allocations = settled(edited(snapshot, changer, **change))
    assert given(allocations) == {stays: ["198.51.100.0"], changer: ["198.51.100.0"]}
    assert reasons(allocations)[changer] == "ShareConflict"  # without a clock it keeps and waits
    _, allocations = settled(at(snapshot, 10.9))  # the time of a condition is written to the second
    assert given(allocations)[changer] == ["198.51.100.0"]
    _, allocations = settled(at(snapshot, 11))
    assert given(allocations) == {stays: ["198.51.100.0"], changer: then}


def test_a_sharer_may_change_what_hurts_nobody() -> None:
    snapshot, _ = settled(cluster(sharer("a/1"), sharer("a/2", port=443), POOL))
    more = (ServicePort("TCP", 80), ServicePort("TCP", 8080))
    snapshot, allocations = settled(edited(snapshot, "a/1", ports=more))
    assert given(allocations) == {"a/1": ["198.51.100.0"], "a/2": ["198.51.100.0"]}
    assert "TCP/8080" in snapshot.services[ServiceKey("a/1")].annotations["pointsman.dev/shared-as"]


def test_a_lost_record_costs_nothing_while_all_fit() -> None:
    snapshot, _ = settled(cluster(sharer("a/1"), sharer("a/2", port=443), POOL))
    bare = edited(snapshot, "a/1", notes={"shared-as": "", "allocated-from": ""})
    repaired, allocations = settled(bare)
    assert given(allocations) == {"a/1": ["198.51.100.0"], "a/2": ["198.51.100.0"]}
    assert repaired == snapshot


def test_a_shared_address_may_be_asked_for_by_number() -> None:
    asks = sharer("a/2", port=443, notes={"addresses": "198.51.100.5"})
    assert given(plan(cluster(sharer("a/1", "198.51.100.5"), asks, POOL)))["a/2"] == [
        "198.51.100.5"
    ]


def test_asking_for_the_address_of_one_who_does_not_share_is_refused() -> None:
    asks = sharer("a/2", notes={"addresses": "198.51.100.5"})
    allocations = plan(cluster(service("a/1", "198.51.100.5"), asks, POOL))
    assert reasons(allocations)["a/2"] == "AddressInUse"


def test_who_has_an_address_of_its_own_keeps_it_when_it_joins_a_key() -> None:
    allocations = plan(cluster(sharer("a/1", "198.51.100.0"), sharer("a/2", "198.51.100.5"), POOL))
    assert given(allocations) == {"a/1": ["198.51.100.0"], "a/2": ["198.51.100.5"]}
    assert "Service a/2 has the same share-key and another" in str(one(allocations, "a/1").verdict)
    assert "another address, 198.51.100.0;" in str(one(allocations, "a/2").verdict)
    assert reasons(allocations) == {"a/1": "Allocated", "a/2": "Allocated"}


@pytest.mark.parametrize(
    ("theirs", "mine", "warned"),
    [("b", "a", True), ("*", "*", True), ("b", "*", True), ("*", "a", True), ("b", "", False),
     ("", "a", False), ("c", "c", False)],
)  # fmt: skip
def test_only_those_are_warned_who_mean_each_other(theirs, mine, warned) -> None:
    first = sharer("a/1", "198.51.100.0", notes={"share-namespaces": theirs})
    second = sharer("b/2", "198.51.100.5", notes={"share-namespaces": mine})
    allocations = plan(cluster(first, second, POOL))
    for key in ("a/1", "b/2"):
        assert ("the same share-key" in str(one(allocations, key).verdict)) is warned


def test_each_family_is_shared_for_itself() -> None:
    dual = sharer("a/2", port=443, created="2026-02", **DUAL)
    allocations = plan(cluster(sharer("a/1", created="2026-01"), dual, POOL))
    assert given(allocations)["a/2"] == ["198.51.100.0", "2001:db8::"]
    six = sharer("a/1", created="2026-01", families=(V6,))
    assert given(plan(cluster(six, dual, POOL)))["a/2"] == ["198.51.100.0", "2001:db8::"]


def test_an_address_that_its_holder_gives_up_is_not_joined() -> None:
    leaves = sharer("a/1", "198.51.100.0", notes={"addresses": "198.51.100.3"})
    snapshot = cluster(leaves, sharer("a/2", port=443), POOL)
    first = plan(snapshot)
    assert given(first) == {"a/1": ["198.51.100.3"], "a/2": ["198.51.100.3"]}
    assert given(plan(apply(snapshot, first))) == given(first)


def test_a_key_leads_into_no_eip_that_does_not_admit() -> None:
    closed = eip("closed", "192.0.2.0/24", namespaces=("a",))
    allocations = plan(
        cluster(
            sharer("a/1", "192.0.2.1", notes={"share-namespaces": "b"}),
            sharer("b/2", port=443, notes={"share-namespaces": "a"}),
            closed,
            POOL,
        )
    )
    assert given(allocations)["b/2"] == []
    assert reasons(allocations)["b/2"] == "NotAdmitted"


def test_two_who_share_and_are_both_wiped_come_back_together() -> None:
    snapshot, _ = settled(cluster(sharer("a/1"), sharer("a/2", port=443), POOL))
    both = edited(edited(snapshot, "a/1", ingress=()), "a/2", ingress=())
    assert given(plan(both)) == {"a/1": ["198.51.100.0"], "a/2": ["198.51.100.0"]}


def test_what_several_hold_and_what_anybody_holds_from_an_eip() -> None:
    stray = service("b/stray", "203.0.113.9")  # which no Eip knows
    allocations = plan(cluster(sharer("a/1"), sharer("a/2", port=443), service("b/1"), stray, POOL))
    shared, alone, outside = (
        one(allocations, key).grants[0].address for key in ("a/1", "b/1", "b/stray")
    )
    assert allocations.common == {shared}
    assert allocations.holds(shared)
    assert allocations.holds(alone)
    assert not allocations.holds(outside)
    assert not allocations.holds(alone + 1)
