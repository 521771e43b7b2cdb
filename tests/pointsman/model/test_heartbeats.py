"""How often agents send, by how many there are."""

import pytest

from pointsman.model.heartbeats import LONGEST_INTERVAL_S, MOST_BEATS_S, interval_s


@pytest.mark.parametrize(
    ("agents", "expected_s"), [(0, 0.1), (1, 0.1), (500, 0.1), (1000, 0.2), (5000, 1.0)]
)
def test_the_interval_is_stretched_beyond_so_many_agents(agents: int, expected_s: float) -> None:
    assert interval_s(agents) == pytest.approx(expected_s)


def test_a_manager_never_hears_more_than_it_can() -> None:
    for agents in (1, 499, 501, 3000, 10_000):
        assert agents / interval_s(agents) <= MOST_BEATS_S + 1e-6
    assert interval_s(10**9) == LONGEST_INTERVAL_S
