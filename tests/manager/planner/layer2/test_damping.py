"""Addresses that moved too often stay where they can be served, and nowhere else."""

from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import pytest

from manager.planner.plan import plan
from manager.snapshot import NodeName, Snapshot
from pointsman.model.liveness import Liveness
from tests.manager.planner.addresses.addressing import service
from tests.manager.planner.layer2.lan import (
    FIRST,
    agent,
    agents,
    announced,
    by,
    lan,
    planned,
    settled,
    standing_at,
)
from tests.manager.planner.scene import endpoints, nodes

LOCAL = service("a/web", policy="Local")
ALIVE = {NodeName("node1"): Liveness.Alive}


def at_node1(*, policy: str = "Cluster", at: str = "node1 node2 node3") -> Snapshot:
    """A Service whose address node1 has."""
    web = service("a/web", policy=policy)
    drawn = agents(standing_at("node1", FIRST))
    seen, _ = settled(lan(web, endpoints("a/web", at), announcers=drawn))
    assert planned(plan(seen)) == {FIRST: ["node1/eth0"]}
    return seen


def damped(seen: Snapshot) -> Snapshot:
    return replace(seen, damped=frozenset({ip_address(FIRST)}))


@pytest.mark.parametrize(
    ("change", "stays"),
    [
        pytest.param({"nodes": nodes("node1 drained")}, True, id="drained"),
        pytest.param({"nodes": nodes("node1 unready"), "liveness": ALIVE}, True, id="not Ready"),
        pytest.param({"nodes": nodes("node1 unready")}, False, id="not Ready, and not heard"),
        pytest.param({"nodes": nodes("node1 labelled")}, False, id="excluded"),
        *(
            pytest.param({"liveness": {NodeName("node1"): one}}, False, id=one)
            for one in (
                Liveness.Dead,
                Liveness.AgentSilent,
                Liveness.NodeHung,
                Liveness.LinkDown,
            )
        ),
    ],
)
def test_it_stays_while_packets_get_through(change: dict[str, Any], stays: bool) -> None:
    turned = replace(at_node1(), **change)
    assert planned(plan(turned)) != {FIRST: ["node1/eth0"]}  # it would move
    decided = plan(damped(turned))
    assert (planned(decided) == {FIRST: ["node1/eth0"]}) is stays
    if stays:
        assert announced(decided).startswith("True Announced")
        assert "stays at node1 for up to three minutes" in announced(decided)
        assert by(decided) == "node1/eth0"


def test_an_interface_that_is_down_or_reaches_nobody_loses_it() -> None:
    seen = damped(at_node1())
    down = {**seen.announcers, NodeName("node1"): standing_at("node1", FIRST, up=False)}
    assert "node1/eth0" not in planned(plan(replace(seen, announcers=down))).get(FIRST, [])
    cut = replace(seen, links_down={NodeName("node1"): frozenset({"eth0"})})
    assert "node1/eth0" not in planned(plan(cut)).get(FIRST, [])


def test_local_leaves_a_node_without_an_endpoint_however_often_it_moved() -> None:
    seen = damped(at_node1(policy="Local"))
    elsewhere = lan(LOCAL, endpoints("a/web", "node2")).endpoint_slices
    assert planned(plan(replace(seen, endpoint_slices=elsewhere))) == {}
    drained = plan(replace(seen, nodes=nodes("node1 drained")))
    assert planned(drained) == {FIRST: ["node1/eth0"]}


def test_it_moves_when_the_time_is_over_and_the_note_goes() -> None:
    turned = replace(at_node1(), nodes=nodes("node1 drained"))
    decided = plan(damped(turned))
    assert "for up to three minutes" in announced(decided)
    _, decided = settled(turned)
    assert planned(decided) != {FIRST: ["node1/eth0"]}
    assert "three minutes" not in announced(decided)


def test_nothing_is_said_of_one_that_need_not_move() -> None:
    seen = at_node1()
    assert announced(plan(damped(seen))) == announced(plan(seen))


def test_one_that_nobody_has_is_elected_as_ever() -> None:
    seen, _ = settled(damped(lan(announcers=agents(agent("node1")))))
    assert planned(plan(seen)).keys() == {FIRST}
