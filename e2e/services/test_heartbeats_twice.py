"""Two managers hear every agent, judge by themselves, and know of each other."""

import json

import pytest

from e2e import cluster
from e2e.bed import Bed
from e2e.leadership import holder, leader
from e2e.services.test_heartbeats import NODES, is_ready, verdicts
from e2e.witness import Witness
from lab.options import Options

pytestmark = pytest.mark.lab
MANAGERS = {"manager": "192.0.2.10", "manager2": "192.0.2.9"}


@pytest.fixture(scope="module")
def options() -> Options:
    return Options(managers=2)


def named(lab: Bed, node: str) -> dict[str, str]:
    """Return the managers that the agent of *node* is told to beat to, with their addresses."""
    spec = lab.api.get(f"{cluster.CRS}/announcers/{node}")["spec"]
    return {one["name"]: one["address"] for one in spec.get("managers", ())}


def heard_by_both(lab: Bed) -> None:
    lab.wait("both managers", lambda: all(named(lab, node) == MANAGERS for node in NODES))
    lab.wait(
        "heartbeats",
        lambda: all((verdicts(lab, n, m) or [""])[-1] == "Alive" for n in NODES for m in MANAGERS),
    )


def speaking(lab: Bed, address: str, node: str) -> set[str]:
    """Return whose speakers told the router about *node* as a next hop of *address*."""
    command = f"show bgp ipv4 unicast {address}/32 json"
    paths = json.loads(lab.exec("router", "vtysh", "-c", command)).get("paths", [])
    hop = f"192.0.2.1{node[-1]}"
    return {
        path["peer"]["peerId"] for path in paths if any(n["ip"] == hop for n in path["nexthops"])
    }


def test_both_withdraw_a_node_without_power(lab: Bed) -> None:
    cluster.make(lab, "web")
    address = cluster.settled(lab, "web")
    heard_by_both(lab)
    lab.wait("both speakers", lambda: len(speaking(lab, address, "node2")) == 2)
    lab.fail("node2")
    cluster.routed(lab, address, "13")
    assert speaking(lab, address, "node2") == set()
    assert is_ready(lab, "node2") == "True"
    assert {verdicts(lab, "node2", manager)[-1] for manager in MANAGERS} == {"Dead"}


def test_whoever_leads_afterwards_has_heard_all_along(lab: Bed) -> None:
    """The leader dies: the other names itself alone only when the first had time to be back."""
    cluster.make(lab, "web")
    address = cluster.settled(lab, "web")
    heard_by_both(lab)
    first = leader(lab)
    other = next(name for name in MANAGERS if name != first)
    before = {node: verdicts(lab, node, other) for node in NODES}
    with Witness(lab) as events:
        lab.fail(first)
        lab.wait("another leader", lambda: holder(lab) == other)
        cluster.judged(lab)
        assert all(named(lab, node) == MANAGERS for node in NODES)
        lab.heal(first)
        heard_by_both(lab)
    assert {node: verdicts(lab, node, other) for node in NODES} == before
    assert events.about(f"{address}/32") == []
