"""Services that another load balancer serves: which they are, and what our annotations are."""

from __future__ import annotations

from typing import Any

import pytest

from cli.migration.services import OTHERS
from pointsman.model.dialects import DIALECTS
from tests.cli.migration.making import made_of, theirs

EIP = "pointsman.dev/eip"
ADDRESSES = "pointsman.dev/addresses"
KEY = "pointsman.dev/share-key"
SPACES = "pointsman.dev/share-namespaces"
POOLS = {
    "openelb": theirs("Eip", "network.kubesphere.io/v1alpha2", {"address": "198.51.100.0/28"}, "p"),
    "metallb": theirs("IPAddressPool", "metallb.io/v1beta1",
                      {"addresses": ["198.51.100.0/28"]}, "p"),
    "purelb": theirs("ServiceGroup", "purelb.io/v2", {"local": {"v4pool": {
        "pool": "198.51.100.0/28", "subnet": "198.51.100.0/24"}}}, "p"),
    "kube-vip": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kubevip"},
                 "data": {"cidr-global": "198.51.100.0/28"}},
}  # fmt: skip
OPT_IN = {"openelb": {"lb.kubesphere.io/v1alpha1": "openelb"}}


def service(
    notes: dict[str, str], name: str = "web", space: str = "default", ip: str = "", **spec: Any
) -> dict[str, Any]:
    raw = theirs("Service", "v1", {
        "type": "LoadBalancer", "ports": [{"port": 80}], "selector": {"app": name}, **spec,
    }, name, namespace=space, annotations=notes)  # fmt: skip
    if ip:
        raw["status"] = {"loadBalancer": {"ingress": [{"ip": ip}]}}
    return raw


