"""Every field of MetalLB's: carried over, or named with what is nearest."""

from __future__ import annotations

from typing import Any

import pytest

from cli.migration import metallb
from tests.cli.migration.making import field, made_of, merged, nested, noted, refusals, theirs

V1, V2 = "metallb.io/v1beta1", "metallb.io/v1beta2"
POOL = theirs("IPAddressPool", V1, {"addresses": ["198.51.100.0/28"]}, labels={"zone": "a"})
L2 = theirs("L2Advertisement", V1, {}, "l2")
BGP = theirs("BGPAdvertisement", V1, {}, "bgp")
PEER = {"myASN": 64501, "peerASN": 64500, "peerAddress": "192.0.2.1"}
IN_RACKS = {"matchExpressions": [{"key": "rack", "operator": "In", "values": ["r1", "r2"]}]}
RACKS = [{"matchLabels": {"rack": "r2"}}, {"matchLabels": {"rack": "r1"}}]
R1 = {"matchLabels": {"rack": "r1"}}

CARRIED: list[tuple[str, str, Any, str, Any]] = [
    ("IPAddressPool", "spec.addresses", ["192.0.2.1 - 192.0.2.9"], "addresses",
     ["192.0.2.1-192.0.2.9"]),
    ("IPAddressPool", "spec.autoAssign", False, "default", None),
    ("IPAddressPool", "spec.avoidBuggyIPs", True, "avoidBuggyIPs", True),
    ("IPAddressPool", "spec.serviceAllocation.priority", 7, "priority", 7),
    ("IPAddressPool", "spec.serviceAllocation.namespaces", ["b", "a"], "namespaces", ["a", "b"]),
    ("IPAddressPool", "spec.serviceAllocation.namespaceSelectors", [R1], "namespaceSelector", R1),
    ("IPAddressPool", "spec.serviceAllocation.serviceSelectors", RACKS, "serviceSelector",
     IN_RACKS),
    ("L2Advertisement", "spec.ipAddressPools", ["one"], "protocol", "layer2"),
    ("L2Advertisement", "spec.ipAddressPools", ["other"], "protocol", "none"),
    ("L2Advertisement", "spec.ipAddressPoolSelectors", [{"matchLabels": {"zone": "a"}}],
     "protocol", "layer2"),
    ("L2Advertisement", "spec.interfaces", ["eth1"], "layer2.interface", "eth1"),
    ("L2Advertisement", "spec.nodeSelectors", RACKS, "nodeSelector", IN_RACKS),
    ("BGPAdvertisement", "spec.ipAddressPools", ["other"], "protocol", "none"),
    ("BGPAdvertisement", "spec.ipAddressPoolSelectors", [{"matchLabels": {"zone": "a"}}],
     "protocol", "bgp"),
    ("BGPAdvertisement", "spec.nodeSelectors", [R1], "nodeSelector", R1),
    ("BGPAdvertisement", "spec.aggregationLength", 28, "bgp.aggregationLength", 28),
    ("BGPAdvertisement", "spec.aggregationLengthV6", 64, "bgp.aggregationLengthV6", 64),
    ("BGPAdvertisement", "spec.localPref", 200, "bgp.localPref", 200),
    ("BGPAdvertisement", "spec.communities", ["64501:1", "large:64501:1:2", "no-export"],
     "bgp.communities", ["64501:1", "64501:1:2", "no-export"]),
    ("BGPAdvertisement", "spec.peers", ["tor"], "bgp.peers", ["tor"]),
    ("BGPPeer", "spec.peerASN", 64777, "as", 64777),
    ("BGPPeer", "spec.localASN", 64777, "localAs", 64777),
    ("BGPPeer", "spec.peerAddress", "192.0.2.7", "address", "192.0.2.7"),
    ("BGPPeer", "spec.peerPort", 1790, "port", 1790),
    ("BGPPeer", "spec.holdTime", "1m30s", "timers.holdSeconds", 90),
    ("BGPPeer", "spec.keepaliveTime", "2s", "timers.keepaliveSeconds", 2),
    ("BGPPeer", "spec.connectTime", "7s", "timers.connectRetrySeconds", 7),
    ("BGPPeer", "spec.password", "geheim", "passwordSecretRef.name", "bgppeer-one"),
    ("BGPPeer", "spec.passwordSecret", {"name": "tor"}, "passwordSecretRef",
     {"name": "tor", "key": "password"}),
    ("BGPPeer", "spec.ebgpMultiHop", True, "ebgpMultihop.ttl", 255),
    ("BGPPeer", "spec.enableGracefulRestart", True, "gracefulRestart.enabled", "Always"),
    ("BGPPeer", "spec.nodeSelectors", RACKS, "nextHops.nodeSelector", IN_RACKS),
    ("BGPPeer", "spec.disableMP", True, "families", ["ipv4-unicast"]),
]  # fmt: skip
NAMED: dict[str, Any] = {
    "L2Advertisement spec.serviceSelectors": [R1],
    "BGPAdvertisement spec.serviceSelectors": [R1],
    "BGPPeer spec.routerID": "192.0.2.10",
    "BGPPeer spec.sourceAddress": "192.0.2.11",
    "BGPPeer spec.vrf": "red",
    "BGPPeer spec.interface": "eth0",
    "BGPPeer spec.dualStackAddressFamily": True,
    "BFDProfile spec.echoInterval": 50,
    "BFDProfile spec.echoMode": True,
    "BFDProfile spec.passiveMode": True,
    "BFDProfile spec.minimumTtl": 254,
}
# Tested below, each in a test of its own.
TOGETHER = {
    "BGPPeer spec.myASN", "BGPPeer spec.dynamicASN", "BGPPeer spec.bfdProfile",
    "Community spec.communities", "BFDProfile spec.receiveInterval",
    "BFDProfile spec.transmitInterval", "BFDProfile spec.detectMultiplier",
}  # fmt: skip


