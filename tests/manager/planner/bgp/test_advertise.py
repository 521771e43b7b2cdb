"""Paths and the verdict on them: docs/bgp.md, and the reasons of Announced."""

from dataclasses import replace
from typing import Any

import pytest

from manager.snapshot import BgpPeer, EndpointSlice, Service, ServiceKey
from pointsman.api import LabelSelector
from pointsman.model.address import Family
from tests.manager.planner.addresses.addressing import DUAL
from tests.manager.planner.scene import (
    WEB,
    announcer,
    carriers,
    condition_of,
    eip,
    endpoints,
    hops,
    nic,
    peer,
    scene,
    service,
    settled,
)

V6 = Family.IPV6
HERE = endpoints("a/web", "node1")
LOCAL = replace(WEB, policy="Local")
KEY = ServiceKey("a/web")


@pytest.mark.parametrize(
    ("web", "slices", "marks", "carry", "reason", "clause"),
    [
        pytest.param(WEB, [HERE], "", "123", "Announced", "every eligible node as", id="Cluster"),
        pytest.param(
            LOCAL, [HERE], "", "1", "Announced", "with a serving endpoint as", id="Local says so"
        ),
        pytest.param(WEB, [], "", "", "NoServingEndpoint", "no endpoint that serves", id="none"),
        pytest.param(
            LOCAL,
            [endpoints("a/web", "-")],
            "",
            "",
            "NoServingEndpoint",
            "Local and no endpoint that serves is on a known node",
            id="Local, and the endpoint is on no node",
        ),
        pytest.param(
            LOCAL,
            [HERE],
            "node1 labelled, node2 offline",
            "",
            "NoEligibleNode",
            "node1 has the label",
            id="the condition names the rule that took Local's node",
        ),
        pytest.param(
            WEB,
            [HERE],
            "node1 labelled, node2 labelled, node3 dead",
            "",
            "NoEligibleNode",
            "exclude-from-external-load-balancers; node3 has the taint",
            id="for Cluster the rule of every node",
        ),
        pytest.param(
            WEB,
            [HERE],
            "node1 drained, node2 drained, node3 drained",
            "123",
            "Announced",
            "Kept, because no other node is left: node1 is drained",
            id="the drain's guard is said",
        ),
        pytest.param(
            WEB,
            [HERE],
            "node1 drained, node2 unknown, node3 unready",
            "1",
            "Announced",
            "Kept, because no other node is left that is well: node1 is drained",
            id="where the guards meet, both rules are said",
        ),
        pytest.param(
            WEB,
            [endpoints("a/web", "node7")],
            "",
            "",
            "NoServingEndpoint",
            "it has no endpoint that serves but on Node node7, which does not exist",
            id="an endpoint on a Node that does not exist",
        ),
        pytest.param(
            WEB,
            [replace(HERE, has_ports=False)],
            "",
            "",
            "NoServingEndpoint",
            "because its EndpointSlices have no port",
            id="a slice without ports",
        ),
        pytest.param(
            WEB,
            [HERE],
            "node1 unknown, node2 unknown, node3 unknown",
            "123",
            "Announced",
            "Ignored, because too few nodes would be left: node1 is not known to be Ready",
            id="all kubelets silent: nothing is withdrawn and the condition says why",
        ),
    ],
)
def test_carriers_and_their_sentence(
    web: Service, slices: list[EndpointSlice], marks: str, carry: str, reason: str, clause: str
) -> None:
    decided = settled(scene(web, *slices, marks=marks))
    assert carriers(decided) == carry
    assert condition_of(decided).reason == reason
    assert clause in condition_of(decided).message
    by = decided.services[KEY].annotations.get("pointsman.dev/announced-by")
    assert by == ("bgp" if carry else None)


@pytest.mark.parametrize(
    ("peers", "clause"),
    [
        pytest.param({}, "there is no BgpPeer", id="no peer at all"),
        pytest.param({"bgp_peers": [peer("a", disabled=True)]}, "no BgpPeer can be used", id="off"),
        pytest.param(
            {"bgp_peers": [peer("a", families=["ipv6-unicast"])]},
            "no BgpPeer has ipv4-unicast",
            id="none of the family",
        ),
    ],
)
def test_nobody_hears_it(peers: dict[str, list[BgpPeer]], clause: str) -> None:
    some = {one.name: one for one in peers.get("bgp_peers", [])}
    decided = settled(scene(WEB, HERE, bgp_peers=some))
    assert condition_of(decided).reason == "NoPeer"
    assert clause in condition_of(decided).message
    assert not decided.speakers[0].routes


