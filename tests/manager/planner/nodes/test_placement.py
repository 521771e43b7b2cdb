"""Who carries a Service: docs/concepts.md, its table and the guard of the drain."""

import pytest

from manager.planner.nodes.eligible import nodes_for
from manager.planner.nodes.placement import candidates, place
from manager.planner.nodes.serving import NOTHING, serving
from manager.snapshot import TrafficPolicy
from pointsman.model.address import Family
from tests.manager.planner.scene import endpoints, scene

ALL_DRAIN = "node1 drained, node2 drained, node3 drained"
ALL_LABELLED = "node1 labelled, node2 labelled, node3 labelled"
ALL_DEAD = "node1 dead, node2 dead, node3 dead"


@pytest.mark.parametrize(
    ("policy", "marks", "serves", "carry", "drain_deferred"),
    [
        pytest.param("Cluster", "", "node1", "123", False, id="Cluster takes every eligible node"),
        pytest.param("Local", "", "node1", "1", False, id="Local keeps to nodes with an endpoint"),
        pytest.param("Cluster", "", "", "", False, id="nothing serves: withdrawn"),
        pytest.param("Local", "", "", "", False, id="nothing serves: withdrawn for Local too"),
        pytest.param("Cluster", "", "-", "123", False, id="without nodeName counts for Cluster"),
        pytest.param("Local", "", "-", "", False, id="without nodeName never counts for Local"),
        pytest.param(
            "Cluster",
            "node1 labelled",
            "node1",
            "23",
            False,
            id="the endpoint's node need not be eligible for Cluster",
        ),
        pytest.param("Local", "node1 labelled", "node1", "", False, id="for Local it must"),
        pytest.param(
            "Cluster", "node1 lost", "node1", "", False, id="nor one on a node found dead"
        ),
        pytest.param("Local", "node1 hung", "node1 node2", "2", False, id="a hung node leaves"),
        pytest.param(
            "Local",
            "node1 hung, node2 hung",
            "node1 node2",
            "",
            False,
            id="for Local hung nodes leave, however many",
        ),
        pytest.param(
            "Cluster",
            "node1 hung, node2 hung",
            "node1 node2",
            "123",
            False,
            id="for Cluster they stay when half or more hang",
        ),
        pytest.param(
            "Local",
            "node1 hung drained, node2 drained, node3 drained",
            "node1",
            "",
            False,
            id="the last one of a drain does not stay where it hangs",
        ),
        pytest.param("Local", "node1 mute", "node1", "1", False, id="a silent agent stays"),
        pytest.param(
            "Cluster", "node1 dead", "node1", "", False, id="an endpoint on a dead node serves none"
        ),
        pytest.param("Cluster", "node1 drained", "node1", "23", False, id="a drained node leaves"),
        pytest.param(
            "Local",
            "node1 drained",
            "node1 node2",
            "2",
            False,
            id="a drained node leaves while another has an endpoint",
        ),
        pytest.param("Local", "node1 drained", "node1", "1", True, id="the last one stays"),
        pytest.param("Cluster", ALL_DRAIN, "node1", "123", True, id="all drain: all stay"),
        pytest.param("Cluster", ALL_DEAD, "node1", "", False, id="all out of service: withdrawn"),
        pytest.param("Cluster", ALL_LABELLED, "node1", "", False, id="all labelled: nobody"),
        pytest.param(
            "Cluster",
            "node1 drained, node2 labelled, node3 labelled",
            "node1",
            "1",
            True,
            id="the last that drains stays when the others are excluded",
        ),
        pytest.param(
            "Cluster",
            "node1 drained dead, node2 drained, node3 dead",
            "node2",
            "2",
            True,
            id="a dead node is never kept",
        ),
        pytest.param(
            "Local",
            "node2 drained",
            "node1:terminating node2",
            "1",
            False,
            id="terminating on a staying node outweighs ready on a draining one",
        ),
    ],
)
def test_carriers(
    policy: TrafficPolicy, marks: str, serves: str, carry: str, drain_deferred: bool
) -> None:
    found = serving([endpoints("a/web", serves)])
    where = found.get(Family.IPV4, NOTHING)
    placement = place(policy, nodes_for(scene(marks=marks), None), where)
    carriers = "".join(sorted(name[-1] for name in placement.carriers))
    assert (carriers, placement.drain_deferred) == (carry, drain_deferred)


def clauses(policy: TrafficPolicy, marks: str, serves: str) -> dict[str, str]:
    nodes = nodes_for(scene(marks=marks), None)
    where = serving([endpoints("a/web", serves)])[Family.IPV4]
    placement = place(policy, nodes, where)
    return {
        one.node: one.excluded_by or (f"despite: {one.despite}" if one.despite else "carries")
        for one in candidates(nodes, placement)
    }


def test_every_candidate_has_its_reason() -> None:
    assert clauses("Local", "node1 labelled, node2 drained", "node2 node3") == {
        "node1": "node1 has the label node.kubernetes.io/exclude-from-external-load-balancers",
        "node2": "node2 is drained by its annotation pointsman.dev/drain",
        "node3": "carries",
    }
    assert clauses("Local", "", "node1")["node2"] == "node2 has no endpoint that serves"


def test_what_speaks_against_a_carrier_stands_beside_it() -> None:
    drained = "is drained by its annotation pointsman.dev/drain"
    assert clauses("Cluster", ALL_DRAIN, "node1")["node1"] == f"despite: node1 {drained}"
    assert clauses("Cluster", "node1 unready, node2 unready", "node1") == {
        "node1": "despite: node1 is not Ready",
        "node2": "despite: node2 is not Ready",
        "node3": "carries",
    }
