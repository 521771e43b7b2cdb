"""Whose a Service is: docs/concepts.md, "Which Services are ours"."""

from dataclasses import replace
from typing import Any

import pytest

from manager.planner.addresses.ownership import Partition, partition_services
from manager.planner.addresses.pools import read_pools
from manager.planner.plan import plan
from manager.snapshot import Condition, Ingress, Settings, Snapshot
from tests.manager.planner.addresses.addressing import stranger
from tests.manager.planner.scene import WEB, eip, endpoints, scene

PUBLIC = eip("public", "198.51.100.0/28", exclude=("198.51.100.8/29",), default=True)
STRICT = Settings(require_class=True)


def partition(snapshot: Snapshot) -> Partition:
    return partition_services(snapshot, read_pools(snapshot))


@pytest.mark.parametrize(
    ("service_type", "its_class", "settings", "ours"),
    [
        pytest.param("LoadBalancer", None, Settings(), True, id="without class it is ours"),
        pytest.param("LoadBalancer", None, STRICT, False, id="unless a class is required"),
        pytest.param("LoadBalancer", "pointsman.dev/lb", STRICT, True, id="our class is ours"),
        pytest.param("LoadBalancer", "x.io/lb", Settings(), False, id="another class is theirs"),
        pytest.param("ClusterIP", None, Settings(), False, id="a ClusterIP is nobody's"),
        pytest.param("NodePort", None, Settings(), False, id="a NodePort is nobody's"),
        pytest.param("ClusterIP", "pointsman.dev/lb", Settings(), False, id="type comes first"),
    ],
)
def test_claimed(service_type: str, its_class: str | None, settings: Settings, ours: bool) -> None:
    web = replace(WEB, type=service_type, load_balancer_class=its_class)
    decided = plan(scene(web, settings=settings))
    assert (web.key in decided.services, web.key in decided.left_alone) == (ours, False)


@pytest.mark.parametrize(
    ("held", "more", "ours"),
    [
        pytest.param(["198.51.100.3"], {}, True, id="all its addresses in our Eips: taken over"),
        pytest.param(["203.0.113.9"], {}, False, id="an address of another: left alone"),
        pytest.param(["198.51.100.3", "203.0.113.9"], {}, False, id="one of two is not ours"),
        pytest.param(["198.51.100.9"], {}, False, id="what an Eip excludes is left to others"),
        pytest.param([], {}, True, id="no address yet: ours"),
        pytest.param(
            ["203.0.113.9"],
            {"notes": {"allocated-from": "old/203.0.113.9"}},
            False,
            id="an annotation is no record: anybody may have written it",
        ),
        pytest.param(
            ["203.0.113.9"],
            {"conditions": (Condition("pointsman.dev/Allocated", "True"),)},
            True,
            id="a condition of ours is a record",
        ),
        pytest.param(
            ["203.0.113.9"],
            {"conditions": (Condition("x.io/Ready", "True"),)},
            False,
            id="a condition of theirs is none",
        ),
        pytest.param(
            ["203.0.113.9"],
            {"load_balancer_class": "pointsman.dev/lb"},
            True,
            id="with our class it is ours whatever it holds",
        ),
    ],
)
def test_takeover(held: list[str], more: dict[str, Any], ours: bool) -> None:
    found = partition(scene(stranger("a/web", *held, **more), PUBLIC))
    assert (list(found.ours), list(found.left_alone)) == (
        (["a/web"], []) if ours else ([], ["a/web"])
    )


def test_a_hostname_of_another_controller_is_never_ours() -> None:
    web = replace(WEB, ingress=(Ingress(hostname="lb.example.net"),))
    assert list(partition(scene(web, PUBLIC)).left_alone) == ["a/web"]


def test_what_is_left_alone_gets_nothing_and_the_verdict_names_the_way_out() -> None:
    decided = plan(scene(stranger("a/web", "203.0.113.9"), PUBLIC, endpoints("a/web", "node1")))
    assert (dict(decided.services), dict(decided.speakers[0].routes)) == ({}, {})
    verdict = decided.left_alone[WEB.key]
    assert verdict.reason == "ForeignController"
    assert "--require-class" in str(verdict)
    assert "203.0.113.9" in str(verdict)
