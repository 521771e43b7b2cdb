"""What stands in a spec of routes and of watched prefixes, read entry by entry."""

from ipaddress import ip_network
from typing import Any

import pytest

from pointsman.api import AnnouncerSpec
from pointsman.model.assignment import MOST_UNREACHABLE, MOST_WATCHED, Unreachable
from pointsman.wire.asked_prefixes import (
    read_prefix,
    unreachable_entry,
    unreachable_in,
    watched_in,
)

FOUR, SIX = ip_network("198.51.100.0/24"), ip_network("2001:db8:100::/64")
ROUTES = (Unreachable(FOUR, True), Unreachable(SIX, False))
NO_PREFIXES: tuple[Any, ...] = (
    *("", "/", "198.51.100.0", "198.51.100.7/24", "198.51.100.0/33", "198.51.100.0/024"),
    *("198.51.100.0-198.51.100.9", "::ffff:192.0.2.0/120", "fe80::1%eth0/64", 7, None, [], {}),
)


def test_what_the_models_of_the_api_write_is_read() -> None:
    listed = [unreachable_entry(one) for one in ROUTES]
    model = AnnouncerSpec.model_validate({"unreachable": listed, "watched": [str(FOUR), str(SIX)]})
    spec = model.model_dump(by_alias=True, mode="json", exclude_none=True)
    assert (unreachable_in(spec), watched_in(spec)) == (ROUTES, (FOUR, SIX))


@pytest.mark.parametrize("text", ["0.0.0.0/0", "::/0", "192.0.2.1/32", "2001:db8::1/128"])
def test_every_length_of_a_prefix_is_read(text: str) -> None:
    assert read_prefix(text) == ip_network(text)


def test_any_spelling_of_an_address_is_the_same_prefix() -> None:
    assert read_prefix("2001:DB8:0100::/64") == SIX


@pytest.mark.parametrize("bad", NO_PREFIXES)
def test_what_is_no_prefix_is_passed_over_alone(bad: Any) -> None:
    good = unreachable_entry(ROUTES[0])
    assert unreachable_in({"unreachable": [{**good, "prefix": bad}, good]}) == ROUTES[:1]
    assert watched_in({"watched": [bad, str(FOUR)]}) == (FOUR,)


@pytest.mark.parametrize("bad", [None, "text", {}, {"prefix": str(SIX)}])
def test_what_is_no_route_is_passed_over_alone(bad: Any) -> None:
    assert unreachable_in({"unreachable": [bad, unreachable_entry(ROUTES[0])]}) == ROUTES[:1]


@pytest.mark.parametrize("flag", ["true", 1, None])
def test_a_route_of_which_nobody_knows_who_picks_it_up_is_none(flag: Any) -> None:
    assert unreachable_in({"unreachable": [{"prefix": str(FOUR), "redistribute": flag}]}) == ()


@pytest.mark.parametrize("spec", [None, [], "text", {}, {"unreachable": {}, "watched": 7}])
def test_a_spec_of_another_shape_asks_for_nothing(spec: Any) -> None:
    assert (unreachable_in(spec), watched_in(spec)) == ((), ())


def test_of_two_with_one_prefix_the_first_stands() -> None:
    twice = [unreachable_entry(Unreachable(FOUR, flag)) for flag in (False, True)]
    assert unreachable_in({"unreachable": twice}) == (Unreachable(FOUR, False),)
    assert watched_in({"watched": [str(FOUR), str(SIX), str(FOUR)]}) == (FOUR, SIX)


def test_no_more_than_the_api_takes_is_read() -> None:
    many = [f"10.{n >> 8}.{n & 255}.0/24" for n in range(MOST_WATCHED + 1)]
    routes = [{"prefix": text, "redistribute": True} for text in many]
    assert len(unreachable_in({"unreachable": routes})) == MOST_UNREACHABLE
    assert len(watched_in({"watched": many})) == MOST_WATCHED
