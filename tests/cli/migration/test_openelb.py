"""Every field of OpenELB's: carried over, or named with what is nearest."""

from __future__ import annotations

from typing import Any

import pytest

from cli.migration import openelb
from tests.cli.migration.making import field, made_of, merged, nested, noted, refusals, theirs

V2, V1 = "network.kubesphere.io/v1alpha2", "network.kubesphere.io/v1alpha1"
LEAST = {
    "Eip": {"address": "198.51.100.0/28"},
    "BgpConf": {"as": 64501},
    "BgpPeer": {"conf": {"peerAs": 64500, "neighborAddress": "192.0.2.1"}},
}
LEAST_V1 = {"config": {"peerAs": 64500, "neighborAddress": "192.0.2.1"}}
RACK = {"matchLabels": {"openelb.kubesphere.io/rack": "r1"}}

# What is carried: (kind, field of theirs, its value) -> (field of ours, its value).
CARRIED: list[tuple[str, str, Any, str, Any]] = [
    ("Eip", "spec.address", "192.0.2.1-192.0.2.9", "addresses", ["192.0.2.1-192.0.2.9"]),
    ("Eip", "spec.protocol", "layer2", "protocol", "layer2"),
    ("Eip", "spec.protocol", "", "protocol", "bgp"),
    ("Eip", "spec.disable", True, "disabled", True),
    ("Eip", "spec.priority", 7, "priority", 7),
    ("Eip", "spec.namespaces", ["a", "b"], "namespaces", ["a", "b"]),
    ("Eip", "spec.namespaceSelector", {"t": "a"}, "namespaceSelector", {"matchLabels": {"t": "a"}}),
    ("BgpConf", "spec.as", 64777, "as", 64777),
    ("BgpConf", "spec.gracefulRestart.enabled", True, "gracefulRestart.enabled", "Always"),
    ("BgpConf", "spec.gracefulRestart.restartTime", 77, "gracefulRestart.restartSeconds", 77),
    ("BgpPeer", "spec.conf.peerAs", 64777, "as", 64777),
    ("BgpPeer", "spec.conf.neighborAddress", "192.0.2.7", "address", "192.0.2.7"),
    ("BgpPeer", "spec.conf.localAs", 64777, "localAs", 64777),
    ("BgpPeer", "spec.conf.authPassword", "geheim", "passwordSecretRef.name", "bgppeer-one"),
    ("BgpPeer", "spec.conf.adminDown", True, "disabled", True),
    ("BgpPeer", "spec.ebgpMultihop", {"enabled": True, "multihopTtl": 3}, "ebgpMultihop.ttl", 3),
    ("BgpPeer", "spec.timers.config.holdTime", "90", "timers.holdSeconds", 90),
    ("BgpPeer", "spec.timers.config.keepaliveInterval", "2", "timers.keepaliveSeconds", 2),
    ("BgpPeer", "spec.timers.config.connectRetry", "1m", "timers.connectRetrySeconds", 60),
    ("BgpPeer", "spec.transport.passiveMode", True, "passive", True),
    ("BgpPeer", "spec.transport.remotePort", 1790, "port", 1790),
    ("BgpPeer", "spec.transport.localAddress", "192.0.2.9", "sourceAddress", "192.0.2.9"),
    ("BgpPeer", "spec.gracefulRestart.enabled", False, "gracefulRestart.enabled", "Never"),
    ("BgpPeer", "spec.gracefulRestart.restartTime", 60, "gracefulRestart.restartSeconds", 60),
    ("BgpPeer", "spec.afiSafis[].config.family", {"afi": "AFI_IP6", "safi": "SAFI_UNICAST"},
     "families", ["ipv6-unicast"]),
    ("BgpPeer", "spec.afiSafis[].addPaths.config.sendMax", 10, "nextHops.maxPaths", 10),
    ("BgpPeer", "spec.addPaths.sendMax", 10, "nextHops.maxPaths", 10),
    ("BgpPeer", "spec.nodeSelector", RACK, "nextHops.nodeSelector", RACK),
]  # fmt: skip
# What is named: a value that means something.
NAMED: dict[str, Any] = {
    "Eip spec.usingKnownIPs": True,
    "Eip spec.interface": "eth0",  # of a pool by BGP
    "BgpConf spec.routerId": "192.0.2.10",
    "BgpConf spec.listenPort": 17900,
    "BgpConf spec.families": [1],
    "BgpConf spec.useMultiplePaths": True,
    "BgpConf spec.policy": "rules",
    "BgpPeer spec.conf.description": "rack 1",
    "BgpPeer spec.conf.neighborInterface": "eth0",
    "BgpPeer spec.conf.vrf": "red",
    **{f"BgpPeer spec.conf.{one}": "x" for one in openelb.GOBGPS},
    "BgpPeer spec.timers.config.minimumAdvertisementInterval": "5",
    "BgpPeer spec.timers.config.idleHoldTimeAfterReset": "5",
    "BgpPeer spec.transport.bindInterface": "eth0",
    "BgpPeer spec.transport.localPort": 1,
    "BgpPeer spec.transport.mtuDiscovery": True,
    "BgpPeer spec.transport.remoteAddress": "192.0.2.1",
    "BgpPeer spec.transport.tcpMss": 1400,
    "BgpPeer spec.transport.ttl": 3,
    "BgpPeer spec.afiSafis[].config.enabled": False,
    "BgpPeer spec.afiSafis[].addPaths.config.receive": True,
    "BgpPeer spec.usingPortForward": True,
    **{
        f"{kind} spec.gracefulRestart.{one}": True
        for kind in ("BgpConf", "BgpPeer")
        for one in (
            "deferralTime", "helperOnly", "localRestarting", "longLivedEnabled", "mode",
            "notificationEnabled", "peerRestartTime", "peerRestarting", "staleRoutesTime",
        )
    },
}  # fmt: skip
# Tested below, each in a test of its own.
TOGETHER = {
    "Eip spec.interface", "BgpConf spec.asPerRack", "BgpConf spec.routerID", "BgpConf spec.port",
    "BgpConf spec.listenAddresses",
}  # fmt: skip


