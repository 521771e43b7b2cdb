"""Paths of several Services joined: order decides nothing, all of a prefix have weights or none."""

from ipaddress import ip_address
from itertools import permutations

import pytest

from manager.planner.bgp.paths import together
from pointsman.model.hops import Hop, Hops
from pointsman.model.route import PathAttributes, PeerName, Route

HERE: Hop = (ip_address("192.0.2.11"), 0)
FAR: Hop = (ip_address("192.0.2.12"), 0)


def route(peers: str = "a", weight: int | None = None, med: int | None = None) -> Route:
    return Route(PathAttributes(weight=weight, med=med), frozenset(map(PeerName, peers.split())))


def joined(*parts: Hops) -> Hops:
    """All parts together, in every order, which must not matter."""
    found = [together(order) for order in permutations(parts)]
    assert all(one == found[0] for one in found)
    return found[0]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        pytest.param(route("a"), route("a"), route("a"), id="equal paths are one"),
        pytest.param(route("a"), route("b"), route("a b"), id="routers are joined"),
        pytest.param(route("a", 2), route("a", 3), route("a", 5), id="shares add up"),
        pytest.param(route("a", 2), route("a", 2), route("a", 4), id="equal shares, too"),
        pytest.param(route("a", 2), route("a"), route("a"), id="no share takes the other"),
        pytest.param(route("a", 60_000), route("a", 60_000), route("a", 65_535), id="16 bits"),
    ],
)
def test_one_path_of_two_services(one: Route, other: Route, expected: Route) -> None:
    assert joined({HERE: one}, {HERE: other}) == {HERE: expected}


def test_the_shares_of_services_that_are_alike_add_up_too() -> None:
    alike = {HERE: route("a", 2)}
    assert together([alike, alike, alike]) == {HERE: route("a", 6)}


def test_all_paths_of_a_prefix_have_weights_or_none() -> None:
    found = joined({HERE: route("a", 1), FAR: route("a", 2)}, {HERE: route("a")})
    assert [one.attributes.weight for one in found.values()] == [None, None]


def test_what_services_want_alike_stays_the_object_that_it_is() -> None:
    alike = {HERE: route("a"), FAR: route("a")}
    assert together([alike, dict(alike), alike]) is alike
