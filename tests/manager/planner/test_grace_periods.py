"""What is too early to be bad news, and that it is said when it stays so."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from manager.planner.plan import plan
from manager.planner.whatif import applied
from manager.snapshot import Announcer, Condition, Ingress, Node, NodeName, ServiceKey, Snapshot
from pointsman.model.address import Family
from pointsman.model.record import ResourceKey
from tests.manager.planner.addresses.addressing import service
from tests.manager.planner.scene import announcer, endpoints, nic, node, nodes, peer, scene, slices

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
NEW, OLD = "2026-01-01T11:59:58Z", "2026-01-01T11:00:00Z"
FAR = nic("eth0", "10.0.9.11/24", "2001:db8:9::11/64")
NEAR = nic("eth0", "192.0.2.11/24", "2001:db8:2::11/64")
TOR = ResourceKey("BgpPeer", "tor-1")
ALL = ("node1", "node2", "node3")


def web(created: str, **more: Any) -> Snapshot:
    """Service a/web with its address in its status; the agents have reported."""
    old = {NodeName(n): replace(one, created=OLD) for n, one in nodes().items()}
    agents = {NodeName(name): announcer(name, NEAR) for name in ALL}
    new = replace(service("a/web"), created=created, ingress=(Ingress("198.51.100.0"),))
    return scene(new, nodes=old, announcers=agents, **({"taken_at": NOON} | more))


def announced_reason(snapshot: Snapshot) -> str:
    """Return the reason of the condition Announced, "" while there is none."""
    found = plan(snapshot).services[ServiceKey("a/web")].conditions
    return found["pointsman.dev/Announced"].reason if "pointsman.dev/Announced" in found else ""


def test_a_new_service_has_time_to_get_its_first_slice() -> None:
    world = web(NEW)
    assert (announced_reason(world), plan(world).again_s) == ("", 3)
    assert announced_reason(replace(world, taken_at=NOON.replace(second=3))) == "NoServingEndpoint"


@pytest.mark.parametrize(
    ("created", "more"),
    [
        pytest.param(OLD, {}, id="it is no new one"),
        pytest.param(NEW, {"taken_at": None}, id="offline nothing is awaited"),
        pytest.param("", {}, id="nobody knows when it was made"),
        pytest.param(
            NEW, {"endpoint_slices": slices(endpoints("a/web", ""))}, id="its slice is there, empty"
        ),
    ],
)
def test_otherwise_it_is_said_at_once(created: str, more: dict[str, Any]) -> None:
    assert announced_reason(web(created, **more)) == "NoServingEndpoint"


def test_what_was_said_of_a_new_service_is_not_taken_back() -> None:
    world = web(NEW, endpoint_slices=slices(endpoints("a/web", "")))
    world = replace(applied(world, plan(world)), endpoint_slices={})
    assert announced_reason(world) == "NoServingEndpoint"


def test_a_slice_of_the_other_family_is_none() -> None:
    other = slices(endpoints("a/web", "node1", family=Family.IPV6))
    assert announced_reason(web(NEW, endpoint_slices=other)) == ""


def far(made: str, used: str, *reports: str, **more: Any) -> Snapshot:
    """A router far off from all nodes; the agents of *reports* have said so."""
    ready = Condition("Ready", "True", "Ready", "", used)
    agents = {NodeName(name): announcer(name, FAR) for name in reports}
    some: dict[NodeName, Node] = {n: replace(one, created=made) for n, one in nodes().items()}
    tor = peer("tor-1", conditions=(ready,))
    return scene(tor, nodes=some, announcers=agents, taken_at=NOON, **more)


def troubles(snapshot: Snapshot) -> set[str]:
    found = plan(snapshot).statuses[TOR].conditions.keys()
    return set(found) & {"NextHopsUnverified", "NextHopsMissing"}


@pytest.mark.parametrize(
    ("made", "used", "reports", "expected"),
    [
        pytest.param(OLD, NEW, (), False, id="a new BgpPeer, and no agent has spoken"),
        pytest.param(NEW, OLD, (), False, id="new nodes"),
        pytest.param(NEW, OLD, ("node1",), True, id="one of which has said that it is far off"),
        pytest.param(OLD, OLD, (), True, id="agents that never come"),
        pytest.param(NEW, NEW, ALL, True, id="agents that have spoken"),
    ],
)
def test_nodes_are_far_off_when_their_agents_had_time_to_say_otherwise(
    made: str, used: str, reports: tuple[str, ...], expected: bool
) -> None:
    assert troubles(far(made, used, *reports)) == ({"NextHopsUnverified"} if expected else set())


def test_it_is_looked_at_again_when_the_time_is_over() -> None:
    assert plan(far(OLD, "2026-01-01T11:59:56Z")).again_s == 4  # as the first session is
    assert plan(far("2026-01-01T11:59:30Z", OLD)).again_s == 30


def test_a_condition_that_stands_is_not_taken_back_for_a_new_node() -> None:
    world = far(NEW, OLD)
    tor = next(iter(world.bgp_peers.values()))
    stands = Condition("NextHopsUnverified", "True", "NotConnected", "", OLD)
    tor = replace(tor, conditions=(*tor.conditions, stands))
    world = replace(world, bgp_peers=dict.fromkeys(world.bgp_peers, tor))
    assert troubles(world) == {"NextHopsUnverified"}


@pytest.mark.parametrize(("made", "expected"), [(NEW, False), (OLD, True)])
def test_a_family_without_next_hops_is_none_until_agents_had_time(
    made: str, expected: bool
) -> None:
    bare = {NodeName("node1"): node("node1", internal_ips=(), created=made)}
    silent = {NodeName("node1"): Announcer(NodeName("node1"))}
    found = troubles(replace(far(OLD, OLD), nodes=bare, announcers=silent))
    assert found == ({"NextHopsMissing"} if expected else set())
