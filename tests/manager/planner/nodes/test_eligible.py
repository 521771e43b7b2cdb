"""Which nodes may carry: docs/concepts.md, the rules of "eligible", one by one."""

import pytest

from manager.planner.nodes.eligible import nodes_for
from manager.snapshot import Settings
from pointsman.api import LabelSelector
from tests.manager.planner.scene import OUT, nodes, scene

ONLY_OUT = Settings(drain_taints=frozenset({OUT}))
NONE = Settings(drain_taints=frozenset())


def numbers(names: object) -> str:
    assert hasattr(names, "__iter__")
    return "".join(sorted(str(name)[-1] for name in names))


@pytest.mark.parametrize(
    ("marks", "eligible", "draining"),
    [
        pytest.param("", "123", "", id="sound nodes are eligible"),
        pytest.param("node1 labelled", "23", "", id="the exclude label excludes, without a value"),
        pytest.param("node1 offline", "23", "", id="NetworkUnavailable excludes"),
        pytest.param("node1 dead", "23", "", id="out of service excludes, it does not drain"),
        pytest.param("node1 drained", "23", "1", id="the annotation drains"),
        pytest.param("node1 leaving", "23", "1", id="a drain taint drains"),
        pytest.param("node1 sick", "23", "1", id="a failing service proxy counts as draining"),
        pytest.param("node1 cordoned", "123", "", id="a bare cordon is not a drain"),
        pytest.param("node1 labelled drained", "23", "", id="excluded comes before draining"),
        pytest.param("node1 drained dead", "23", "", id="dead comes before draining"),
        pytest.param("node1 unready", "23", "", id="not Ready excludes while half remain"),
        pytest.param("node1 unknown", "23", "", id="Unknown is not Ready"),
        pytest.param("node1 unready, node2 unready", "123", "", id="two of three: ignored"),
        pytest.param(
            "node1 unknown, node2 unknown, node3 unknown", "123", "", id="all at once: ignored"
        ),
        pytest.param(
            "node1 unready, node2 labelled", "3", "", id="one of the two left is half: it counts"
        ),
        pytest.param(
            "node1 unready, node2 labelled, node3 dead", "1", "", id="the only one: ignored"
        ),
        pytest.param(
            "node1 unready, node2 unready, node3 drained",
            "12",
            "3",
            id="the half is of the otherwise eligible: one that drains is none of them",
        ),
        pytest.param(
            "node1 unready, node2 drained, node3 drained",
            "1",
            "23",
            id="the only one that does not drain is none to lose",
        ),
        pytest.param("node1 drained unready", "23", "", id="draining and not Ready: excluded"),
        pytest.param(
            "node1 drained unready, node2 drained, node3 drained",
            "",
            "23",
            id="where all drain, one that is not Ready is none of the last",
        ),
        pytest.param(
            "node1 drained unknown, node2 drained unknown, node3 drained unknown",
            "",
            "123",
            id="where all drain and none is Ready, all may be kept",
        ),
        pytest.param("node1 dead, node2 dead, node3 dead", "", "", id="nobody is left"),
        pytest.param("node1 lost", "23", "", id="found dead by heartbeats"),
        pytest.param("node1 lost, node2 lost", "3", "", id="dead is dead, however many"),
        pytest.param("node1 drained lost", "23", "", id="found dead comes before draining"),
        pytest.param("node1 returning", "23", "1", id="back from the dead, not steadily yet"),
        pytest.param(
            "node1 returning unknown, node2 lost, node3 lost", "", "1", id="better than nobody"
        ),
        pytest.param("node1 returning unready", "23", "", id="it does not outweigh False"),
        pytest.param("node1 hung", "23", "", id="one that hangs leaves"),
        pytest.param("node1 hung, node2 hung", "123", "", id="while half remain"),
        pytest.param("node1 cut", "23", "", id="one without gateways leaves"),
        pytest.param("node1 cut, node2 cut, node3 cut", "123", "", id="a gateway died: ignored"),
        pytest.param("node1 mute", "123", "", id="an agent alone is silent: nothing follows"),
        pytest.param("node1 heard unknown", "123", "", id="a heartbeat outweighs Unknown"),
        pytest.param("node1 heard unready", "23", "", id="a heartbeat does not outweigh False"),
        pytest.param("node1 mute unknown", "23", "", id="a silent agent outweighs nothing"),
    ],
)
def test_nodes(marks: str, eligible: str, draining: str) -> None:
    found = nodes_for(scene(marks=marks), None)
    assert (numbers(found.eligible), numbers(found.draining)) == (eligible, draining)
    # Every node is in exactly one of the three.
    assert numbers([*found.eligible, *found.draining, *found.excluded]) == "123"


