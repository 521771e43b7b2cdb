"""Where the guards meet: every cluster of three nodes, against the rules said once more.

The rules of docs/concepts.md as an oracle of ranks, which shares nothing with the sets of
`eligible.py` and `placement.py`: who must not, who had better not, who would rather not.
"""

from collections.abc import Iterator, Mapping
from itertools import product

import pytest

from manager.planner.nodes.eligible import nodes_for
from manager.planner.nodes.placement import candidates, place
from manager.planner.nodes.serving import NOTHING, serving
from manager.snapshot import TrafficPolicy
from pointsman.model.address import Family
from tests.manager.planner.scene import NODES, endpoints, scene

STATES = (
    "",
    "unready",
    "offline",
    "drained",
    "drained unknown",
    "drained offline",
    "labelled",
    "dead",
)
ENDS = ("none", "ready", "terminating")

World = Mapping[str, str]  # node → its marks, or its endpoint


def carries(states: World, ends: World, policy: TrafficPolicy) -> set[str]:
    """Return who carries, by the words of the contract."""
    may = {n for n, marks in states.items() if "labelled" not in marks and "dead" not in marks}
    stays = {n for n in may if "drained" not in states[n]}
    well = {n for n in may if not {"unready", "unknown", "offline"} & set(states[n].split())}
    base = stays or may
    if 2 * len(base & well) >= len(base):
        may &= well  # what ails counts: enough are left without
    if not any(end != "none" and "dead" not in states[n] for n, end in ends.items()):
        return set()
    serve = {n for n in may if policy == "Cluster" or ends[n] == "ready"}
    if not serve & stays:
        serve |= {n for n in may if ends[n] == "terminating"}
    for group in (stays & well, well, stays, may):
        if best := serve & group:
            if group == stays & well:
                best = serve & stays
            ready = {n for n in best if ends[n] == "ready"}
            return best if policy == "Cluster" else ready or best
    return set()


def worlds() -> Iterator[tuple[World, World]]:
    for states in product(STATES, repeat=len(NODES)):
        for ends in product(ENDS, repeat=len(NODES)):
            yield dict(zip(NODES, states, strict=True)), dict(zip(NODES, ends, strict=True))


@pytest.mark.parametrize("policy", ["Cluster", "Local"])
def test_every_small_cluster_is_placed_as_the_contract_says(policy: TrafficPolicy) -> None:
    known, where, seen = None, {}, 0
    for states, ends in worlds():
        if states != known:
            known = states
            nodes = nodes_for(scene(marks=", ".join(f"{n} {m}" for n, m in states.items())), None)
        text = " ".join(
            n if end == "ready" else f"{n}:{end}" for n, end in ends.items() if end != "none"
        )
        if text not in where:
            found = serving([endpoints("a/web", text)])
            where[text] = found.get(Family.IPV4, NOTHING)
        placement = place(policy, nodes, where[text])
        assert set(placement.carriers) == carries(states, ends, policy), (states, ends)
        seen += 1
        if text == "node1 node2":
            _names_every_node(states, placement, candidates(nodes, placement))
    assert seen == len(STATES) ** 3 * len(ENDS) ** 3


def _names_every_node(states, placement, found) -> None:
    """Every node is named once; who does not carry has a reason, as has who might not."""
    assert [one.node for one in found] == list(NODES)
    for one in found:
        assert bool(one.excluded_by) is (one.node not in placement.carriers)
        if one.node in placement.carriers:
            assert bool(one.despite) is bool(states[one.node]), states


@pytest.mark.parametrize(
    ("marks", "serves", "carry"),
    [
        pytest.param(
            "node1 leaving, node2 unknown, node3 unready",
            "node1",
            "1",
            id="a Ready node that only drains is better than two that are not Ready",
        ),
        pytest.param(
            "node1 leaving, node2 offline, node3 offline",
            "node1",
            "1",
            id="or whose network is unavailable",
        ),
        pytest.param(
            "node1 offline, node2 offline, node3 offline",
            "node1",
            "123",
            id="the network of all is unavailable at once: ignored",
        ),
        pytest.param(
            "node1 offline, node2 unknown", "node1", "123", id="both kinds count into one half"
        ),
        pytest.param("node1 offline", "node1", "23", id="one of three is excluded"),
        pytest.param(
            "node1 drained unknown, node2 drained, node3 drained unknown",
            "node1",
            "2",
            id="where all drain, a Ready one is better, too",
        ),
    ],
)
def test_the_ranks_in_words(marks: str, serves: str, carry: str) -> None:
    where = serving([endpoints("a/web", serves)])[Family.IPV4]
    placement = place("Cluster", nodes_for(scene(marks=marks), None), where)
    assert "".join(sorted(name[-1] for name in placement.carriers)) == carry
