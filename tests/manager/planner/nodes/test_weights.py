"""`weighting: Endpoints`: shares that follow the endpoints, and do not twitch."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manager.planner.nodes.weights import step, weights
from manager.snapshot import NodeName


def weighed(text: str) -> str:
    """ "1 2 4" are the endpoints of node1, node2, node3; the answer reads alike."""
    counts = {NodeName(f"node{n}"): int(word) for n, word in enumerate(text.split(), 1)}
    found = weights({name: n for name, n in counts.items() if n}, frozenset(counts))
    return " ".join(str(found[name]) for name in counts) if found else "alike"


@pytest.mark.parametrize(
    ("endpoints", "expected"),
    [
        pytest.param("1 2 4", "1 2 4", id="small numbers are exact"),
        pytest.param("3 3 3", "3 3 3", id="equal numbers are equal shares"),
        pytest.param("10 11 9", "12 12 8", id="larger ones go in steps"),
        pytest.param("0 0 0", "alike", id="endpoints on no node in particular: no weights"),
        pytest.param("0 1 2", "1 16 32", id="a node without any carries next to nothing"),
        pytest.param("9999", "3072", id="there is a largest step"),
        pytest.param("0 9999", "1 49152", id="what is scaled up fits 16 bits"),
    ],
)
def test_weights(endpoints: str, expected: str) -> None:
    assert weighed(endpoints) == expected


def test_who_does_not_carry_has_no_weight() -> None:
    counts = {NodeName("node1"): 1, NodeName("node2"): 2}
    assert weights(counts, frozenset({NodeName("node2")})) == {"node2": 2}


@given(st.integers(1, 3000))
def test_a_step_is_off_by_a_quarter_at_most(count: int) -> None:
    assert 0.8 <= step(count) / count <= 1.25


@given(st.integers(1, 5000), st.integers(1, 5000))
def test_more_endpoints_never_weigh_less(one: int, other: int) -> None:
    assert (step(one) <= step(other)) or one > other


def test_a_pod_more_or_less_among_many_moves_few_routes() -> None:
    moves = sum(step(count) != step(count + 1) for count in range(8, 200))
    assert moves <= 10