def asked(dialect: str, *services: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Return our annotations by the name of the Service."""
    made = made_of(dialect, POOLS[dialect], *services)
    return {name: found for (_, name), found in made.draft.services.items()}


UNDERSTOOD = [
    (dialect, name, role)
    for dialect, known in DIALECTS.items()
    for role in ("pools", "addresses", "share_keys")
    for name in getattr(known, role)
]


@pytest.mark.parametrize(("dialect", "name", "role"), UNDERSTOOD)
def test_each_annotation_is_carried(dialect: str, name: str, role: str) -> None:
    value = {"pools": "p", "addresses": "198.51.100.3", "share_keys": "front"}[role]
    ours = {"pools": EIP, "addresses": ADDRESSES, "share_keys": KEY}[role]
    found = asked(dialect, service({name: value, **OPT_IN.get(dialect, {})}))
    assert found == {"web": {ours: value}}


@pytest.mark.parametrize(
    ("dialect", "name", "text"),
    [(d, name, text) for d, known in OTHERS.items() for name, text in known.items()],
)
def test_each_other_annotation_is_named_unless_nothing_is_lost(
    dialect: str, name: str, text: str
) -> None:
    notes = {**OPT_IN.get(dialect, {}), name: "openelb"}
    made = made_of(dialect, POOLS[dialect], service(notes))
    named = [note for note in made.notes if f"annotation {name} of" in note.subject]
    assert bool(named) is bool(text)


@pytest.mark.parametrize(
    ("dialect", "name"),
    [("openelb", "x.openelb.kubesphere.io/y"), ("metallb", "metallb.io/y"),
     ("purelb", "purelb.io/y"), ("kube-vip", "kube-vip.io/y")],
)  # fmt: skip
def test_an_annotation_of_theirs_that_is_unknown_is_named(dialect: str, name: str) -> None:
    made = made_of(dialect, POOLS[dialect], service({**OPT_IN.get(dialect, {}), name: "z"}))
    assert any(name in note.subject and "doesn't know it" in note.text for note in made.notes)


def test_the_protocol_annotation_of_openelb_names_the_eips_of_that_protocol() -> None:
    other = theirs("Eip", "network.kubesphere.io/v1alpha2",
                   {"address": "192.0.2.0/28", "protocol": "layer2"}, "lan")  # fmt: skip
    notes = {**OPT_IN["openelb"], "protocol.openelb.kubesphere.io/v1alpha1": "layer2"}
    made = made_of("openelb", POOLS["openelb"], other, service(notes))
    assert made.draft.services["default", "web"] == {EIP: "lan"}


def test_only_their_services_are_touched() -> None:
    mine = service({"metallb.io/address-pool": "p"})
    classed = service({"metallb.io/address-pool": "p"}, "c", loadBalancerClass="example.com/other")
    inner = service({"metallb.io/address-pool": "p"}, "i", type="ClusterIP")
    assert asked("metallb", mine, classed, inner).keys() == {"web"}
    assert asked("openelb", service({"eip.openelb.kubesphere.io/v1alpha2": "p"})) == {}


def test_what_is_ours_already_stays() -> None:
    notes = {"metallb.io/address-pool": "p", EIP: "mine"}
    assert asked("metallb", service(notes)) == {}


def test_of_two_spellings_that_differ_the_newer_counts_and_it_is_said() -> None:
    notes = {"metallb.io/address-pool": "p", "metallb.universe.tf/address-pool": "q"}
    made = made_of("metallb", POOLS["metallb"], service(notes))
    assert made.draft.services["default", "web"] == {EIP: "p"}
    assert any("metallb.universe.tf/address-pool" in note.subject for note in made.notes)


@pytest.mark.parametrize("text", ["nonsense", "198.51.100.300", "198.51.100.0/28"])
def test_an_address_that_is_none_is_named_and_the_others_stay(text: str) -> None:
    notes = {"metallb.io/loadBalancerIPs": f"{text}, 198.51.100.4"}
    made = made_of("metallb", POOLS["metallb"], service(notes))
    assert made.draft.services["default", "web"] == {ADDRESSES: "198.51.100.4"}
    assert any("left out" in note.text for note in made.notes)


def test_a_pool_of_which_no_eip_came_is_named() -> None:
    made = made_of("metallb", POOLS["metallb"], service({"metallb.io/address-pool": "gone"}))
    assert not made.draft.services
    assert any("no Eip came" in note.text for note in made.notes)


def test_services_on_one_address_share_it_across_namespaces_too() -> None:
    ip = "198.51.100.3"
    first = service(OPT_IN["openelb"], "a", "x", ip)
    second = service(OPT_IN["openelb"], "b", "y", ip, ports=[{"port": 81}])
    made = made_of("openelb", POOLS["openelb"], first, second)
    key = "migrated-198-51-100-3"
    assert made.draft.services == {
        ("x", "a"): {KEY: key, SPACES: "y"},
        ("y", "b"): {KEY: key, SPACES: "x"},
    }
    assert made.proof.moves == made.proof.waiting == ()


def test_services_that_cannot_share_are_said_to_move() -> None:
    ip = "198.51.100.3"  # and one port
    both = [service(OPT_IN["openelb"], name, "x", ip) for name in "ab"]
    made = made_of("openelb", POOLS["openelb"], *both)
    assert len(made.proof.moves) == 1
    assert "loses 198.51.100.3" in made.proof.moves[0]


def test_a_service_of_their_class_asks_for_the_address_it_has() -> None:
    one = service({}, ip="198.51.100.9", loadBalancerClass="purelb.io/purelb")
    made = made_of("purelb", POOLS["purelb"], one)
    assert made.draft.services == {("default", "web"): {ADDRESSES: "198.51.100.9"}}
    assert made.proof.moves == ()
    assert any("A class can't be changed" in step for step in made.steps)


def test_an_address_in_no_eip_is_said_to_be_left_alone() -> None:
    made = made_of("metallb", POOLS["metallb"], service({}, ip="203.0.113.77"))
    assert "no Eip gives out" in made.proof.waiting[0]


def test_finalizers_have_a_step() -> None:
    one = service(OPT_IN["openelb"])
    one["metadata"]["finalizers"] = ["finalizer.lb.kubesphere.io/v1alpha1", "example.com/mine"]
    (step,) = [s for s in made_of("openelb", POOLS["openelb"], one).steps if "finalizers" in s]
    assert "finalizer.lb.kubesphere.io/v1alpha1" in step
    assert "example.com/mine" not in step
