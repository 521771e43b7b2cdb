"""The record first, the network second: paths and their verdict between two writes."""

from dataclasses import replace
from typing import Any

import pytest

from manager.planner.plan import plan
from manager.planner.whatif import applied, settle
from manager.snapshot import ServiceKey
from pointsman.model.address import Family
from tests.manager.planner.scene import (
    PUBLIC,
    WEB,
    carriers,
    condition_of,
    eip,
    endpoints,
    hops,
    scene,
    service,
    settled,
)

V6 = Family.IPV6
HERE = endpoints("a/web", "node1")
KEY = ServiceKey("a/web")


def test_no_path_is_put_before_the_address_is_recorded() -> None:
    first = plan(snapshot := scene(WEB, HERE))
    assert first.services[KEY].ingress == ("198.51.100.0",)
    assert not first.speakers[0].routes
    assert "pointsman.dev/Announced" not in first.services[KEY].conditions
    second = plan(applied(snapshot, first))
    assert carriers(second) == "123"


def test_announced_is_said_only_once_the_speaker_holds_every_path() -> None:
    snapshot = scene(WEB, HERE)
    recorded = replace(applied(snapshot, plan(snapshot)), speakers=(snapshot.speakers[0],))
    handed_over = plan(recorded)
    assert carriers(handed_over) == "123"
    assert "pointsman.dev/Announced" not in handed_over.services[KEY].conditions
    there = applied(recorded, handed_over)
    first, *_ = there.speakers[0].routes
    fewer = {key: one for key, one in there.speakers[0].routes.items() if key != first}
    partly = replace(there, speakers=(replace(there.speakers[0], routes=fewer),))
    assert "pointsman.dev/Announced" not in plan(partly).services[KEY].conditions
    assert condition_of(plan(there)).status == "True"


@pytest.mark.parametrize(
    "held",
    [
        pytest.param((), id="wiped"),
        pytest.param(("2001:db8:0100:0::0",), id="spelled otherwise"),
    ],
)
def test_a_status_edited_by_hand_withdraws_nothing(held: tuple[str, ...]) -> None:
    web = service("a/web", families=(V6,))
    snapshot, before = settle(scene(web, endpoints("a/web", "node1", family=V6)))
    edited = replace(snapshot.services[KEY], ingress=service("a/x", *held).ingress)
    found = plan(replace(snapshot, services={KEY: edited}))
    assert found.speakers[0].routes == before.speakers[0].routes
    assert found.services == before.services


def test_an_unrecorded_address_takes_over_no_path_of_a_node_that_left() -> None:
    snapshot, _ = settle(scene(WEB, HERE))
    wiped = replace(snapshot.services[KEY], ingress=())
    gone = {name: one for name, one in snapshot.nodes.items() if name != "node3"}
    assert hops(plan(replace(snapshot, services={KEY: wiped}, nodes=gone))) == {
        "tor-1": ["192.0.2.11", "192.0.2.12"]
    }


@pytest.mark.parametrize(
    "pools",
    [
        pytest.param([PUBLIC], id="from the same Eip"),
        pytest.param(
            [
                eip("four", "198.51.100.0/28", default=True),
                eip("six", "2001:db8:100::/124", default=True),
            ],
            id="from two Eips",
        ),
    ],
)
def test_a_second_family_unsays_nothing_of_the_first(pools: list[Any]) -> None:
    six = endpoints("a/web", "node1", family=V6)
    snapshot, before = settle(scene(WEB, HERE, six, *pools))
    dual = replace(
        snapshot.services[KEY], families=(Family.IPV4, V6), family_policy="PreferDualStack"
    )
    grown = plan(replace(snapshot, services={KEY: dual}))
    assert grown.services[KEY].ingress == ("198.51.100.0", "2001:db8:100::")
    assert condition_of(grown) == condition_of(before)
    after = settled(replace(snapshot, services={KEY: dual}))
    assert "198.51.100.0 and 2001:db8:100:: are advertised" in condition_of(after).message
