"""Every refusal: its reason here, its whole sentence in sentences.txt (`make update`)."""

from pathlib import Path

import pytest

from manager.snapshot import Eip, ServicePort
from tests.manager.planner.addresses.addressing import (
    BOTH,
    DUAL,
    cluster,
    eip,
    one,
    plan,
    service,
    unreadable,
)

GOLDEN = Path(__file__).with_name("sentences.txt")

PUBLIC = eip("public", "198.51.100.0/30", default=True)
ASKS = {"addresses": "192.0.2.1"}
SHARES = {"share-key": "k"}
HTTP = (ServicePort("TCP", 80),)
CASES: dict[str, tuple[str, list[Eip], dict]] = {
    "no Eip at all": ("NoDefaultEip", [], {}),
    "no Eip is a default": ("NoDefaultEip", [eip("a", "192.0.2.1")], {}),
    "a named Eip does not exist": (
        "EipNotFound",
        [eip("a", "192.0.2.1")],
        {"notes": {"eip": "b"}},
    ),
    "disabled": ("EipDisabled", [eip("a", "192.0.2.1", default=True, disabled=True)], {}),
    "not Ready": ("EipDisabled", [eip("a", "192.0.2.9-192.0.2.1", default=True)], {}),
    "the default cannot be read": (
        "EipDisabled",
        [unreadable("a", default=True), eip("b", "192.0.2.1")],
        {},
    ),
    "one that cannot be read is no default": ("NoDefaultEip", [unreadable("a")], {}),
    "a named Eip cannot be read": ("EipDisabled", [unreadable("a")], {"notes": {"eip": "a"}}),
    "asks for an address of an Eip that cannot be read": (
        "EipDisabled",
        [unreadable("a")],
        {"notes": ASKS},
    ),
    "asks for an address of an Eip that cannot be read, and names it": (
        "EipDisabled",
        [unreadable("a"), eip("b", "192.0.2.0/24")],
        {"notes": {**ASKS, "eip": "a"}},
    ),
    "asks for an address, names an Eip, and another cannot be read": (
        "AddressOutsideEips",
        [unreadable("a"), eip("b", "192.0.2.2")],
        {"notes": {**ASKS, "eip": "b"}},
    ),
    "being deleted": ("EipDisabled", [eip("a", "192.0.2.1", default=True, deleting=True)], {}),
    "named, but not admitting": (
        "NotAdmitted",
        [eip("a", "192.0.2.1", namespaces=("x",))],
        {"notes": {"eip": "a"}},
    ),
    "no addresses of the family": ("WrongFamily", [eip("a", "2001:db8::/64", default=True)], {}),
    "nothing to give at all": (
        "AddressPoolExhausted",
        [eip("a", "192.0.2.0", default=True, avoid_buggy_ips=True)],
        {},
    ),
    "exhausted": ("AddressPoolExhausted", [eip("a", "192.0.2.7", default=True)], {}),
    "several, each with its own reason": (
        "AddressPoolExhausted",
        [eip("a", "192.0.2.7"), eip("b", "192.0.2.2", disabled=True), eip("c", "2001:db8::/64")],
        {"notes": {"eip": "gone,a,b,c"}},
    ),
    "asks for a held address": (
        "AddressInUse",
        [eip("a", "192.0.2.7")],
        {"notes": {"addresses": "192.0.2.7"}},
    ),
    "asks for an address in no Eip": (
        "AddressOutsideEips",
        [eip("a", "192.0.2.1")],
        {"notes": {"addresses": "203.0.113.1"}},
    ),
    "asks for an address that is not in the named Eip": (
        "AddressOutsideEips",
        [eip("a", "192.0.2.1"), eip("b", "192.0.2.2")],
        {"notes": {**ASKS, "eip": "b"}},
    ),
    "its share-key leads into an Eip that it does not name": (
        "AddressOutsideEips",
        [eip("a", "192.0.2.7"), eip("b", "192.0.2.2")],
        {"notes": {**SHARES, "eip": "b"}},
    ),
    "asks for an address and names Eips that do not exist": (
        "EipNotFound",
        [eip("a", "192.0.2.1")],
        {"notes": {**ASKS, "eip": "b,c"}},
    ),
    "asks for an excluded address": (
        "AddressExcluded",
        [eip("a", "192.0.2.0/24", exclude=("192.0.2.1",))],
        {"notes": ASKS},
    ),
    "asks for a buggy address": (
        "AddressExcluded",
        [eip("a", "192.0.2.0/24", avoid_buggy_ips=True)],
        {"load_balancer_ip": "192.0.2.255"},
    ),
    "asks for an address of an Eip that does not admit it": (
        "NotAdmitted",
        [eip("a", "192.0.2.1", namespaces=("x",))],
        {"notes": ASKS},
    ),
    "asks for an address of a disabled Eip": (
        "EipDisabled",
        [eip("a", "192.0.2.1", disabled=True)],
        {"notes": ASKS},
    ),
    "asks for an address of the other family": (
        "WrongFamily",
        [eip("a", "2001:db8::/64")],
        {"notes": {"addresses": "2001:db8::1"}},
    ),
    "asks for too many addresses": (
        "InvalidAnnotation",
        [],
        {"notes": {"addresses": ",".join(f"2001:db8::{n:x}" for n in range(65))}},
    ),
    "is being deleted": ("Deleting", [PUBLIC], {"deleting": True}),
    "addresses are malformed": (
        "InvalidAnnotation",
        [PUBLIC],
        {"notes": {"addresses": "198.51.100.300"}},
    ),
    "a list has an empty item": ("InvalidAnnotation", [PUBLIC], {"notes": {"eip": "a,,b"}}),
    "loadBalancerIP is malformed": (
        "InvalidAnnotation",
        [PUBLIC],
        {"load_balancer_ip": "web.example"},
    ),
    "share-namespaces is malformed": (
        "InvalidAnnotation",
        [PUBLIC],
        {"notes": {**SHARES, "share-namespaces": "a,"}},
    ),
    "RequireDualStack lacks a family": (
        "WaitingForFamily",
        [eip("a", "192.0.2.1", default=True)],
        dict(BOTH),
    ),
    "PreferDualStack lacks a family": ("Allocated", [PUBLIC], dict(DUAL)),
    "shares, and a port collides": (
        "ShareConflict",
        [eip("a", "192.0.2.7", default=True)],
        {"notes": SHARES, "ports": HTTP},
    ),
    "shares, and the policy differs": (
        "ShareConflict",
        [eip("a", "192.0.2.7", default=True)],
        {"notes": SHARES, "policy": "Local"},
    ),
    "asks for an address shared under another key": (
        "ShareConflict",
        [eip("a", "192.0.2.7", default=True)],
        {"notes": {"share-key": "other", "addresses": "192.0.2.7"}},
    ),
    "keeps its address while a move waits": (
        "AddressInUse",
        [PUBLIC, eip("a", "192.0.2.7")],
        {"held": "198.51.100.0", "notes": {"addresses": "192.0.2.7"}},
    ),
    "holds an address in no Eip": ("AddressOutsideEips", [PUBLIC], {"held": "203.0.113.9"}),
}


def sentence(case: str) -> tuple[str, str]:
    """The reason and the sentence for Service ns/web beside ns/first, which has 192.0.2.7."""
    _, eips, request = CASES[case]
    request = dict(request)
    held = [request.pop("held")] if "held" in request else []
    first = service("ns/first", "192.0.2.7", notes=SHARES, ports=HTTP, created="2026-01")
    web = service("ns/web", *held, created="2026-02", **request)
    verdict = one(plan(cluster(first, web, *eips)), "ns/web").verdict
    return verdict.reason, str(verdict)


@pytest.mark.parametrize("case", CASES)
def test_every_refusal_has_its_reason(case: str) -> None:
    assert sentence(case)[0] == CASES[case][0]


def test_every_refusal_has_its_sentence(update: bool) -> None:
    sentences = "".join(f"{case}\n  {': '.join(sentence(case))}\n" for case in CASES)
    if update:
        GOLDEN.write_text(sentences)
    assert sentences == GOLDEN.read_text()
