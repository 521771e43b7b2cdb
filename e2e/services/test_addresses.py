"""Who may have which address, whom we never touch, and what malformed objects are told."""

from typing import Any

import pytest

from e2e import cluster
from e2e.bed import Bed, Broken
from e2e.cluster import CRS, custom, verdicts
from lab.cluster.client import Refusal
from pointsman.api import crd
from tests.pointsman.api.objects import BAD

pytestmark = pytest.mark.lab

OTHER = "example.com/other"
PLURALS = {kind.name: kind.plural for kind in crd.KINDS}


def test_a_requested_address_is_waited_for(lab: Bed) -> None:
    cluster.make(lab, "first")
    address = cluster.settled(lab, "first")
    pid = lab.process("manager")["pid"]
    cluster.make(lab, "second", notes={"addresses": address})
    message = cluster.reported(lab, "second", "Allocated", "False", "AddressInUse", "default/first")
    second = cluster.get(lab, "second")
    assert cluster.notes(second)["status"] == message
    assert not second["status"].get("loadBalancer")
    lab.wait(
        "the Event",
        lambda: ("Warning", "AddressInUse", message) in cluster.events(lab, "second"),
    )
    cluster.routed(lab, address, "123")
    cluster.delete(lab, "first")
    assert cluster.settled(lab, "second") == address
    assert cluster.reported(lab, "second", "Allocated", "True", "Allocated")
    assert lab.process("manager")["pid"] == pid


def test_a_service_of_another_class_is_never_written(lab: Bed) -> None:
    cluster.make(lab, "theirs", loadBalancerClass=OTHER)
    before = cluster.get(lab, "theirs")
    cluster.judged(lab)
    pid = lab.process("manager")["pid"]
    lab.kill("manager")
    lab.wait("another manager", lambda: lab.process("manager")["pid"] not in (None, pid))
    cluster.judged(lab)
    after = cluster.get(lab, "theirs")
    assert after["metadata"] == before["metadata"]  # resourceVersion and managedFields with it
    assert after["status"] == before["status"] == {"loadBalancer": {}}
    assert cluster.events(lab, "theirs") == []


# --- the table of malformed objects ---

# What CEL cannot decide: refused by the planner, in the object's condition.
EIPS: list[tuple[str, list[str], str, str]] = [
    ("reversed", ["198.51.100.40-198.51.100.33"], "InvalidAddresses", "198.51.100.40"),
    ("twice", ["198.51.100.32/29", "198.51.100.33"], "InvalidAddresses", "198.51.100.33"),
    ("overlap", ["198.51.100.8/29"], "Overlap", "'public'"),
]
# annotations, reason, a part of the sentence
SERVICES: list[tuple[str, dict[str, str], str, str]] = [
    ("no-address", {"addresses": "198.51.100.300"}, "InvalidAnnotation", "198.51.100.300"),
    ("words", {"addresses": "any"}, "InvalidAnnotation", "pointsman.dev/addresses"),
    ("mask", {"addresses": "198.51.100.1/32"}, "InvalidAnnotation", "pointsman.dev/addresses"),
    ("empty-item", {"eip": "public,,other"}, "InvalidAnnotation", "empty item"),
    ("namespaces", {"share-key": "k", "share-namespaces": "a,"}, "InvalidAnnotation", "empty"),
    ("missing", {"eip": "nowhere"}, "EipNotFound", "nowhere"),
    ("outside", {"addresses": "203.0.113.77"}, "AddressOutsideEips", "203.0.113.77"),
    ("family", {"addresses": "2001:db8:100::1"}, "WrongFamily", "2001:db8:100::1"),
    ("broken-eip", {"eip": "reversed"}, "EipDisabled", "reversed"),
]


def attempt(lab: Bed, kind: str, name: str, spec: Any) -> Refusal:
    """Return how the API server refuses an object; one that it takes is an error."""
    path = f"{CRS}/{PLURALS[kind]}?fieldValidation=Strict"
    with pytest.raises(Refusal) as refused:
        lab.api.create(path, custom(kind, name, spec))
    return refused.value


def test_malformed_objects_are_told_and_hurt_nobody_else(lab: Bed) -> None:
    for number, case in enumerate(BAD):
        refusal = attempt(lab, case.kind, f"bad-{number}", case.spec)
        assert refusal.code == 422, case.id
        assert case.field in str(refusal), case.id
        assert case.sentence in str(refusal), case.id
    for name, blocks, _, _ in EIPS:
        spec = {"addresses": blocks}
        lab.api.create(f"{CRS}/eips", custom("Eip", name, spec))
    twin = {"address": "192.0.2.1", "as": 64500}
    lab.api.create(f"{CRS}/bgppeers", custom("BgpPeer", "twin", twin))
    lab.api.create(f"{CRS}/bgpconfs", custom("BgpConf", "second", {"as": 64502}))
    for name, notes, _, _ in SERVICES:
        cluster.make(lab, name, notes=notes)
    cluster.make(lab, "good")

    cluster.settled(lab, "good")  # meanwhile: whatever the others are still waiting for
    for name, _, reason, words in EIPS:
        condition(lab, f"eips/{name}", reason, words)
    condition(lab, "bgppeers/twin", "Duplicate", "tor-1")
    condition(lab, "bgpconfs/second", "Ignored", "default")
    for name, _, reason, words in SERVICES:
        cluster.reported(lab, name, "Allocated", "False", reason, words, f"default/{name}")
        cluster.reported(lab, name, "Announced", "False", "NoAddress")
    assert verdicts(lab.api.get(f"{CRS}/eips/public"))["Ready"][:2] == ("True", "Ready")


def test_kubectl_apply_prints_the_sentence(lab: Bed) -> None:
    manifest = (
        "apiVersion: pointsman.dev/v1alpha1\nkind: Eip\nmetadata: {name: bad}\n"
        'spec: {addresses: ["192.0.2.0/33"]}\n'
    )
    with pytest.raises(Broken, match=r'"192\.0\.2\.0/33" is neither an address'):
        lab.kubectl("apply", "-f", "-", stdin=manifest)


def condition(lab: Bed, path: str, reason: str, words: str) -> None:
    def look() -> bool:
        found = verdicts(lab.api.get(f"{CRS}/{path}")).get("Ready")
        assert found is not None, "it says nothing yet"
        assert found[:2] == ("False", reason), found
        assert words in found[2]
        return True

    lab.wait(f"Ready=False ({reason}) of {path}", look)
