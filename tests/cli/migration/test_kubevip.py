"""kube-vip's ConfigMap: every kind of key."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.migration.making import field, made_of, noted, refusals


def config(**data: Any) -> dict[str, Any]:
    named = {key.replace("_", "-"): value for key, value in data.items()}
    meta = {"name": "kubevip", "namespace": "kube-system"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": named}


def test_the_global_pool_serves_whoever_names_none() -> None:
    made = made_of(
        "kube-vip", config(cidr_global="192.0.2.0/28", range_global="192.0.2.33 - 192.0.2.40")
    )
    assert field(made, "Eip", "addresses", "global") == ["192.0.2.0/28", "192.0.2.33-192.0.2.40"]
    assert field(made, "Eip", "default", "global") is True
    assert field(made, "Eip", "protocol", "global") == "layer2"
    assert refusals(made) == []


def test_the_pool_of_a_namespace_comes_first_there() -> None:
    data = config(cidr_shop="192.0.2.0/28,192.0.2.32/28", interface_shop="eth1",
                  interface_global="eth0", range_web="192.0.2.60-192.0.2.70")  # fmt: skip
    made = made_of("kube-vip", data)
    assert made.draft.objects["Eip", "shop"]["spec"] == {
        "addresses": ["192.0.2.0/28", "192.0.2.32/28"], "protocol": "layer2", "default": True,
        "priority": 50, "namespaces": ["shop"], "layer2": {"interface": "eth1"},
    }  # fmt: skip
    assert field(made, "Eip", "layer2.interface", "web") == "eth0"


def test_how_it_is_announced_is_asked_for() -> None:
    made = made_of("kube-vip", config(cidr_global="192.0.2.0/28"))
    assert any("--protocol bgp" in note.text for note in made.notes)
    made = made_of("kube-vip", config(cidr_global="192.0.2.0/28", interface_global="eth0"),
                   protocol="bgp")  # fmt: skip
    assert field(made, "Eip", "protocol", "global") == "bgp"
    assert field(made, "Eip", "layer2", "global") is None
    assert not any("--protocol" in note.text for note in made.notes)


@pytest.mark.parametrize(
    ("key", "value", "word"),
    [
        ("cidr-shop", "0.0.0.0/32", "DHCP"),
        ("allow-share-shop", "true", "share-key"),
        ("skip-end-ips-in-cidr", "true", "exclude"),
        ("search-order", "desc", "order"),
        ("enable-service-security", "true", "loadBalancerSourceRanges"),
        ("interface-nowhere", "eth9", "no pool"),
        ("novelty", "x", "no pool of addresses"),
        ("cidr-shop", 7, "no pool of addresses"),
    ],
)
def test_what_is_no_pool_is_named(key: str, value: Any, word: str) -> None:
    made = made_of("kube-vip", config(**{key: value, "cidr-global": "192.0.2.0/28"}))
    assert word in noted(made, f"data.{key}")
    assert ("Eip", "global") in made.draft.objects


def test_another_config_map_is_nobodys_pool() -> None:
    other = config(cidr_global="192.0.2.0/28")
    other["metadata"]["name"] = "settings"
    assert not made_of("kube-vip", other).draft.objects
    empty = {**config(), "data": None}
    assert any("no data" in note.text for note in made_of("kube-vip", empty).notes)
