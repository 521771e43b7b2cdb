from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

import pytest

from manager.snapshot import Ingress, Observed, ServiceKey
from pointsman.model.route import PathAttributes, Route, RouteKey
from tests.manager.planner.addresses.addressing import (
    BOTH,
    cluster,
    eip,
    given,
    one,
    plan,
    service,
    settled,
)

PUBLIC = eip("public", "198.51.100.0/30", default=True)


FROM_PUBLIC = {"allocated-from": "public/198.51.100.3"}


HINTED = service("a/web", notes=FROM_PUBLIC)


def routed(*addresses: str) -> Observed:
    """A speaker that still holds a host route for each of *addresses*."""
    hop = IPv4Address("192.0.2.11")
    return Observed(
        routes={
            RouteKey(IPv4Network(address), hop): Route(PathAttributes(), frozenset())
            for address in addresses
        }
    )


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        pytest.param([PUBLIC], ["198.51.100.3"], id="granted again when nobody holds it"),
        pytest.param(
            [PUBLIC, service("b/has", "198.51.100.3")], ["198.51.100.0"], id="never evicts"
        ),
        pytest.param(
            [PUBLIC, service("b/asks", notes={"addresses": "198.51.100.3"})],
            ["198.51.100.0"],
            id="never beats a request",
        ),
        pytest.param(
            [
                eip("public", "198.51.100.0/30", namespaces=("x",)),
                eip("d", "192.0.2.1", default=True),
            ],
            ["192.0.2.1"],
            id="never admits",
        ),
        pytest.param(
            [eip("public", "198.51.100.0/30", default=True, exclude=("198.51.100.3",))],
            ["198.51.100.0"],
            id="never gives what is excluded",
        ),
        pytest.param(
            [eip("public", "198.51.100.0/31", default=True)],
            ["198.51.100.0"],
            id="never gives what is outside",
        ),
        pytest.param(
            [eip("public", "198.51.100.0/30", disabled=True), eip("d", "192.0.2.1", default=True)],
            ["192.0.2.1"],
            id="a disabled Eip gives nothing new to a Service made again",
        ),
    ],
)
def test_a_hint_is_a_hint(others, expected) -> None:
    assert given(plan(cluster(HINTED, *others)))["a/web"] == expected


def test_a_hint_does_not_get_the_last_address_before_an_older_service() -> None:
    pool = eip("public", "198.51.100.3", default=True)
    older = service("z/older", created="2026-01-01T00:00:00Z")
    forger = service("a/web", notes=FROM_PUBLIC, created="2026-02-01T00:00:00Z")
    assert given(plan(cluster(forger, older, pool))) == {"a/web": [], "z/older": ["198.51.100.3"]}


def test_services_restored_from_a_backup_get_their_addresses_back() -> None:
    back = [
        service("a/old", created="2026-01-01T00:00:00Z"),
        service(
            "b/new", notes={"allocated-from": "public/198.51.100.0"}, created="2026-02-01T00:00:00Z"
        ),
    ]
    assert given(plan(cluster(*back, PUBLIC))) == {
        "a/old": ["198.51.100.1"],
        "b/new": ["198.51.100.0"],
    }


def wiped(snapshot, key: str):
    lost = replace(snapshot.services[key], ingress=())
    return replace(snapshot, services={**snapshot.services, key: lost})


@pytest.mark.parametrize(
    "meanwhile",
    [
        pytest.param([], id="nothing else happened"),
        pytest.param(
            [service("b/asks", notes={"addresses": "198.51.100.0"})], id="another asks for it"
        ),
        pytest.param([service("b/any")], id="another waits for any"),
    ],
)
def test_a_wiped_status_loses_nothing(meanwhile) -> None:
    snapshot, _ = settled(cluster(service("a/web", created="2026-05"), PUBLIC))
    lost = wiped(snapshot, "a/web")
    observed = routed("198.51.100.0")
    again = plan(cluster(*lost.services.values(), *meanwhile, PUBLIC, speakers=(observed,)))
    assert given(again)["a/web"] == ["198.51.100.0"]