def test_every_field_has_a_test() -> None:
    fields = {f"{kind} {path}" for kind, table in openelb.TABLES.items() for path in table}
    old = {one for one in fields if one.startswith("BgpPeer spec.config.")}  # the same rows
    tested = {f"{kind} {path}" for kind, path, *_ in CARRIED} | NAMED.keys() | TOGETHER
    assert fields - old == tested
    assert {one.replace(".config.", ".conf.", 1) for one in old} <= tested


@pytest.mark.parametrize(
    ("kind", "path", "value", "ours", "expected"), CARRIED, ids=lambda one: str(one)[:40]
)
def test_a_field_is_carried(kind: str, path: str, value: Any, ours: str, expected: Any) -> None:
    name = "default" if kind == "BgpConf" else "one"
    spec = merged(LEAST[kind], nested(path, value))
    made = made_of("openelb", theirs(kind, V2, spec, name))
    assert field(made, kind, ours, name) == expected
    assert noted(made, path) == ""
    assert refusals(made) == []


@pytest.mark.parametrize("where", NAMED)
def test_a_field_is_named(where: str) -> None:
    kind, path = where.split()
    spec = merged(LEAST[kind], nested(path, NAMED[where]))
    made = made_of("openelb", theirs(kind, V2, spec, "default"))
    assert noted(made, path)
    assert (kind, "default") in made.draft.objects  # and nothing else is lost


def test_the_older_version_is_read_too() -> None:
    made = made_of(
        "openelb",
        theirs("BgpConf", V1, {"as": 64501, "routerID": "192.0.2.10", "port": 17900}, "default"),
        theirs("BgpPeer", V1, {**LEAST_V1, "addPaths": {"sendMax": 10}}, "tor"),
    )
    assert field(made, "BgpConf", "as", "default") == 64501
    assert field(made, "BgpPeer", "address", "tor") == "192.0.2.1"
    assert noted(made, "spec.routerId")
    assert noted(made, "spec.listenPort")


def test_a_router_that_opens_the_session_finds_us_listening() -> None:
    conf = {"as": 64501, "listenPort": 1790, "listenAddresses": ["192.0.2.10"]}
    peer = merged(LEAST["BgpPeer"], {"transport": {"passiveMode": True}})
    made = made_of("openelb", theirs("BgpConf", V2, conf, "default"), theirs("BgpPeer", V2, peer))
    assert field(made, "BgpConf", "listenPort", "default") == 1790
    assert field(made, "BgpConf", "listenAddresses", "default") == ["192.0.2.10"]
    assert noted(made, "spec.listenPort") == ""


def test_the_as_of_a_rack_is_what_its_routers_hear() -> None:
    conf = theirs("BgpConf", V2, {"as": 64501, "asPerRack": {"r1": 64511}}, "default")
    peer = theirs("BgpPeer", V2, merged(LEAST["BgpPeer"], {"nodeSelector": RACK}))
    other = theirs("BgpPeer", V2, merged(LEAST["BgpPeer"], {}), "far")
    made = made_of("openelb", conf, peer, other)
    assert field(made, "BgpPeer", "localAs") == 64511
    assert field(made, "BgpPeer", "localAs", "far") is None
    (note,) = [one for one in made.notes if one.subject == "BgpPeer far"]
    assert "asPerRack" in note.text


def test_an_eip_of_namespaces_comes_before_the_default_one() -> None:
    default = theirs(
        "Eip", V2, {"address": "198.51.100.0/28"}, "all",
        annotations={"eip.openelb.kubesphere.io/is-default-eip": "true"},
    )  # fmt: skip
    own = theirs("Eip", V2, {"address": "192.0.2.0/28", "priority": 5, "namespaces": ["a"]}, "own")
    made = made_of("openelb", default, own)
    assert (field(made, "Eip", "default", "all"), field(made, "Eip", "priority", "all")) == (
        True,
        6,
    )
    assert (field(made, "Eip", "default", "own"), field(made, "Eip", "priority", "own")) == (
        True,
        5,
    )


def test_layer2_keeps_its_interface_and_vip_becomes_layer2() -> None:
    spec = {"address": "192.0.2.0/28", "interface": "can_reach:192.0.2.1", "protocol": "vip"}
    made = made_of("openelb", theirs("Eip", V2, spec))
    assert field(made, "Eip", "layer2.interface") == "can_reach:192.0.2.1"
    assert field(made, "Eip", "protocol") == "layer2"
    assert "VRRP" in noted(made, "spec.protocol")


def test_a_password_goes_into_a_secret() -> None:
    spec = merged(LEAST["BgpPeer"], {"conf": {"authPassword": "geheim"}})
    made = made_of("openelb", theirs("BgpPeer", V2, spec))
    assert made.draft.objects["Secret", "bgppeer-one"]["stringData"] == {"password": "geheim"}
    assert "geheim" not in "".join(made.steps)
    assert any("stood in the open" in step for step in made.steps)
