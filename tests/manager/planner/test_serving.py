"""Where endpoints serve: product.md section 3, first paragraph."""

import pytest

from manager.planner.serving import NOTHING, Serving, serving
from manager.snapshot import NodeName, ServiceKey
from pointsman.model.address import Family
from tests.manager.planner.scene import endpoints

V4, V6 = Family.IPV4, Family.IPV6


def names(*found: str) -> frozenset[NodeName]:
    return frozenset(map(NodeName, found))


def of(*texts: str) -> Serving:
    slices = [endpoints("a/web", text, slice_name=f"s{n}") for n, text in enumerate(texts)]
    return serving(slices).get((ServiceKey("a/web"), V4), NOTHING)


@pytest.mark.parametrize(
    ("slices", "eligible", "on"),
    [
        pytest.param(["node1"], "node1 node2", ["node1"], id="ready serves"),
        pytest.param(["node1:silent"], "node1", ["node1"], id="ready absent serves"),
        pytest.param(["node1:unready"], "node1", [], id="unready does not serve"),
        pytest.param(["node1:gone"], "node1", [], id="terminating and not serving does not"),
        pytest.param(
            ["node1:terminating"], "node1", ["node1"], id="the last one, terminating, still serves"
        ),
        pytest.param(
            ["node1:terminating node2"],
            "node1 node2",
            ["node2"],
            id="terminating does not count beside a ready one",
        ),
        pytest.param(
            ["node1:terminating node2"],
            "node1",
            ["node1"],
            id="a ready one on a node that is not eligible does not outweigh it",
        ),
        pytest.param(
            ["node1:terminating", "node2"],
            "node1 node2",
            ["node2"],
            id="slices are weighed together, not one by one",
        ),
        pytest.param(["", "node1"], "node1", ["node1"], id="an empty slice takes nothing away"),
        pytest.param(["node1", "node2"], "node1 node2", ["node1", "node2"], id="slices add up"),
        pytest.param(["-"], "node1", [], id="without nodeName it is on no node"),
        pytest.param(["node1:unready node1"], "node1", ["node1"], id="one of two on a node serves"),
    ],
)
def test_on(slices: list[str], eligible: str, on: list[str]) -> None:
    assert of(*slices).on(names(*eligible.split())) == names(*on)


@pytest.mark.parametrize(
    ("text", "dead", "anywhere"),
    [
        pytest.param("node1", "", True, id="a ready endpoint"),
        pytest.param("node1", "node1", False, id="on a dead node it does not serve"),
        pytest.param("node1 node2", "node1", True, id="another node lives"),
        pytest.param("node1:terminating", "", True, id="terminating, as the last one"),
        pytest.param("node1:terminating", "node1", False, id="terminating on a dead node"),
        pytest.param("-", "node1", True, id="without nodeName it counts"),
        pytest.param("-:terminating", "", True, id="without nodeName, terminating, the last one"),
        pytest.param("-:unready", "", False, id="without nodeName and unready"),
        pytest.param("", "", False, id="no endpoint at all"),
    ],
)
def test_anywhere(text: str, dead: str, anywhere: bool) -> None:
    assert of(text).anywhere(names(*dead.split())) is anywhere


def test_families_are_weighed_apart() -> None:
    both = [endpoints("a/web", "node1"), endpoints("a/web", "node2", family=V6)]
    found = serving(both)
    key = ServiceKey("a/web")
    assert (found[key, V4].ready, found[key, V6].ready) == (names("node1"), names("node2"))


def test_a_slice_belongs_to_the_service_of_its_own_namespace() -> None:
    assert list(serving([endpoints("b/web", "node1")])) == [("b/web", V4)]


def test_a_slice_without_a_service_is_nobodys() -> None:
    assert not serving([endpoints("a/", "node1")])