def test_a_wiped_status_comes_back_from_a_disabled_eip_but_not_over_a_holder() -> None:
    snapshot, _ = settled(cluster(service("a/web"), PUBLIC))
    lost = wiped(snapshot, "a/web").services["a/web"]
    disabled = eip("public", "198.51.100.0/30", disabled=True)
    assert given(plan(cluster(lost, disabled))) == {"a/web": ["198.51.100.0"]}
    taken = service("b/took", "198.51.100.0")
    assert given(plan(cluster(lost, taken, PUBLIC)))["a/web"] == ["198.51.100.1"]


def overwritten(snapshot, key: str, *addresses: str):
    """The snapshot after somebody wrote *addresses* into the status, and nothing else."""
    ingress = tuple(Ingress(ip=one, ip_mode="VIP") for one in addresses)
    other = replace(snapshot.services[key], ingress=ingress)
    return replace(snapshot, services={**snapshot.services, key: other})


@pytest.mark.parametrize(
    "there",
    [
        pytest.param(["203.0.113.9"], id="outside every Eip"),
        pytest.param(["198.51.100.2"], id="free in the same Eip"),
        pytest.param(["198.51.100.1"], id="another's"),
        pytest.param(["198.51.100.0", "203.0.113.9"], id="one beside ours"),
        pytest.param(["2001:db8::9"], id="of another family"),
    ],
)
def test_what_is_written_over_our_address_is_not_held(there) -> None:
    before, _ = settled(
        cluster(service("a/web", created="2"), service("b/has", "198.51.100.1"), PUBLIC)
    )
    allocations = plan(overwritten(before, "a/web", *there))
    assert given(allocations) == {"a/web": ["198.51.100.0"], "b/has": ["198.51.100.1"]}
    assert (
        str(one(allocations, "a/web").verdict)
        == "Service a/web has 198.51.100.0 from Eip 'public'."
    )


def test_an_address_retained_while_another_is_refused_comes_back_too() -> None:
    web = service("a/web", "198.51.100.0", notes={"addresses": "198.51.100.1"})
    before, _ = settled(cluster(web, service("b/has", "198.51.100.1"), PUBLIC))
    allocations = plan(overwritten(before, "a/web", "203.0.113.9"))
    assert given(allocations)["a/web"] == ["198.51.100.0"]


def test_an_overwritten_address_that_is_gone_for_good_yields_to_what_stands_there() -> None:
    before, _ = settled(cluster(service("a/web"), PUBLIC))
    there = overwritten(before, "a/web", "198.51.100.2").services["a/web"]
    allocations = plan(cluster(there, service("b/took", "198.51.100.0"), PUBLIC))
    assert given(allocations)["a/web"] == ["198.51.100.2"]


@pytest.mark.parametrize(
    ("closed", "service_is", "routes", "then"),
    [
        pytest.param({}, {}, "", ["203.0.113.9"], id="an Eip that gives it out"),
        pytest.param({"disabled": True}, {}, "", ["198.51.100.1"], id="a disabled Eip"),
        pytest.param({"deleting": True}, {}, "", ["198.51.100.1"], id="an Eip that goes"),
        pytest.param({"exclude": ("203.0.113.9",)}, {}, "", ["198.51.100.1"], id="excluded"),
        pytest.param({"namespaces": ("b",)}, {}, "", ["198.51.100.1"], id="not admitted"),
        pytest.param(
            {}, {"notes": {"eip": "public"}}, "", ["198.51.100.1"], id="an Eip that it did not name"
        ),
        pytest.param(
            {}, {"notes": {"addresses": "198.51.100.3"}}, "", ["198.51.100.3"], id="it asks"
        ),
        pytest.param({}, {"notes": {"addresses": "nonsense"}}, "", [], id="it asks for nonsense"),
        pytest.param({}, {"deleting": True}, "", [], id="it is being deleted"),
        pytest.param({}, BOTH, "", [], id="it needs both families"),
        pytest.param({}, {}, "203.0.113.9", ["198.51.100.1"], id="not yet withdrawn"),
    ],
)
def test_what_was_written_over_a_lost_address_passes_by_no_rule(
    closed, service_is, routes, then
) -> None:
    """It had 198.51.100.0, which another has now."""
    four = eip("public", "198.51.100.0/30", default=True)
    before, _ = settled(cluster(service("a/web"), four))
    asks = {f"pointsman.dev/{k}": v for k, v in service_is.get("notes", {}).items()}
    more = {field: value for field, value in service_is.items() if field != "notes"}
    there = overwritten(before, "a/web", "203.0.113.9").services[ServiceKey("a/web")]
    there = replace(there, annotations={**there.annotations, **asks}, **more)
    theirs = eip("theirs", "203.0.113.0/28", **closed)
    snapshot = cluster(there, service("b/took", "198.51.100.0"), four, theirs)
    now = plan(replace(snapshot, speakers=(routed(routes),)) if routes else snapshot)
    assert given(now)["a/web"] == then


