"""PureLB's ServiceGroups and LBNodeAgents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cli.migration import purelb
from tests.cli.migration.making import field, made_of, merged, nested, noted, refusals, theirs

V1, V2 = "purelb.io/v1", "purelb.io/v2"
FOUR = {"pool": "198.51.100.0/24", "subnet": "198.51.100.0/24"}
SIX = {"pool": "2001:db8::/120", "subnet": "2001:db8::/64", "aggregation": "default"}


def group(spec: object, name: str = "one") -> dict[str, Any]:
    return theirs("ServiceGroup", V2, spec, name, namespace="purelb-system")


def agent(spec: object) -> dict[str, Any]:
    return theirs("LBNodeAgent", V1, spec, "default")


@pytest.mark.parametrize(
    ("path", "value", "ours", "expected"),
    [
        ("spec.local.v4pool", FOUR, "addresses", ["198.51.100.0/24"]),
        ("spec.local.v6pool", SIX, "addresses", ["2001:db8::/120"]),
        ("spec.local.v4pools", [FOUR], "addresses", ["198.51.100.0/24"]),
        ("spec.local.v6pools", [SIX, SIX], "addresses", ["2001:db8::/120"]),
        ("spec.local.v4pools", [FOUR], "protocol", "layer2"),
        ("spec.remote.v4pool", FOUR, "protocol", None),
        ("spec.remote.v6pool", SIX, "bgp.aggregationLengthV6", 64),
        ("spec.remote.v4pools", [{**FOUR, "aggregation": "/28"}], "bgp.aggregationLength", 28),
        ("spec.remote.v6pools", [{**SIX, "aggregation": "/128"}], "bgp", None),
        ("spec.remote.v4pools", [FOUR], "bgp", None),
    ],
)
def test_a_pool_is_carried(path: str, value: Any, ours: str, expected: Any) -> None:
    made = made_of("purelb", group(nested(path, value)), protocol="bgp")
    found = field(made, "Eip", ours)
    assert (None if found == "bgp" else found) == expected
    assert noted(made, path) == ""
    assert refusals(made) == []


@pytest.mark.parametrize("kind", ["local", "remote"])
def test_a_pool_as_the_first_version_had_it(kind: str) -> None:
    spec = {kind: {**FOUR, "aggregation": "default"}}
    made = made_of("purelb", theirs("ServiceGroup", V1, spec), protocol="bgp")
    assert field(made, "Eip", "addresses") == ["198.51.100.0/24"]
    if kind == "remote":
        assert field(made, "Eip", "bgp.aggregationLength") == 24


def test_a_remote_group_stays_with_the_router_of_each_node() -> None:
    made = made_of("purelb", group({"remote": {"v4pool": FOUR}}))
    assert field(made, "Eip", "protocol") == "kernel"
    assert any("dummy-pointsman" in step for step in made.steps)
    made = made_of("purelb", group({"remote": {"v4pool": FOUR}}), protocol="bgp")
    assert any("BgpPeer for each" in note.text for note in made.notes)


def test_the_group_default_serves_who_names_none() -> None:
    spec = merged(nested("spec.local.v4pool", FOUR), {"namespaces": ["b", "a"]})
    made = made_of("purelb", group(spec, "default"))
    assert field(made, "Eip", "default", "default") is True
    assert field(made, "Eip", "namespaces", "default") == ["a", "b"]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("spec.local.extlbint", "kube-lb0"), ("spec.local.dummyInterface", "kube-lb0"),
        ("spec.local.sendgarp", True), ("spec.local.sendGARP", True),
        ("spec.local.garpConfig", {"count": 3}),
    ],
)  # fmt: skip
def test_what_an_agent_is_told_is_named(path: str, value: Any) -> None:
    assert noted(made_of("purelb", agent(nested(path, value))), path)


@pytest.mark.parametrize("name", ["localint", "localInterface"])
def test_an_interface_is_carried_and_a_pattern_named(name: str) -> None:
    one = group(nested("spec.local.v4pool", FOUR))
    made = made_of("purelb", one, agent({"local": {name: "eth1"}}))
    assert field(made, "Eip", "layer2.interface") == "eth1"
    made = made_of("purelb", one, agent({"local": {name: "default"}}))
    assert field(made, "Eip", "layer2") is None
    made = made_of("purelb", one, agent({"local": {name: "en(p|s).*[0-9]+$"}}))
    assert "pattern" in noted(made, "spec.local.localint")


def test_what_an_eip_cannot_say_is_named() -> None:
    both = {
        "local": {"v4pools": [FOUR, {**FOUR, "pool": "192.0.2.0/28", "aggregation": "default"}]},
        "remote": {"v6pool": SIX},
        "netbox": {"url": "x"},
    }
    made = made_of("purelb", group(both), theirs("Novelty", V2, {}), group({}, "empty"))
    words = " ".join(map(str, made.notes))
    for word in (
        "one protocol",
        "no prefix",
        "spec.source.netbox",
        "Novelty one",
        "ServiceGroup purelb-system/e",
    ):
        assert word in words
    assert field(made, "Eip", "protocol") == "layer2"


@pytest.mark.parametrize(
    ("pool", "words"),
    [
        ({**FOUR, "aggregation": "/x"}, "neither a length"),
        ({**FOUR, "subnet": "nowhere", "aggregation": "default"}, "no network"),
        ({"pool": 7}, "no list"),
        ("198.51.100.0/24", "has no fields"),
        ({**FOUR, "colour": "red"}, "unknown"),
    ],
)
def test_a_malformed_pool_costs_itself(pool: Any, words: str) -> None:
    made = made_of("purelb", group({"local": {"v4pool": pool, "v6pool": SIX}}))
    assert words in " ".join(map(str, made.notes))
    assert "2001:db8::/120" in field(made, "Eip", "addresses")


def test_every_field_is_spoken_of_here() -> None:
    mine = Path(__file__).read_text("utf-8")
    for path in (*purelb.SERVICE_GROUP, *purelb.NODE_AGENT):
        assert path.rpartition(".")[2] in mine, path
