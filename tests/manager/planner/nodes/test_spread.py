"""`nextHops.maxPaths`: capped, spread over zones, and stable."""

from collections import Counter
from ipaddress import ip_network

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from manager.planner.nodes.spread import spread
from manager.snapshot import NodeName

PREFIX = ip_network("198.51.100.7/32")
ZONES = st.dictionaries(
    st.integers(1, 40).map("node{}".format), st.sampled_from(["a", "b", "c", ""]), min_size=1
)


def chosen(zones: dict[str, str], limit: int, prefix: str = "198.51.100.7/32") -> frozenset[str]:
    named = {NodeName(name): zone for name, zone in zones.items()}
    return frozenset(spread(ip_network(prefix), named, zones=named, limit=limit))


@given(ZONES, st.integers(1, 12))
def test_as_many_as_there_may_be_and_no_zone_has_two_more_than_it_must(
    zones: dict[str, str], limit: int
) -> None:
    found = chosen(zones, limit)
    assert len(found) == min(limit, len(zones))
    taken, there = Counter(zones[name] for name in found), Counter(zones.values())
    most = max(taken.values())
    assert all(taken[zone] >= min(most - 1, there[zone]) for zone in there)


@given(ZONES, st.integers(1, 12), st.data())
def test_losing_a_node_replaces_one_path_if_it_had_one_and_none_otherwise(
    zones: dict[str, str], limit: int, data: st.DataObject
) -> None:
    lost = data.draw(st.sampled_from(sorted(zones)))
    before = chosen(zones, limit)
    after = chosen({name: zone for name, zone in zones.items() if name != lost}, limit)
    if lost not in before:
        assert after == before
    else:
        assert before - after == {lost}
        assert len(after - before) == (1 if len(zones) > limit else 0)


@given(ZONES, st.integers(1, 12), st.sampled_from(["a", "b", "d"]))
def test_a_node_that_joins_takes_one_place_at_most(
    zones: dict[str, str], limit: int, zone: str
) -> None:
    assume("node99" not in zones)
    before, after = chosen(zones, limit), chosen({**zones, "node99": zone}, limit)
    assert after - before <= {"node99"}
    assert len(before - after) <= 1


@given(ZONES, st.integers(1, 12))
def test_the_order_of_nodes_decides_nothing(zones: dict[str, str], limit: int) -> None:
    assert chosen(zones, limit) == chosen(dict(reversed(zones.items())), limit)


def test_prefixes_choose_differently_so_that_all_nodes_work() -> None:
    zones = {f"node{n}": "" for n in range(10)}
    used = Counter(
        name for n in range(200) for name in chosen(zones, 2, prefix=f"198.51.100.{n}/32")
    )
    assert set(used) == set(zones)
    assert max(used.values()) < 3 * min(used.values())


@pytest.mark.parametrize("limit", [3, 4, 300])
def test_a_limit_that_is_not_reached_takes_nobody_away(limit: int) -> None:
    assert chosen({"node1": "a", "node2": "a", "node3": "a"}, limit) == {"node1", "node2", "node3"}
