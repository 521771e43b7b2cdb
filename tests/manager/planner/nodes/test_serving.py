"""Where endpoints serve: docs/concepts.md, "Who carries the traffic"."""

from dataclasses import replace

import pytest

from manager.planner.nodes.serving import NOTHING, Serving, serving
from manager.snapshot import NodeName
from pointsman.model.address import Family
from tests.manager.planner.scene import endpoints

V4, V6 = Family.IPV4, Family.IPV6


def names(*found: str) -> frozenset[NodeName]:
    return frozenset(map(NodeName, found))


def of(*texts: str) -> Serving:
    slices = [endpoints("a/web", text, slice_name=f"s{n}") for n, text in enumerate(texts)]
    return serving(slices).get(V4, NOTHING)


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
    ("slices", "numbers"),
    [
        pytest.param(["node1@7", "node1@7 node2@8"], "node1:1 node2:1", id="in two slices"),
        pytest.param(["node1@7 node1@7"], "node1:1", id="twice in one slice"),
        pytest.param(["node1@7", "node2@7"], "node1:1 node2:1", id="one address on two nodes"),
        pytest.param(["node1@7", "node1@8"], "node1:2", id="two addresses on one node"),
        pytest.param(["node1", "node1"], "node1:2", id="without addresses nothing is known"),
        pytest.param(
            ["node1@7:terminating", "node1@7"], "node1:1", id="ready in the newer of two slices"
        ),
        pytest.param(["node1@7", "node1@7:unready"], "node1:1", id="whichever slice comes first"),
        pytest.param(
            ["node1@7:terminating", "node1@7:terminating"], "node1:1", id="terminating ones, too"
        ),
    ],
)
def test_the_same_endpoint_counts_once(slices: list[str], numbers: str) -> None:
    for order in (slices, slices[::-1]):
        counts = of(*order).counts(names("node1", "node2"))
        assert " ".join(f"{n}:{c}" for n, c in sorted(counts.items())) == numbers


def test_an_endpoint_that_is_ready_in_one_slice_is_no_terminating_one_besides() -> None:
    found = of("node1@7:terminating", "node1@7")
    assert (found.ready, found.draining) == (names("node1"), names())


@pytest.mark.parametrize("order", [1, -1])
def test_a_slice_without_ports_serves_nothing_beside_one_that_has_some(order: int) -> None:
    bare = replace(endpoints("a/web", "node1@7 node2@8"), has_ports=False)
    slices = [bare, endpoints("a/web", "node1@7", slice_name="two")]
    found = serving(slices[::order])[V4]
    assert (found.ready, dict(found.numbers)) == (names("node1"), {"node1": 1})


@pytest.mark.parametrize(
    ("text", "portless"), [("node1", True), ("-:terminating", True), ("node1:unready", False)]
)
def test_only_what_would_serve_is_missed_for_its_ports(text: str, portless: bool) -> None:
    bare = replace(endpoints("a/web", text), has_ports=False)
    assert serving([bare])[V4].portless is portless


@pytest.mark.parametrize(
    ("text", "dead", "anywhere"),
    [
        pytest.param("node1", "", True, id="a ready endpoint"),
        pytest.param("node1", "node1", False, id="on a dead node it does not serve"),
        pytest.param("node1 node2", "node1", True, id="another node lives"),
        pytest.param("gone", "", False, id="on a Node that does not exist it does not, either"),
        pytest.param("gone:terminating", "", False, id="nor does one that terminates there"),
        pytest.param("gone node2", "", True, id="one on another Node does"),
        pytest.param("-", "node1 node2", True, id="without nodeName it may be anywhere"),
        pytest.param("node1:terminating", "", True, id="terminating, as the last one"),
        pytest.param("node1:terminating", "node1", False, id="terminating on a dead node"),
        pytest.param("-", "node1", True, id="without nodeName it counts"),
        pytest.param("-:terminating", "", True, id="without nodeName, terminating, the last one"),
        pytest.param("-:unready", "", False, id="without nodeName and unready"),
        pytest.param("", "", False, id="no endpoint at all"),
    ],
)
def test_anywhere(text: str, dead: str, anywhere: bool) -> None:
    alive = names("node1", "node2") - names(*dead.split())
    assert of(text).anywhere(alive) is anywhere


def test_families_are_weighed_apart() -> None:
    both = [endpoints("a/web", "node1"), endpoints("a/web", "node2", family=V6)]
    found = serving(both)
    assert (found[V4].ready, found[V6].ready) == (names("node1"), names("node2"))


def test_services_that_serve_in_the_same_places_share_one_value() -> None:
    """Ten thousand Services on ten nodes have few places between them."""
    one = serving([endpoints("a/web", "node1@1 node2@2 node1@3:terminating")])[V4]
    other = serving([endpoints("b/shop", "node2@5 node1@4 node1@6:terminating")])[V4]
    assert one is other
    assert one is not serving([endpoints("b/shop", "node1@4 node2@5")])[V4]
