"""One address on several nodes: whose it is, whose next hop it is not, and that it is said."""

from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import pytest

from manager.planner.nodes.duplicate_addresses import duplicate_addresses
from manager.snapshot import Announcer, NodeName, Snapshot
from pointsman.model.record import ResourceKey
from tests.manager.planner.scene import (
    WEB,
    announcer,
    endpoints,
    hops,
    nic,
    nodes,
    scene,
    settled,
)

TOR = ResourceKey("BgpPeer", "tor-1")


def world(*of: tuple[str, ...], **more: Any) -> Snapshot:
    """Three nodes whose agents report these addresses, on eth0, in a network of the router."""
    agents = {
        NodeName(f"node{n}"): announcer(f"node{n}", nic("eth0", *(f"{a}/24" for a in addresses)))
        for n, addresses in enumerate(of, 1)
    }
    return scene(WEB, endpoints("a/web", "node1"), announcers=agents, **more)


def next_hops_and_contested(snapshot: Snapshot) -> tuple[list[str], str]:
    """Return the next hops that the router is sent, and what is said of contested ones."""
    decided = settled(snapshot)
    contested = decided.statuses[TOR].conditions.get("NextHopsContested")
    return hops(decided)["tor-1"], "" if contested is None else contested.message


OWN = ("192.0.2.11", "192.0.2.12", "192.0.2.13")


@pytest.mark.parametrize(
    ("of", "expected", "named"),
    [
        pytest.param([(OWN[0],), (OWN[1],), (OWN[2],)], OWN, "", id="each its own"),
        pytest.param(
            [(OWN[0],), (OWN[0],), (OWN[2],)],
            OWN,
            "192.0.2.11 on node1 and node2",
            id="node2 reports node1's InternalIP: its own stays its next hop",
        ),
        pytest.param(
            [("192.0.2.5",), ("192.0.2.5",), (OWN[2],)],
            OWN,
            "192.0.2.5 on node1 and node2",
            id="nobody's InternalIP on two nodes: nobody's next hop",
        ),
        pytest.param(
            [("192.0.2.5", "192.0.2.21"), ("192.0.2.5",), (OWN[2],)],
            ("192.0.2.12", "192.0.2.13", "192.0.2.21"),
            "192.0.2.5 on node1 and node2",
            id="another address on that network serves",
        ),
        pytest.param(
            [("192.0.2.5",), (OWN[1],), (OWN[2],)],
            ("192.0.2.12", "192.0.2.13", "192.0.2.5"),
            "",
            id="on one node alone it is a next hop",
        ),
    ],
)
def test_an_address_of_several_nodes(
    of: list[tuple[str, ...]], expected: tuple[str, ...], named: str
) -> None:
    found, contested = next_hops_and_contested(world(*of))
    assert sorted(found) == sorted(expected)
    assert named in contested
    assert bool(contested) is bool(named)


def test_no_two_nodes_are_reached_by_one_address_whatever_agents_report() -> None:
    """But for Nodes that Kubernetes itself gives one InternalIP."""
    some = ("192.0.2.5", "192.0.2.6", *OWN)
    for one in some:
        for other in some:
            for third in (*some, "192.0.2.7"):
                decided = settled(world((one,), (other, third), (third,)))
                near = hops(decided)["tor-1"]
                assert len(near) == len(set(near)) == 3


def test_two_nodes_of_one_internal_ip_retain_it_and_a_condition_names_it() -> None:
    both = nodes()
    second = NodeName("node2")
    both[second] = replace(both[second], internal_ips=both[NodeName("node1")].internal_ips)
    found, contested = next_hops_and_contested(world((OWN[0],), (OWN[0],), (OWN[2],), nodes=both))
    assert found == ["192.0.2.11", "192.0.2.13"]
    assert "192.0.2.11 on node1 and node2" in contested


def test_what_every_node_has_on_networks_of_its_own_is_nothing_to_say() -> None:
    bridge = nic("docker0", "172.17.0.1/16")
    snapshot = world(*((one,) for one in OWN))
    agents = {
        name: replace(one, interfaces=(*one.interfaces, bridge))
        for name, one in snapshot.announcers.items()
    }
    assert next_hops_and_contested(replace(snapshot, announcers=agents)) == (list(OWN), "")


@pytest.mark.parametrize("name", ["kube-ipvs0", "pointsman0"])
def test_parked_and_service_addresses_are_no_nodes(name: str) -> None:
    vip = ip_address("198.51.100.0")
    parked = nic(name, "192.0.2.99/32")
    agents = {
        NodeName(f"node{n}"): Announcer(
            NodeName(f"node{n}"),
            reported=True,
            interfaces=(parked, nic("lo1", "198.51.100.0/32")),
        )
        for n in (1, 2)
    }
    assert not duplicate_addresses(scene(announcers=agents), frozenset({vip})).nodes
    assert duplicate_addresses(scene(announcers=agents), frozenset()).nodes.keys() == {vip}
