"""Addresses that an IPAM reserves: whole plans of small clusters, by what it was read to hold."""

from dataclasses import replace
from typing import Any

import pytest

from manager.planner.plan import plan
from manager.snapshot import Eip, EipName, Observed, ServiceKey, Snapshot
from pointsman.api import EipSpec
from pointsman.model.address import host_prefix
from pointsman.model.ranges import AddressSet, read_union
from pointsman.model.record import ResourceKey
from pointsman.model.reservation import (
    RefusedRequest,
    ReservationKey,
    SourceReading,
)
from tests.manager.planner.addresses.addressing import V4, V6, eip, service
from tests.manager.planner.addresses.from_ipam import (
    BLOCKS,
    NETBOX,
    POOL,
    QUARANTINED,
    at,
    entry,
    given,
    planned,
    pool,
    reason,
    web,
)


@pytest.mark.parametrize(
    ("reading", "spec", "asked"),
    [
        pytest.param(SourceReading(BLOCKS), {}, (None, None), id="nothing is reserved yet"),
        pytest.param(SourceReading(BLOCKS, (entry(3, "other"),)), {}, (None, None),
                     id="reserved for somebody else"),
        pytest.param(SourceReading(BLOCKS, (entry(3, "web", state=QUARANTINED),)), {}, (None, None),
                     id="in quarantine"),
        pytest.param(SourceReading(BLOCKS, (entry(3, "web"),), {at(3): "dhcp"}), {},
                     (None, "198.51.100.1-198.51.100.2 198.51.100.4-198.51.100.6"),
                     id="somebody else's too"),
        pytest.param(SourceReading(BLOCKS, (entry(3, "web"),)), {"exclude": ["198.51.100.3"]},
                     (None, "198.51.100.1-198.51.100.2 198.51.100.4-198.51.100.6"),
                     id="excluded by the Eip"),
        pytest.param(SourceReading(BLOCKS), {"addresses": ["198.51.100.4/30"]},
                     (None, "198.51.100.4-198.51.100.6"), id="limited by the Eip"),
    ],
)  # fmt: skip
def test_what_is_not_reserved_for_it_alone_is_granted_to_nobody(
    reading: SourceReading, spec: dict[str, Any], asked: tuple[object, str | None]
) -> None:
    found = planned(pool(**spec), reading, web())
    assert (given(found), reason(found)) == ([], "WaitingForSource")
    request = found.sources[POOL].requests[ReservationKey("web", V4)]
    within = None if asked[1] is None else read_union(tuple(asked[1].split()))
    assert (request.address, request.within) == (asked[0], within)


def test_what_is_reserved_is_granted_and_written_down_as_held() -> None:
    found = planned(pool(), SourceReading(BLOCKS, (entry(3, "web"),)), web())
    assert given(found) == ["198.51.100.3"]
    source = found.sources[POOL]
    assert (source.requests, source.owners) == ({}, {at(3): ReservationKey("web", V4)})
    assert source.held[at(3)].services == ("a/web",)


def test_a_reserved_address_that_is_still_routed_waits_and_stays_reserved() -> None:
    reading = SourceReading(BLOCKS, (entry(3, "web"),))
    speakers = (Observed(putting=frozenset({host_prefix(at(3))})),)
    found = planned(pool(), reading, web(), speakers=speakers)
    assert (given(found), reason(found)) == ([], "WaitingForSource")
    assert at(3) in found.sources[POOL].held


def test_nothing_is_released_that_is_routed_or_on_its_way() -> None:
    reading = SourceReading(BLOCKS, (entry(3, "gone"), entry(4, "gone"), entry(5, "gone")))
    speakers = (Observed(putting=frozenset({host_prefix(at(3))})),)
    pending = {ServiceKey("a/gone"): (at(4),)}
    found = planned(pool(), reading, speakers=speakers, pending=pending)
    assert found.sources[POOL].held.keys() == {at(3), at(4)}