@pytest.mark.parametrize(
    ("settings", "eligible"),
    [
        pytest.param(ONLY_OUT, "123", id="a taint that --drain-taints leaves out"),
        pytest.param(NONE, "123", id="no drain taint at all"),
    ],
)
def test_drain_taints_are_a_setting(settings: Settings, eligible: str) -> None:
    found = nodes_for(scene(marks="node1 leaving", settings=settings), None)
    assert numbers(found.eligible) == eligible


def test_out_of_service_excludes_whatever_the_drain_taints_are() -> None:
    found = nodes_for(scene(marks="node1 dead", settings=NONE), None)
    assert (numbers(found.eligible), numbers(found.dead)) == ("23", "1")


def test_a_node_found_dead_serves_nothing() -> None:
    found = nodes_for(scene(marks="node1 lost, node2 mute, node3 hung"), None)
    assert (numbers(found.dead), numbers(found.alive)) == ("1", "23")


def test_only_the_word_true_drains() -> None:
    some = nodes()
    for word, name in zip(("false", "", "True"), list(some), strict=True):
        some[name].annotations["pointsman.dev/drain"] = word  # type: ignore[index]
    assert numbers(nodes_for(scene(nodes=some), None).eligible) == "123"


def test_the_nodeselector_of_the_eip_excludes_and_the_half_is_counted_within() -> None:
    rack2 = LabelSelector(match_labels={"rack": "2"})
    found = nodes_for(scene(marks="node1 rack2, node2 rack2"), rack2)
    assert (numbers(found.eligible), numbers(found.excluded)) == ("12", "3")
    assert found.excluded[next(iter(found.excluded))] == (
        "node3 does not match the Eip's nodeSelector"
    )


@pytest.mark.parametrize(
    ("marks", "clause"),
    [
        pytest.param("node1 unready", "node1 is not Ready", id="Ready False"),
        pytest.param("node1 unknown", "node1 is not known to be Ready", id="Ready Unknown"),
        pytest.param("node1 dead", f"node1 has the taint {OUT}", id="out of service"),
        pytest.param(
            "node1 lost", "node1 is dead: neither its agent nor its kernel answers", id="dead"
        ),
        pytest.param(
            "node1 hung",
            "node1 hangs: its kernel answers, and no program on it does",
            id="hangs",
        ),
        pytest.param(
            "node1 cut", "node1 reaches none of its gateways, as its agent says", id="no gateway"
        ),
        pytest.param(
            "node1 labelled",
            "node1 has the label node.kubernetes.io/exclude-from-external-load-balancers",
            id="label",
        ),
        pytest.param("node1 offline", "node1 has the condition NetworkUnavailable", id="network"),
        pytest.param(
            "node1 drained", "node1 is drained by its annotation pointsman.dev/drain", id="drain"
        ),
        pytest.param(
            "node1 leaving", "node1 is drained by its taint ToBeDeletedByClusterAutoscaler", id="ta"
        ),
        pytest.param(
            "node1 sick", "node1 reports that its service proxy is not healthy", id="proxy"
        ),
    ],
)
def test_each_rule_says_which_it_is(marks: str, clause: str) -> None:
    found = nodes_for(scene(marks=marks), None)
    assert list({**found.excluded, **found.draining}.values()) == [clause]


def test_what_is_ignored_has_its_clause() -> None:
    found = nodes_for(scene(marks="node1 unknown, node2 unready"), None)
    assert list(found.ignored.values()) == [
        "node1 is not known to be Ready",
        "node2 is not Ready",
    ]
