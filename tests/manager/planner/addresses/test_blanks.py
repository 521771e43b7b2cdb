"""Blanks in the annotations with which users ask: around a text they are none of it."""

import pytest

from manager.snapshot import ServicePort
from pointsman.model.names import PREFIX, REQUESTS
from tests.manager.planner.addresses.addressing import cluster, eip, given, one, plan, service

POOLS = (eip("public", "198.51.100.0/29", default=True), eip("team", "203.0.113.0/29"))
SHARED, FIRST_FREE = "198.51.100.0", "198.51.100.1"
ASKS = {  # what else it needs, the text, and what follows from it
    "addresses": ({}, "198.51.100.5", "198.51.100.5"),
    "eip": ({}, "team", "203.0.113.0"),
    "share-key": ({"share-namespaces": "b"}, "web", SHARED),
    "share-namespaces": ({"share-key": "web"}, "b", SHARED),
}


def has(notes: dict[str, str]) -> str:
    """Return what Service a/1 is given beside b/2, which shares SHARED with namespace a."""
    terms = {"share-key": "web", "share-namespaces": "a"}
    https = (ServicePort("TCP", 443),)
    holder = service("b/2", SHARED, notes=terms, ports=https, created="2026-01")
    found = one(plan(cluster(holder, service("a/1", notes=notes), *POOLS)), "a/1")
    return " ".join(str(grant.address) for grant in found.grants)


def test_every_request_is_here() -> None:
    assert {PREFIX + name for name in ASKS} == set(REQUESTS)


@pytest.mark.parametrize("name", ASKS)
def test_blanks_around_a_text_change_nothing(name: str) -> None:
    rest, text, expected = ASKS[name]
    assert has({**rest, name: text}) == has({**rest, name: f" {text}\n"}) == expected


@pytest.mark.parametrize("name", ASKS)
def test_blanks_alone_ask_for_nothing(name: str) -> None:
    rest, _, _ = ASKS[name]
    assert has({**rest, name: " "}) == has(rest) == FIRST_FREE


def test_blanks_alone_are_no_key_that_two_have() -> None:
    two = [service(f"a/{n}", notes={"share-key": " "}, created=f"2026-0{n}") for n in (1, 2)]
    assert given(plan(cluster(*two, *POOLS))) == {"a/1": [SHARED], "a/2": [FIRST_FREE]}