@pytest.mark.parametrize(
    "reading",
    [
        pytest.param(None, id="nobody asked yet"),
        pytest.param(SourceReading(problem="it said 503", since="2026-01-01T00:00:00Z"), id="away"),
        pytest.param(SourceReading(BLOCKS), id="its entry is gone"),
        pytest.param(SourceReading(BLOCKS, (entry(3, "other"),)), id="its entry is another's"),
        pytest.param(SourceReading(BLOCKS, (), {at(3): "dhcp"}), id="it is somebody else's"),
        pytest.param(SourceReading(read_union(("203.0.113.0/24",))), id="another prefix"),
    ],
)
def test_what_is_held_stays_whatever_the_ipam_says(reading: SourceReading | None) -> None:
    found = planned(pool(), reading, web("198.51.100.3"))
    assert given(found) == ["198.51.100.3"]
    assert found.sources[POOL].held[at(3)].services == ("a/web",)
    assert found.sources[POOL].owners[at(3)] == ReservationKey("web", V4)


def test_the_old_address_stays_in_the_ipam_until_the_status_says_otherwise() -> None:
    reading = SourceReading(BLOCKS, (entry(3, "web"), entry(5, "web")))
    moving = web("198.51.100.3", notes={"addresses": "198.51.100.5"})
    found = planned(pool(), reading, moving)
    assert given(found) == ["198.51.100.5"]
    assert found.sources[POOL].held.keys() == {at(3), at(5)}


def test_several_addresses_are_asked_for_one_after_the_other_and_given_together() -> None:
    asks = web(notes={"addresses": "198.51.100.3,198.51.100.5"})
    found = planned(pool(), SourceReading(BLOCKS, (entry(3, "web"),)), asks)
    source = found.sources[POOL]
    assert given(found) == []
    assert [one.address for one in source.requests.values()] == [at(5)]
    assert source.held.keys() == {at(3)}
    both = SourceReading(BLOCKS, (entry(3, "web"), entry(5, "web")))
    assert given(planned(pool(), both, asks)) == ["198.51.100.3", "198.51.100.5"]


def test_two_services_never_ask_for_one_address() -> None:
    first = service("a/web", notes={"addresses": "198.51.100.5"}, uid="web", created="1")
    second = service("a/late", notes={"addresses": "198.51.100.5"}, uid="late", created="2")
    found = planned(pool(), SourceReading(BLOCKS), first, second)
    assert list(found.sources[POOL].requests) == [ReservationKey("web", V4)]
    assert reason(found, "a/late") == "AddressInUse"


def test_a_refusal_is_about_the_request_it_was_made_for() -> None:
    refused = {ReservationKey("web", V4): RefusedRequest("it is locked", at(5))}
    reading = SourceReading(BLOCKS, refusals=refused)
    assert reason(planned(pool(), reading, web())) == "WaitingForSource"
    asks = web(notes={"addresses": "198.51.100.5"})
    found = planned(pool(), reading, asks)
    assert reason(found) == "SourceRefused"
    assert found.sources[POOL].requests, "it is asked again"


def test_a_full_ipam_is_passed_over_and_one_that_is_away_is_waited_for() -> None:
    own = eip("spare", "203.0.113.1", default=True, priority=200)
    full = SourceReading(BLOCKS, (), {at(n): "dhcp" for n in range(1, 7)})
    away = SourceReading(BLOCKS, problem="it said 503")
    for reading, expected in ((full, ["203.0.113.1"]), (away, [])):
        snapshot = Snapshot(
            services={ServiceKey("a/web"): web()},
            eips={POOL: pool(), EipName("spare"): own},
            sources={POOL: reading},
        )
        assert given(plan(snapshot)) == expected


def test_who_finds_an_ipam_full_is_told_to_widen_it_there() -> None:
    full = SourceReading(BLOCKS, (), {at(n): "dhcp" for n in range(1, 7)})
    found = planned(pool(), full, web())
    sentence = str(found.allocations.services[ServiceKey("a/web")].verdict)
    assert reason(found) == "AddressPoolExhausted"
    assert "Widen NetBox prefix 42 there" in sentence


def test_what_one_family_has_reserved_is_kept_while_the_other_waits() -> None:
    both = web(families=(V4, V6), family_policy="RequireDualStack")
    blocks = read_union(("198.51.100.1", "2001:db8::1"))
    found = planned(pool(), SourceReading(blocks, (entry(1, "web"),)), both)
    source = found.sources[POOL]
    assert given(found) == []
    assert source.held.keys() == {at(1)}
    assert list(source.requests) == [ReservationKey("web", V6)]


