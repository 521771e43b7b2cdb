"""Nodes that live and execute nothing."""

from dataclasses import replace

from manager.planner.nodes.silence import silent
from manager.snapshot import NodeName
from pointsman.model.liveness import Liveness
from tests.manager.planner.scene import scene


def test_who_is_not_heard_though_it_lives_is_named_in_order_and_nobody_else() -> None:
    seen = replace(
        scene(),
        liveness={
            NodeName("node3"): Liveness.NodeHung,
            NodeName("node2"): Liveness.Dead,
            NodeName("node1"): Liveness.AgentSilent,
        },
    )
    assert list(silent(seen).items()) == [
        ("node1", "the agent of node1 is silent"),
        ("node3", "node3 hangs: its kernel answers, and no program on it does"),
    ]
