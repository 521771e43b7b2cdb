from dataclasses import replace

import pytest

from manager.snapshot import EipName, ServiceKey
from tests.manager.planner.addresses.addressing import (
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

PUBLIC = eip("public", "198.51.100.0/30", default=True)


def test_a_moved_request_releases_the_old_address_once_the_new_one_is_had() -> None:
    web = service("a/web", "198.51.100.0", notes={"addresses": "198.51.100.2"})
    _, allocations = settled(cluster(web, service("b/any"), PUBLIC))
    assert given(allocations) == {"a/web": ["198.51.100.2"], "b/any": ["198.51.100.1"]}


def test_a_released_address_is_handed_on_only_when_its_release_is_written() -> None:
    mover = service("a/mover", "198.51.100.0", notes={"addresses": "198.51.100.2"})
    waits = service("b/waits", notes={"addresses": "198.51.100.0"})
    first = plan(snapshot := cluster(mover, waits, PUBLIC))
    assert given(first) == {"a/mover": ["198.51.100.2"], "b/waits": []}
    assert "Service a/mover holds it" in str(one(first, "b/waits").verdict)
    assert given(plan(apply(snapshot, first)))["b/waits"] == ["198.51.100.0"]


def test_a_move_that_cannot_be_satisfied_keeps_the_old_address_and_says_so() -> None:
    web = service("a/web", "198.51.100.0", notes={"addresses": "198.51.100.2"})
    allocations = plan(cluster(web, service("b/has", "198.51.100.2"), PUBLIC))
    assert given(allocations)["a/web"] == ["198.51.100.0"]
    verdict = one(allocations, "a/web").verdict
    assert (verdict.reason, verdict.status) == ("AddressInUse", "False")
    assert str(verdict).startswith(
        "Service a/web keeps 198.51.100.0: it asks for 198.51.100.2, and Service b/has holds it."
    )


def test_a_swap_leaves_both_where_they_are() -> None:
    one_, other = "198.51.100.0", "198.51.100.1"
    _, allocations = settled(
        cluster(
            service("a/a", one_, notes={"addresses": other}),
            service("a/b", other, notes={"addresses": one_}),
            PUBLIC,
        )
    )
    assert given(allocations) == {"a/a": [one_], "a/b": [other]}


@pytest.mark.parametrize(
    ("notes", "expected", "reason"),
    [
        pytest.param({"eip": "other"}, ["203.0.113.1"], "Allocated", id="naming another Eip moves"),
        pytest.param(
            {"eip": "public"}, ["198.51.100.3"], "Allocated", id="naming its own does not"
        ),
        pytest.param(
            {"eip": "other,public"},
            ["198.51.100.3"],
            "Allocated",
            id="of several named, the one it has is good enough",
        ),
        pytest.param({"eip": "gone"}, ["198.51.100.3"], "EipNotFound", id="a missing one keeps"),
        pytest.param(
            {"eip": "full"}, ["198.51.100.3"], "AddressPoolExhausted", id="a full one keeps"
        ),
        pytest.param(
            {"addresses": "nonsense"}, ["198.51.100.3"], "InvalidAnnotation", id="nonsense keeps"
        ),
        pytest.param(
            {"addresses": "2001:db8::1"}, ["198.51.100.3"], "WrongFamily", id="a wrong family keeps"
        ),
    ],
)
def test_a_held_address_follows_only_what_the_service_asks_for(notes, expected, reason) -> None:
    allocations = plan(
        cluster(
            service("a/web", "198.51.100.3", notes=notes),
            service("a/full", "203.0.113.9"),
            PUBLIC,
            eip("other", "203.0.113.1"),
            eip("full", "203.0.113.9"),
        )
    )
    assert given(allocations)["a/web"] == expected
    assert reasons(allocations)["a/web"] == reason


FROM_PUBLIC = {"allocated-from": "public/198.51.100.3"}


@pytest.mark.parametrize(
    ("eips", "notes", "eip_name"),
    [
        pytest.param(
            [eip("public", "198.51.100.0/30", disabled=True)], {}, "public", id="disabled"
        ),
        pytest.param([eip("public", "198.51.100.0/31")], FROM_PUBLIC, "public", id="shrunk"),
        pytest.param(
            [eip("public", "198.51.100.0/30", exclude=("198.51.100.3",))],
            {},
            "public",
            id="excluded",
        ),
        pytest.param(
            [eip("public", "198.51.100.0/30", namespaces=("x",))],
            {},
            "public",
            id="no longer admitting it",
        ),
        pytest.param(
            [eip("public", "198.51.100.0/30", "1.1.1.9-1.1.1.1")], {}, "public", id="broken"
        ),
        pytest.param(
            [eip("public", "198.51.100.0/30", deleting=True)], {}, "public", id="being deleted"
        ),
        pytest.param(
            [eip("old", "198.51.100.0/30"), eip("public", "198.51.100.2/31", created="2026")],
            FROM_PUBLIC,
            "public",
            id="overlapping an older Eip",
        ),
        pytest.param(
            [eip("old", "198.51.100.0/30"), eip("public", "198.51.100.2/31", created="2026")],
            {},
            "old",
            id="overlapping, and the annotation is lost",
        ),
        pytest.param(
            [PUBLIC, eip("better", "203.0.113.0/24", default=True, priority=1)],
            {},
            "public",
            id="passed by a better default",
        ),
    ],
)
def test_a_held_address_stays_whatever_becomes_of_its_eip(eips, notes, eip_name) -> None:
    allocations = plan(cluster(service("a/web", "198.51.100.3", notes=notes), *eips))
    grant = one(allocations, "a/web").grants[0]
    assert (str(grant.address), grant.eip) == ("198.51.100.3", eip_name)
    assert reasons(allocations)["a/web"] == "Allocated"
    assert usage_of(allocations, eip_name).in_use


REST = eip("rest", "198.51.100.2/31")


@pytest.mark.parametrize(
    "edits",
    [
        pytest.param([[eip("public", "198.51.100.0/31"), REST]], id="another has it"),
        pytest.param([[eip("public", "198.51.100.0/31")], [PUBLIC, REST]], id="and none between"),
        pytest.param(
            [[eip("public", "198.51.100.0/30", exclude=("198.51.100.2/31",)), REST]],
            id="excluded here, as an overlap is told to be mended",
        ),
        pytest.param(
            [[REST], [REST, eip("public", "203.0.113.0/30")]], id="deleted, and made anew elsewhere"
        ),
        pytest.param(
            [[REST, eip("public", "203.0.113.0/30")], [eip("public", "203.0.113.0/30")]],
            id="and the other goes, too",
        ),
        pytest.param(
            [[replace(PUBLIC, deleting=True), eip("new", "198.51.100.0/30")]],
            id="being deleted, for one of another name",
        ),
        pytest.param([[], [PUBLIC]], id="deleted, and made again"),
        pytest.param([[eip("public", "198.51.100.0/31", disabled=True), REST]], id="disabled, too"),
        pytest.param(
            [[eip("public", "198.51.100.0/31", created="2"), eip("rest", "198.51.100.0/30")]],
            id="overlapping an older one",
        ),
    ],
)
@pytest.mark.parametrize("named", ["public", "public,spare"])
def test_no_edit_of_eips_moves_a_service_that_names_the_one_it_was_given_by(edits, named) -> None:
    asks = {"notes": {"eip": named, "allocated-from": "public/198.51.100.3"}}
    spare = eip("spare", "192.0.2.128/30")
    now = cluster(service("a/web", "198.51.100.3", **asks), PUBLIC, spare)
    for eips in ([*each, spare] for each in edits):
        now, found = settled(replace(now, eips={EipName(each.name): each for each in eips}))
        assert given(found) == {"a/web": ["198.51.100.3"]}, eips
    web = now.services[ServiceKey("a/web")]
    asking = {**web.annotations, "pointsman.dev/eip": "other"}
    moved = {web.key: replace(web, annotations=asking)}
    other = {**now.eips, EipName("other"): eip("other", "192.0.2.0/30")}
    now = replace(now, services=moved, eips=other)
    assert given(plan(now)) == {"a/web": ["192.0.2.0"]}


@pytest.mark.parametrize("notes", [{}, FROM_PUBLIC])
def test_an_address_in_no_eip_is_retained_and_reported(notes) -> None:
    allocations = plan(
        cluster(service("a/web", "198.51.100.3", notes=notes), eip("z", "192.0.2.1"))
    )
    assert given(allocations) == {"a/web": ["198.51.100.3"]}
    assert str(one(allocations, "a/web").verdict) == (
        "Service a/web keeps 198.51.100.3: 198.51.100.3 is in no Eip, so nothing announces it. Add "
        "198.51.100.3 to spec.addresses of an Eip, or ask for another address."
    )


@pytest.mark.parametrize(
    "foreign",
    [
        pytest.param({"load_balancer_class": "example.com/other"}, id="of another class"),
        pytest.param({"type": "ClusterIP"}, id="no longer a LoadBalancer, not yet cleaned"),
    ],
)
def test_an_address_that_a_service_not_ours_records_is_not_given(foreign) -> None:
    allocations = plan(
        cluster(service("z/other", "198.51.100.0", **foreign), service("a/web"), PUBLIC)
    )
    assert given(allocations) == {"a/web": ["198.51.100.1"]}
    assert usage_of(allocations, "public").available.ipv4 == 2


def test_of_two_holders_who_may_not_share_the_younger_is_moved() -> None:
    old = service("z/old", "198.51.100.0", created="2026-01-01T00:00:00Z")
    young = service("a/young", "198.51.100.0", created="2026-02-01T00:00:00Z")
    assert given(plan(cluster(young, old, PUBLIC))) == {
        "a/young": ["198.51.100.1"],
        "z/old": ["198.51.100.0"],
    }


def test_a_refusal_names_who_stays_and_not_who_is_about_to_leave() -> None:
    address = "198.51.100.0"
    allocations = plan(
        cluster(
            service("a/second", address, created="2"),
            service("a/stays", address, created="1"),
            service("a/wishes", created="3", notes={"addresses": address}),
            PUBLIC,
        )
    )
    assert "Service a/stays holds it" in str(one(allocations, "a/wishes").verdict)


def test_of_two_holders_the_younger_waits_if_it_asked_for_that_very_address() -> None:
    asks = {"addresses": "198.51.100.0"}
    old = service("z/old", "198.51.100.0", created="2026-01-01T00:00:00Z")
    young = service("a/young", "198.51.100.0", notes=asks, created="2026-02-01T00:00:00Z")
    allocations = plan(cluster(young, old, PUBLIC))
    assert given(allocations) == {"a/young": [], "z/old": ["198.51.100.0"]}
    assert "Service z/old holds it" in str(one(allocations, "a/young").verdict)


def test_a_forged_hint_does_not_win_a_duplicate() -> None:
    old = service("z/old", "198.51.100.3", created="2026-01-01T00:00:00Z")
    forged = service("a/young", "198.51.100.3", notes=FROM_PUBLIC, created="2026-02-01T00:00:00Z")
    assert given(plan(cluster(forged, old, PUBLIC)))["z/old"] == ["198.51.100.3"]