def test_a_manager_that_starts_while_the_ipam_is_away_has_the_same_pool() -> None:
    reading = SourceReading(BLOCKS)
    record = next(iter(planned(pool(), reading).statuses.values()))
    assert record.fields["source"] == {
        "name": "NetBox prefix 42",
        "blocks": ["198.51.100.1-198.51.100.6"],
    }
    later = replace(pool(), status=record.fields)
    away = planned(later, SourceReading(problem="it said 503"))
    assert away.allocations.eips[POOL].capacity.ipv4 == 6
    assert next(iter(away.statuses.values())).fields["source"] == record.fields["source"]
    other = {"netbox": {**NETBOX.model_dump()["netbox"], "prefix": "43"}}
    moved = replace(later, spec=EipSpec.model_validate({"source": other}))
    assert planned(moved, None).allocations.eips[POOL].capacity.ipv4 == 0, "of another prefix"


@pytest.mark.parametrize(("problem", "stays"), [("", True), ("it said 503", False)])
def test_an_eip_goes_once_its_entries_are_gone_but_waits_for_no_outage(
    problem: str, stays: bool
) -> None:
    leaving = replace(pool(), deleting=True, finalizers=("pointsman.dev/in-use",))
    reading = SourceReading(BLOCKS, (entry(3, "gone"),), problem=problem)
    found = planned(leaving, reading)
    assert found.allocations.eips[POOL].in_use is stays
    assert found.sources[POOL].leaving


PUBLISHES = eip("pool", "198.51.100.1", publish=True, publish_to={
    "netbox": {"url": "https://n", "tokenSecretRef": {"name": "n"}},
})  # fmt: skip


@pytest.mark.parametrize(
    ("one", "reading", "stays"),
    [
        pytest.param(pool(), None, True, id="a manager that just started read nothing yet"),
        pytest.param(pool(), SourceReading(), True, id="nor does its driver"),
        pytest.param(pool(), SourceReading(BLOCKS), False, id="read: there are no entries"),
        pytest.param(pool(), SourceReading(problem="it said 503"), False, id="it is away"),
        pytest.param(PUBLISHES, None, True, id="it publishes, and nothing was read"),
        pytest.param(PUBLISHES, SourceReading(AddressSet()), False, id="nothing is shown there"),
        pytest.param(eip("pool", "198.51.100.1"), None, False, id="it has no IPAM"),
    ],
)
@pytest.mark.parametrize("deleting", [True, False])
def test_the_finalizer_stays_until_the_ipam_was_asked(
    one: Eip, reading: SourceReading | None, stays: bool, deleting: bool
) -> None:
    one = replace(one, deleting=deleting, finalizers=("pointsman.dev/in-use",))
    record = planned(one, reading).statuses[ResourceKey("Eip", "pool")]
    assert record.has_finalizer is stays


def test_published_addresses_are_written_and_nothing_is_asked() -> None:
    where = {"netbox": {"url": "https://n", "tokenSecretRef": {"name": "n"}}}
    own = eip("pool", "198.51.100.1", default=True, publish=True, publish_to=where)
    found = planned(own, SourceReading(problem="it said 503"), web())
    source = found.sources[POOL]
    assert (given(found), source.publish_only, source.requests) == (["198.51.100.1"], True, {})
    assert source.held[at(1)].services == ("a/web",)


def test_who_shares_waits_for_the_same_address_and_asks_for_none_of_its_own() -> None:
    share = {"share-key": "k"}
    first = service("a/web", notes=share, uid="web", created="1")
    second = service("a/late", notes=share, uid="late", created="2", ports=())
    found = planned(pool(), SourceReading(BLOCKS), first, second)
    assert (given(found, "a/late"), reason(found, "a/late")) == ([], "WaitingForSource")
    assert list(found.sources[POOL].requests) == [ReservationKey("web", V4)]
    there = planned(pool(), SourceReading(BLOCKS, (entry(1, "web"),)), first, second)
    assert (given(there), given(there, "a/late")) == (["198.51.100.1"], ["198.51.100.1"])
    assert there.sources[POOL].owners == {at(1): ReservationKey("web", V4)}