def one_of(kind: str, spec: object, name: str = "one", **meta: Any) -> dict[str, Any]:
    return theirs(kind, V2 if kind == "BGPPeer" else V1, spec, name, **meta)


def around(kind: str, path: str, value: Any) -> list[dict[str, Any]]:
    """Return an object of *kind* with that field, and what it takes to mean something."""
    if kind == "IPAddressPool":
        return [merged(POOL, {"spec": nested(path, value)}), L2]
    if kind == "BGPPeer":
        return [one_of(kind, merged(PEER, nested(path, value))), one_of(kind, PEER, "usual")]
    return [POOL, one_of(kind, nested(path, value))]


def test_every_field_has_a_test() -> None:
    fields = {f"{kind} {path}" for kind, table in metallb.TABLES.items() for path in table}
    assert fields == {f"{kind} {path}" for kind, path, *_ in CARRIED} | NAMED.keys() | TOGETHER


@pytest.mark.parametrize(
    ("kind", "path", "value", "ours", "expected"), CARRIED, ids=lambda one: str(one)[:40]
)
def test_a_field_is_carried(kind: str, path: str, value: Any, ours: str, expected: Any) -> None:
    made = made_of("metallb", *around(kind, path, value))
    assert field(made, "BgpPeer" if kind == "BGPPeer" else "Eip", ours) == expected
    assert noted(made, path) == ""
    assert refusals(made) == []


@pytest.mark.parametrize("where", NAMED)
def test_a_field_is_named(where: str) -> None:
    kind, path = where.split()
    made = made_of("metallb", *around(kind, path, NAMED[where]))
    assert noted(made, path)
    assert made.draft.objects  # and nothing else is lost


def test_our_as_is_the_usual_one_and_the_other_a_local_as() -> None:
    odd = {**PEER, "myASN": 64509}
    made = made_of("metallb", one_of("BGPPeer", PEER, "a"), one_of("BGPPeer", PEER, "b"),
                   one_of("BGPPeer", odd, "c"))  # fmt: skip
    assert field(made, "BgpConf", "as", "default") == 64501
    assert [field(made, "BgpPeer", "localAs", name) for name in "abc"] == [None, None, 64509]


@pytest.mark.parametrize(("word", "asn"), [("internal", 64501), ("external", None)])
def test_a_dynamic_as_is_ours_or_has_to_be_written(word: str, asn: int | None) -> None:
    spec = {"myASN": 64501, "dynamicASN": word, "peerAddress": "192.0.2.1"}
    made = made_of("metallb", one_of("BGPPeer", spec))
    if asn is None:
        assert ("BgpPeer", "one") not in made.draft.objects
        assert "spec.as" in noted(made, "spec.dynamicASN")
    else:
        assert field(made, "BgpPeer", "as") == asn


def test_bfd_has_the_numbers_of_its_profile() -> None:
    profile = one_of(
        "BFDProfile",
        {"receiveInterval": 200, "transmitInterval": 250, "detectMultiplier": 4}, "fast",
    )  # fmt: skip
    made = made_of("metallb", one_of("BGPPeer", {**PEER, "bfdProfile": "fast"}), profile)
    assert field(made, "BgpPeer", "bfd") == {
        "enabled": True, "receiveMilliseconds": 200, "transmitMilliseconds": 250, "multiplier": 4,
    }  # fmt: skip
    far = {**PEER, "bfdProfile": "fast", "ebgpMultiHop": True}
    made = made_of("metallb", one_of("BGPPeer", far), profile)
    assert field(made, "BgpPeer", "bfd") is None
    assert "one hop" in noted(made, "spec.bfdProfile")
    made = made_of("metallb", one_of("BGPPeer", {**PEER, "bfdProfile": "gone"}))
    assert field(made, "BgpPeer", "bfd") == {"enabled": True}


