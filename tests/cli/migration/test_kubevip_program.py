"""kube-vip's DaemonSet: how it announces, and every setting of its environment."""

from __future__ import annotations

from typing import Any

import pytest

from cli.migration.kubevip_program import ENVIRONMENT, OWN
from cli.migration.migrate import Migration
from tests.cli.migration.making import field, made_of, noted, refusals

BGP = {"bgp_enable": "true", "bgp_as": "64501"}
IMAGE = "registry.example/kube-vip/kube-vip:v1.0.0"


def pool(**data: str) -> dict[str, Any]:
    meta = {"name": "kubevip", "namespace": "kube-system"}
    named = {key.replace("_", "-"): value for key, value in data.items()}
    return {
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": meta,
        "data": {"cidr-global": "192.0.2.0/28", **named},
    }  # fmt: skip


def daemonset(image: str = IMAGE, **environment: Any) -> dict[str, Any]:
    env = [{"name": k, "value": v} for k, v in {"svc_enable": "true", **environment}.items()]
    template = {"spec": {"containers": [{"name": "kube-vip", "image": image, "env": env}]}}
    meta = {"name": "kube-vip-ds", "namespace": "kube-system"}
    return {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": meta,
            "spec": {"template": template}}  # fmt: skip


def made(**environment: Any) -> Migration:
    found = made_of("kube-vip", pool(), daemonset(**environment))
    assert refusals(found) == []
    return found


@pytest.mark.parametrize(
    ("environment", "protocol"),
    [
        ({"vip_arp": "true", "bgp_enable": "false"}, "layer2"),
        ({"vip_arp": "false", **BGP}, "bgp"),
        ({"vip_routingtable": "true"}, "kernel"),
        ({}, "layer2"),
    ],
)
def test_it_says_how_addresses_are_announced(environment: dict[str, str], protocol: str) -> None:
    found = made(**environment)
    assert field(found, "Eip", "protocol", "global") == protocol
    assert any("--protocol bgp" in note.text for note in found.notes) is (not environment)


def test_the_command_line_says_it_louder() -> None:
    found = made_of("kube-vip", pool(), daemonset(vip_arp="true"), protocol="bgp")
    assert field(found, "Eip", "protocol", "global") == "bgp"


def test_of_several_ways_the_first_is_taken_and_it_is_said() -> None:
    found = made(vip_arp="true", **BGP)
    assert field(found, "Eip", "protocol", "global") == "layer2"
    assert any("several ways" in note.text for note in found.notes)


@pytest.mark.parametrize(
    ("environment", "interface"),
    [
        ({"vip_interface": "eth0"}, "eth0"),
        ({"vip_interface": "eth0", "vip_servicesinterface": "eth1"}, "eth1"),
        ({"vip_interface": "lo"}, None),
        ({"vip_interface": ""}, None),
    ],
)
def test_its_interface_is_that_of_the_eips(
    environment: dict[str, str], interface: str | None
) -> None:
    found = made(vip_arp="true", **environment)
    assert field(found, "Eip", "layer2.interface", "global") == interface
    data = pool(interface_global="eth9")
    found = made_of("kube-vip", data, daemonset(vip_arp="true", **environment))
    assert field(found, "Eip", "layer2.interface", "global") == "eth9"


def test_its_routers_are_bgp_peers() -> None:
    peers = "192.0.2.1:64500::false,192.0.2.2:64502:secret:true:1790/mpbgp_nexthop=fixed,"
    found = made(**BGP, bgp_peers=peers + "[2001:db8:2::1]:64501::true", bgp_hold_time="30",
                 bgp_keepalive_interval="10")  # fmt: skip
    assert field(found, "BgpConf", "as", "default") == 64501
    timers = {"holdSeconds": 30, "keepaliveSeconds": 10}
    specs = {name: one["spec"] for name, one in found.draft.of("BgpPeer").items()}
    assert specs == {
        "router-192-0-2-1": {"address": "192.0.2.1", "as": 64500, "timers": timers},
        "router-192-0-2-2": {
            "address": "192.0.2.2", "as": 64502, "timers": timers, "port": 1790,
            "ebgpMultihop": {"ttl": 255},
            "passwordSecretRef": {"name": "bgppeer-router-192-0-2-2", "key": "password"},
        },
        "router-2001-db8-2-1": {"address": "2001:db8:2::1", "as": 64501, "timers": timers},
    }  # fmt: skip
    assert any("192.0.2.2 stood in the open" in step for step in found.steps)
    assert not any("secret" in note.text for note in found.notes)


def test_one_router_may_be_named_by_four_settings() -> None:
    found = made(**BGP, bgp_peeraddress="192.0.2.1", bgp_peeras="64500", bgp_peerpass="secret",
                 bgp_multihop="true")  # fmt: skip
    assert field(found, "BgpPeer", "as", "router-192-0-2-1") == 64500
    assert field(found, "BgpPeer", "ebgpMultihop.ttl", "router-192-0-2-1") == 255
    assert ("Secret", "bgppeer-router-192-0-2-1") in found.draft.objects