def test_every_peer_hears_the_families_it_takes_with_next_hops_of_the_same_family() -> None:
    web = service("a/web", **DUAL)
    decided = settled(
        scene(
            web,
            HERE,
            endpoints("a/web", "node2", family=V6),
            peer("both"),
            peer("six", "192.0.2.2", families=["ipv6-unicast"]),
            marks="",
        )
    )
    fours = [f"192.0.2.1{n}" for n in (1, 2, 3)]
    sixes = [f"2001:db8:2::1{n}" for n in (1, 2, 3)]
    assert hops(decided, "198.51.100.0/32") == {"both": fours}
    assert hops(decided, "2001:db8:100::/128") == {"both": sixes, "six": sixes}


def test_local_is_per_family() -> None:
    web = service("a/web", policy="Local", **DUAL)
    decided = settled(scene(web, HERE, endpoints("a/web", "node2", family=V6)))
    assert hops(decided) == {"tor-1": ["192.0.2.11", "2001:db8:2::12"]}


def test_one_family_without_endpoints_is_named_and_the_other_is_served() -> None:
    decided = settled(scene(service("a/web", **DUAL), HERE))
    assert hops(decided) == {"tor-1": ["192.0.2.11", "192.0.2.12", "192.0.2.13"]}
    assert decided.services[KEY].annotations["pointsman.dev/announced-by"] == "bgp"
    assert condition_of(decided).message.startswith(
        "2001:db8:100:: of Service a/web is withdrawn: it has no IPv6 endpoint that serves."
    )


def test_nodes_without_the_family_are_no_next_hops_and_are_named_when_none_is_left() -> None:
    some = {
        name: replace(one, internal_ips=one.internal_ips[:1]) for name, one in scene().nodes.items()
    }
    web = service("a/web", families=(V6,))
    decided = settled(scene(web, endpoints("a/web", "node1", family=V6), nodes=some))
    assert not decided.speakers[0].routes
    assert condition_of(decided).reason == "NoEligibleNode"
    assert "node1 has no IPv6 address; node2" in condition_of(decided).message


def test_peers_on_different_networks_are_told_different_next_hops() -> None:
    agents = {
        f"node{n}": announcer(
            f"node{n}", nic("eth0", f"192.0.2.1{n}/24"), nic("eth1", f"10.0.0.1{n}/24")
        )
        for n in (1, 2, 3)
    }
    decided = settled(
        scene(LOCAL, HERE, peer("left"), peer("right", "10.0.0.1"), announcers=agents)
    )
    assert hops(decided) == {"left": ["192.0.2.11"], "right": ["10.0.0.11"]}


def test_two_peers_on_one_network_share_each_path() -> None:
    decided = settled(scene(LOCAL, HERE, peer("one"), peer("two", "192.0.2.2")))
    assert [sorted(route.peers) for route in decided.speakers[0].routes.values()] == [
        ["one", "two"]
    ]


def test_the_nodeselector_of_the_eip_is_independent_of_the_policy() -> None:
    rack = eip(
        "rack",
        "198.51.100.0/28",
        default=True,
        node_selector=LabelSelector(match_labels={"rack": "2"}),
    )
    assert carriers(settled(scene(WEB, HERE, rack, marks="node2 rack2"))) == "2"
    assert carriers(settled(scene(LOCAL, HERE, rack, marks="node2 rack2"))) == ""


def test_protocol_none_is_allocated_and_left_to_others() -> None:
    decided = settled(scene(WEB, HERE, eip("x", "203.0.113.0/29", default=True, protocol="none")))
    assert not decided.speakers[0].routes
    assert (condition_of(decided).reason, condition_of(decided, kind="Allocated").status) == (
        "NotAnnounced",
        "True",
    )


def test_sharers_each_add_their_carriers() -> None:
    shared = {"share-key": "k"}
    decided = settled(
        scene(
            service("a/web", notes=shared, policy="Local", selector={"app": "x"}),
            service("a/dns", notes=shared, policy="Local", selector={"app": "x"}),
            HERE,
            endpoints("a/dns", "node2"),
        )
    )
    assert hops(decided) == {"tor-1": ["192.0.2.11", "192.0.2.12"]}


@pytest.mark.parametrize(
    ("policy", "marks", "begins"),
    [
        pytest.param("Cluster", "", "Service a/dns is not served: it has no", id="no endpoint"),
        pytest.param(
            "Local", "node3 labelled", "Service a/dns is not served, because", id="no node"
        ),
    ],
)
def test_who_cannot_use_a_shared_address_does_not_call_it_withdrawn(
    policy: str, marks: str, begins: str
) -> None:
    terms: dict[str, Any] = {"notes": {"share-key": "k"}, "policy": policy, "selector": {"a": "x"}}
    there = endpoints("a/dns", "node3" if marks else "node3:unready")
    decided = settled(
        scene(service("a/web", **terms), service("a/dns", **terms), HERE, there, marks=marks)
    )
    assert hops(decided)["tor-1"]
    assert condition_of(decided).status == "True"
    assert condition_of(decided, "a/dns").message.startswith(begins)
    assert (
        "stays advertised while a Service on it is served" in condition_of(decided, "a/dns").message
    )