def test_names_of_communities_become_aliases_or_what_they_stand_for() -> None:
    names = [{"name": "vpn", "value": "64501:7"}, {"name": "Big", "value": "large:64501:1:2"}]
    advertised = one_of("BGPAdvertisement", {"communities": ["vpn", "Big"]})
    made = made_of("metallb", POOL, advertised, one_of("Community", {"communities": names}),
                   one_of("BGPPeer", PEER))  # fmt: skip
    assert field(made, "BgpConf", "communityAliases", "default") == {"vpn": "64501:7"}
    assert field(made, "Eip", "bgp.communities") == ["vpn", "64501:1:2"]
    assert "'Big'" in noted(made, "spec.communities")


def test_a_selector_that_one_cannot_say_becomes_names_or_is_named() -> None:
    several = [{"matchLabels": {"team": "a"}}, {"matchLabels": {"stage": "prod"}}]
    pool = merged(POOL, {"spec": {"serviceAllocation": {
        "namespaces": ["x"], "namespaceSelectors": several, "serviceSelectors": several,
    }}})  # fmt: skip
    spaces = [theirs("Namespace", "v1", None, name, labels=labels) for name, labels in
              (("x", {}), ("y", {"stage": "prod"}), ("z", {"stage": "test"}))]  # fmt: skip
    made = made_of("metallb", pool, L2, *spaces)
    assert field(made, "Eip", "namespaces") == ["x", "y"]
    assert "labelled later" in noted(made, "spec.serviceAllocation.namespaceSelectors")
    assert "any Service" in noted(made, "spec.serviceAllocation.serviceSelectors")
    without = made_of("metallb", merged(POOL, {"spec": {"serviceAllocation": {
        "namespaceSelectors": several}}}), L2)  # fmt: skip
    assert field(without, "Eip", "namespaces") is None
    assert "spec.namespaces" in noted(without, "spec.serviceAllocation.namespaceSelectors")


def test_advertisements_that_differ_are_named() -> None:
    first = one_of("BGPAdvertisement", {"aggregationLength": 24, "peers": ["a"], "localPref": 1,
                                        "communities": ["64501:1"]}, "x")  # fmt: skip
    second = one_of("BGPAdvertisement", {"aggregationLength": 32, "peers": ["b"]}, "y")
    made = made_of("metallb", POOL, first, second, L2)
    assert field(made, "Eip", "bgp.aggregationLength") == 32
    assert field(made, "Eip", "bgp.peers") == ["a", "b"]
    words = " ".join(note.text for note in made.notes)
    for word in ("aggregationLength", "localPref", "communities", "peers", "L2Advertisement"):
        assert word in words


def test_pools_without_a_priority_come_last() -> None:
    priority = {"serviceAllocation": {"priority": 150}}
    made = made_of("metallb", POOL, one_of("IPAddressPool", {"addresses": ["192.0.2.0/28"],
                                                             **priority}, "two"))  # fmt: skip
    assert field(made, "Eip", "priority") == 151
    assert field(made, "Eip", "priority", "two") == 150
    assert field(made_of("metallb", POOL), "Eip", "priority") is None  # ours: 100


OLD = {
    "apiVersion": "v1", "kind": "ConfigMap",
    "metadata": {"name": "config", "namespace": "metallb-system"},
    "data": {"config": "address-pools:\n- {name: default, protocol: layer2, "
                       "addresses: [198.51.100.0/28]}\n"},
}  # fmt: skip


def test_the_configuration_before_0_13_is_named_with_what_makes_objects_of_it() -> None:
    made = made_of("metallb", OLD)
    assert made.empty
    assert made.problems == ()  # "No object of MetalLB was found" would send people elsewhere
    [note] = map(str, made.notes)
    assert note.startswith("ConfigMap metallb-system/config, data.config: this is the config")
    assert "configmaptocrs, and run migrate again" in note


@pytest.mark.parametrize(
    "objects",
    [
        pytest.param((OLD, POOL), id="left over beside objects: MetalLB looks at these alone"),
        pytest.param(({**OLD, "metadata": {"name": "config", "namespace": "shop"}},),
                     id="another's ConfigMap of that name"),
        pytest.param(({**OLD, "data": {"other": ""}},), id="another key"),
        pytest.param(({**OLD, "data": None},), id="no data"),
    ],
)  # fmt: skip
def test_another_config_map_is_not_metallbs(objects: tuple[dict[str, Any], ...]) -> None:
    assert not [one for one in made_of("metallb", *objects).notes if "0.13" in one.text]


def test_kinds_that_are_unknown_twice_there_or_only_reports() -> None:
    made = made_of(
        "metallb",
        {**POOL, "metadata": {"name": "one", "namespace": "a"}},
        {**POOL, "metadata": {"name": "one", "namespace": "b"}},
        one_of("AddressPool", {}, "old"),
        one_of("Novelty", {}, "new"),
        one_of("ServiceL2Status", {}, "report"),
    )
    found = {note.subject: note.text for note in made.notes if not note.field}
    assert "another namespace" in found["IPAddressPool b/one"]
    assert "0.14" in found["AddressPool old"]
    assert "unknown" in found["Novelty new"]
    assert "ServiceL2Status report" not in found
