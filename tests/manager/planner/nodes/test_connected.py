"""Which networks of nodes a prefix overlaps, and whose addresses lie in it."""

from ipaddress import ip_address, ip_network

import pytest

from manager.planner.nodes.connected import Connected, own_networks
from manager.snapshot import NodeName
from pointsman.model.address import Family
from tests.manager.planner.scene import announcer, nic

NODE = NodeName("node1")


def connected(*texts: str, name: str = "eth0", up: bool = True) -> Connected:
    found = own_networks(None, announcer("node1", nic(name, *texts, up=up)))
    return Connected({NODE: found} if found else {})


@pytest.mark.parametrize(
    ("own", "prefix", "near"),
    [
        ("192.0.2.11/24", "192.0.2.64/32", True),
        ("192.0.2.11/24", "192.0.2.0/26", True),
        ("192.0.2.11/24", "192.0.2.0/24", True),
        ("192.0.2.11/24", "192.0.0.0/16", True),
        ("192.0.2.11/24", "192.0.3.0/24", False),
        ("192.0.2.11/24", "192.0.3.1/32", False),
        ("2001:db8:2::11/64", "2001:db8:2::/80", True),
        ("2001:db8:2::11/64", "2001:db8::/32", True),
        ("2001:db8:2::11/64", "2001:db8:3::7/128", False),
        ("192.0.2.11/24", "::/0", False),
        ("0.0.0.1/8", "::1/128", False),
    ],
)
def test_whether_a_network_overlaps(own: str, prefix: str, near: bool) -> None:
    assert (NODE in connected(own).near(ip_network(prefix))) is near


@pytest.mark.parametrize(
    ("own", "name"),
    [
        pytest.param("192.0.2.11/32", "eth0", id="an address without a network"),
        pytest.param("2001:db8::11/128", "lo", id="nor of IPv6"),
        pytest.param("fe80::11/64", "eth0", id="link-local: every interface has it"),
        pytest.param("192.0.2.11/24", "kube-ipvs0", id="where Services are parked"),
        pytest.param("192.0.2.11/24", "dummy-pointsman", id="ours"),
    ],
)
def test_what_is_no_network_to_others(own: str, name: str) -> None:
    assert own_networks(None, announcer("node1", nic(name, own))) is None


def test_an_interface_that_is_down_has_its_network_again_some_day() -> None:
    assert connected("192.0.2.11/24", up=False).near(ip_network("192.0.2.64/32"))


def test_prefixes_near_the_same_networks_share_an_answer() -> None:
    one = connected("192.0.2.11/24", "192.0.2.65/26")
    assert one.near(ip_network("192.0.2.9/32")) is one.near(ip_network("192.0.2.10/32"))
    assert one.near(ip_network("192.0.2.9/32")) is not one.near(ip_network("192.0.2.66/32"))


def test_what_lies_in_a_prefix_is_named() -> None:
    owned = ((ip_address("192.0.2.1"), "BgpPeer tor-1"), (ip_address("2001:db8::1"), "Node n"))
    one = Connected({}, owned)
    assert one.inside(ip_network("192.0.2.0/28")) == "192.0.2.1 (BgpPeer tor-1) lies in it"
    assert one.inside(ip_network("2001:db8::/64")) == "2001:db8::1 (Node n) lies in it"
    assert one.inside(ip_network("192.0.2.16/28")) == ""
    assert one.inside(ip_network("::/0")) == "2001:db8::1 (Node n) lies in it"


def test_what_overlaps_a_span_is_named_once_for_a_network() -> None:
    nets = own_networks(None, announcer("node1", nic("eth0", "192.0.2.11/24")))
    assert nets is not None
    owned = ((ip_address("192.0.2.1"), "BgpPeer tor-1"),)
    both = Connected({NODE: nets, NodeName("node2"): nets}, owned)
    span = int(ip_address("192.0.2.0")), int(ip_address("192.0.2.3"))
    assert list(both.within(Family.IPV4, span)) == [
        "node1 is itself on 192.0.2.0/24 (eth0)",
        "192.0.2.1 is among its addresses (BgpPeer tor-1)",
    ]
    assert not list(both.within(Family.IPV6, span))
    far = int(ip_address("192.0.3.0")), int(ip_address("192.0.3.3"))
    assert not list(both.within(Family.IPV4, far))
