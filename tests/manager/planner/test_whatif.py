"""A plan applied to its own snapshot: it settles, and then there is nothing to do."""

from dataclasses import replace

import pytest

from manager.planner import whatif
from manager.planner.plan import plan
from manager.snapshot import Condition, Snapshot
from pointsman.model.delta import delta
from pointsman.model.record import ConditionValue, ServiceRecord
from tests.manager.planner.addresses.addressing import DUAL
from tests.manager.planner.scene import WEB, endpoints, scene, service

HERE = endpoints("a/web", "node1")


@pytest.mark.parametrize(
    "snapshot",
    [
        pytest.param(Snapshot(), id="an empty cluster"),
        pytest.param(scene(WEB, HERE), id="a Service"),
        pytest.param(scene(service("a/web", **DUAL), HERE), id="half of a dual-stack Service"),
        pytest.param(
            scene(service("a/web", "198.51.100.9", notes={"addresses": "198.51.100.3"}), HERE),
            id="a Service that moves",
        ),
        pytest.param(scene(WEB, HERE, bgp_confs={}), id="without BgpConf"),
    ],
)
def test_a_settled_plan_leaves_nothing_to_do(snapshot: Snapshot) -> None:
    calm, decided = whatif.settle(snapshot)
    assert plan(calm) == decided
    assert whatif.applied(calm, decided) == calm
    assert not delta(decided.speakers[0].routes, calm.speakers[0].routes)
    assert not delta(decided.speakers[0].neighbors, calm.speakers[0].neighbors)
    assert not delta(decided.speakers[0].exports, calm.speakers[0].exports)


def test_sessions_count_as_established() -> None:
    calm, _ = whatif.settle(scene(WEB, HERE))
    assert {name: one.state for name, one in calm.speakers[0].sessions.items()} == {
        "tor-1": "Established"
    }


def test_a_service_that_stops_being_ours_frees_its_address() -> None:
    calm, decided = whatif.settle(scene(WEB, HERE))
    held = decided.services[WEB.key].ingress[0]
    left = replace(calm.services[WEB.key], load_balancer_class="example.com/other")
    heir = service("a/heir", notes={"addresses": held})
    after = replace(calm, services={WEB.key: left, heir.key: heir})
    found, decided = whatif.settle(after)
    assert decided.services[heir.key].ingress == (held,)
    assert found.services[WEB.key].ingress == ()
    assert not any(key.startswith("pointsman.dev/") for key in found.services[WEB.key].annotations)


def test_what_others_wrote_stays() -> None:
    foreign = Condition("x.io/Ready", "True", "r", "m", "2026-01-01T00:00:00Z")
    web = replace(WEB, annotations={"x.io/note": "1", "pointsman.dev/eip": "public"})
    web = replace(web, conditions=(foreign,))
    record = ServiceRecord(
        ("198.51.100.0",), {"pointsman.dev/status": "s"}, {"pointsman.dev/Allocated": SAID}
    )
    found = whatif.written(web, record)
    assert found.annotations == {**web.annotations, "pointsman.dev/status": "s"}
    assert foreign in found.conditions
    cleared = whatif.written(found, ServiceRecord())
    assert (cleared.annotations, cleared.conditions) == (web.annotations, web.conditions)


SAID = ConditionValue("True", "Allocated", "it has")