TWO = {"addresses": "198.51.100.1,198.51.100.2"}


@pytest.mark.parametrize("there", [[], ["198.51.100.1"]], ids=["both", "one"])
@pytest.mark.parametrize("conditions", ["kept", "wiped"])
def test_of_two_addresses_of_one_family_both_come_back(there, conditions) -> None:
    before, _ = settled(cluster(service("a/web", notes=TWO), PUBLIC))
    web = before.services[ServiceKey("a/web")]
    hint = {key: text for key, text in web.annotations.items() if "from" in key}  # no request now
    web = replace(web, annotations=hint)
    if conditions == "wiped":
        there, web = [], replace(web, conditions=())
    lost = overwritten(cluster(web, PUBLIC), "a/web", *there)
    assert given(plan(lost))["a/web"] == ["198.51.100.1", "198.51.100.2"]


@pytest.mark.parametrize("known", [False, None], ids=["the server tells", "nobody knows"])
def test_an_edited_hint_is_not_believed_after_a_wipe(known) -> None:
    snapshot, _ = settled(cluster(service("a/web", created="2026-05"), PUBLIC))
    lost = wiped(snapshot, "a/web").services["a/web"]
    edit = {"pointsman.dev/allocated-from": "public/198.51.100.2"}
    forged = replace(lost, annotations=edit, hints_are_ours=known)
    asks = service("b/asks", notes={"addresses": "198.51.100.2"})
    assert given(plan(cluster(forged, asks, PUBLIC)))["b/asks"] == ["198.51.100.2"]


def test_an_address_still_routed_is_given_to_nobody_yet() -> None:
    snapshot = cluster(
        service("a/any"),
        service("a/asks", notes={"addresses": "198.51.100.0"}),
        PUBLIC,
        speakers=(routed("198.51.100.0"),),
    )
    allocations = plan(snapshot)
    assert given(allocations) == {"a/any": ["198.51.100.1"], "a/asks": []}
    assert str(one(allocations, "a/asks").verdict) == (
        "Service a/asks has no IPv4 address: it asks for 198.51.100.0, which is still being "
        "withdrawn from the routers. It gets the address as soon as that is free; or ask for "
        "another one."
    )


def test_an_aggregate_in_the_routers_blocks_nothing() -> None:
    snapshot = cluster(service("a/any"), PUBLIC, speakers=(routed("198.51.100.0/30"),))
    assert given(plan(snapshot)) == {"a/any": ["198.51.100.0"]}


def test_a_service_made_again_under_its_name_is_a_new_one() -> None:
    again = cluster(service("a/web", uid="2"), PUBLIC, speakers=(routed("198.51.100.0"),))
    assert given(plan(again)) == {"a/web": ["198.51.100.1"]}


def test_a_sharer_joins_an_address_that_comes_back_in_the_same_plan() -> None:
    key = {"share-key": "k"}
    snapshot, _ = settled(cluster(service("a/web", notes=key), PUBLIC))
    lost = wiped(snapshot, "a/web").services.values()
    joins = service("b/no", created="2026"), service("a/too", notes=key, created="2026")
    allocations = plan(cluster(*lost, *joins, PUBLIC, speakers=(routed("198.51.100.0"),)))
    assert given(allocations) == {
        "a/too": ["198.51.100.0"],
        "a/web": ["198.51.100.0"],
        "b/no": ["198.51.100.1"],
    }