@pytest.mark.parametrize(
    ("environment", "where", "word"),
    [
        ({"bgp_peers": "192.0.2.1"}, "bgp_peers", "no whole number"),
        ({"bgp_peers": "tor.example:64500"}, "bgp_peers", "no router's address"),
        ({"bgp_peers": "unnumbered:eth0"}, "bgp_peers", "no router's address"),
        ({"bgp_peers": "[2001:db8::1"}, "bgp_peers", "no whole number"),
        ({}, "bgp_peers", "no router is named"),
        ({"bgp_as": "many"}, "bgp_as", "no whole number"),
        ({"bgp_as": None}, "bgp_as", "no BgpConf"),
    ],
)
def test_what_is_no_router_is_named(environment: dict[str, Any], where: str, word: str) -> None:
    assert word in noted(made(**{**BGP, **environment}), f"env.{where}")


NAMED = {
    "bgp_routerid": ("192.0.2.11", "derives"), "bgp_routerinterface": ("eth0", "derives"),
    "bgp_sourceif": ("eth0", "sourceAddress"), "bgp_sourceip": ("192.0.2.11", "sourceAddress"),
    "mpbgp_nexthop": ("auto_sourceif", "family"), "mpbgp_ipv4": ("192.0.2.11", "family"),
    "mpbgp_ipv6": ("2001:db8::1", "family"), "zebra_enable": ("true", "zebra"),
    "vip_wireguard": ("true", "WireGuard"), "svc_namespace": ("shop", "spec.namespaces"),
    "annotation": ("metal.example", "BgpPeers"), "config_file": ("/etc/kube-vip.yaml", "read"),
    "backend_health_check_interval": ("5", "endpoints"),
    "disable_service_updates": ("true", "status"), "enable_node_labeling": ("true", "explain"),
    "enable_service_security": ("true", "loadBalancerSourceRanges"),
    "enable_upnp": ("true", "UPnP"), "mirror_dest_interface": ("eth2", "mirrored"),
    "egress_clean": ("true", "CNI"), "egress_podcidr": ("10.0.0.0/8", "CNI"),
    "egress_servicecidr": ("10.0.0.0/8", "CNI"), "egress_withnftables": ("true", "CNI"),
    "novelty": ("x", "doesn't know this field"),
}  # fmt: skip
CARRIED = {
    "svc_enable", "vip_arp", "bgp_enable", "vip_routingtable", "vip_interface", "lb_class_name",
    "vip_servicesinterface", "bgp_as", "bgp_peers", "bgp_peeraddress", "bgp_peeras",
    "bgp_peerpass", "bgp_multihop", "bgp_hold_time", "bgp_keepalive_interval",
    "zebra_url", "zebra_version", "zebra_software_name",  # with zebra_enable
}  # fmt: skip


def test_every_setting_has_a_row_here() -> None:
    rows = {path.removeprefix("env.") for path in ENVIRONMENT}
    assert rows == CARRIED | (NAMED.keys() - {"novelty"}) | set(OWN)


def test_what_has_nothing_like_it_is_named() -> None:
    found = made(vip_arp="true", **{name: value for name, (value, _) in NAMED.items()})
    for name, (_, word) in NAMED.items():
        assert word in noted(found, f"env.{name}"), name
    quiet = made(vip_arp="true", **dict.fromkeys(OWN, "x"), enable_upnp="false")
    assert [one for one in quiet.notes if one.field.startswith("env.")] == []


def test_its_class_is_that_of_its_services() -> None:
    web = {
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"type": "LoadBalancer", "loadBalancerClass": "example.com/vip",
                 "ports": [{"port": 80}]},
        "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}},
    }  # fmt: skip
    for environment, bound in (({}, []), ({"lb_class_name": "example.com/vip"}, [("shop", "web")])):
        found = made_of("kube-vip", pool(), daemonset(vip_arp="true", **environment), web)
        assert found.served.bound == bound


@pytest.mark.parametrize("value", ["false", "", None])
def test_one_that_has_the_control_planes_address_only_stays(value: str | None) -> None:
    found = made(svc_enable=value, **BGP, bgp_peers="192.0.2.1:64500", novelty="x")
    assert "stays" in noted(found, "env.svc_enable")
    assert not found.draft.of("BgpPeer")
    assert not noted(found, "env.novelty")


@pytest.mark.parametrize(
    ("image", "counts"),
    [
        ("kube-vip", True), ("registry.example/plndr/kube-vip:v0.3.6", True),
        ("registry.example:5000/kube-vip-iptables@sha256:00", True),
        ("registry.example/kube-vip/kube-vip-cloud-provider:v0.1", False),
        ("registry.example/web", False),
    ],
)  # fmt: skip
def test_other_programs_are_passed_over(image: str, counts: bool) -> None:
    found = made_of("kube-vip", pool(), daemonset(image, **BGP))
    assert (field(found, "Eip", "protocol", "global") == "bgp") is counts


@pytest.mark.parametrize("spec", [None, {}, {"template": 7}, {"template": {"spec": {}}},
                                  {"template": {"spec": {"containers": ["x", {"image": IMAGE}]}}},
                                  {"template": {"spec": {"containers": [
                                      {"image": IMAGE, "env": [7, {"name": "vip_arp"},
                                          {"name": "bgp_as", "valueFrom": {}}]}]}}}])  # fmt: skip
def test_a_daemonset_of_another_shape_costs_only_itself(spec: Any) -> None:
    found = made_of("kube-vip", pool(), {**daemonset(), "spec": spec})
    assert field(found, "Eip", "protocol", "global") == "layer2"


def test_where_it_runs_is_no_restriction_here() -> None:
    one = daemonset(vip_arp="true")
    one["spec"]["template"]["spec"]["nodeSelector"] = {"role": "edge"}
    assert "nodeSelector" in noted(made_of("kube-vip", pool(), one), "spec.template.spec")
