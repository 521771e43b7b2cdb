"""Paths of several Services joined: order decides nothing, decisions beat what is kept."""

from ipaddress import ip_address, ip_network
from itertools import permutations

import pytest

from manager.planner.bgp.paths import Paths
from pointsman.model.route import PathAttributes, PeerName, Route, RouteKey


def key(hop: str = "192.0.2.11", prefix: str = "198.51.100.0/32") -> RouteKey:
    return RouteKey(ip_network(prefix), ip_address(hop))


def route(peers: str = "a", weight: int | None = None, med: int | None = None) -> Route:
    return Route(PathAttributes(weight=weight, med=med), frozenset(map(PeerName, peers.split())))


def joined(*parts: dict[RouteKey, Route]) -> dict[RouteKey, Route]:
    """All parts decided, in every order, which must not matter."""
    found = []
    for order in permutations(parts):
        paths = Paths()
        for part in order:
            paths.decide(part)
        found.append(list(paths.all().items()))
    assert all(one == found[0] for one in found)
    return dict(found[0])


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
    assert joined({key(): one}, {key(): other}) == {key(): expected}


def test_all_paths_of_a_prefix_have_weights_or_none() -> None:
    far = key("192.0.2.12")
    elsewhere = key(prefix="198.51.100.1/32")
    found = joined(
        {key(): route("a", 1), far: route("a", 2)}, {key(): route("a")}, {elsewhere: route("a", 7)}
    )
    assert [one.attributes.weight for one in found.values()] == [None, None, 7]


def test_what_is_decided_beats_what_is_kept() -> None:
    paths = Paths()
    paths.retain({key(): route("old", med=1), key("192.0.2.12"): route("old", med=1)})
    paths.decide({key(): route("new", med=2)})
    assert paths.all() == {key(): route("new", med=2), key("192.0.2.12"): route("old", med=1)}
