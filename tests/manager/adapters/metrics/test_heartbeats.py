"""What heartbeats are shown as."""

from manager.adapters.metrics.heartbeats import heartbeat_metrics, node_metrics
from manager.snapshot import NodeName, Snapshot
from pointsman.model.liveness import Liveness
from tests.manager.planner.scene import nodes

ONE, TWO = NodeName("node1"), NodeName("node2")


def test_datagrams_are_counted_by_what_became_of_them() -> None:
    family = heartbeat_metrics({"counted": 7, "forged": 1})
    assert family.name == "pointsman_heartbeats"
    assert {one.labels["result"]: one.value for one in family.samples} == {
        "counted": 7,
        "forged": 1,
    }


def test_every_node_is_counted_once_and_every_verdict_is_there() -> None:
    lives = {ONE: Liveness.Alive, TWO: Liveness.Dead, NodeName("gone"): Liveness.Dead}
    shown, frozen = node_metrics(
        Snapshot(nodes=nodes(), liveness=lives, frozen=("the cluster", "zone a"))
    )
    numbers = {one.labels["liveness"]: one.value for one in shown.samples}
    assert numbers.keys() == {one.value for one in Liveness}
    assert {name: number for name, number in numbers.items() if number} == {
        "Alive": 1,
        "Dead": 1,
        "Unknown": 1,
    }
    assert [one.value for one in frozen.samples] == [2]
