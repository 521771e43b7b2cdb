"""At which interface each node could answer: by network, by name, on the way to an address."""

from dataclasses import replace
from typing import Any

import pytest

from manager.snapshot import NodeName
from tests.manager.planner.addresses.addressing import service
from tests.manager.planner.layer2.lan import (
    FIRST,
    WEB,
    agent,
    agents,
    announced,
    by,
    lan,
    lan_eip,
    owners,
    served,
    settled,
)
from tests.manager.planner.scene import announcer, eip, nic, nodes


@pytest.mark.parametrize(
    ("layer2", "interfaces", "expected"),
    [
        ({}, ("eth0 192.0.2.11/24",), "eth0"),
        ({}, ("eth0 203.0.113.11/24", "eth1 192.0.2.11/24"), "eth1"),
        ({}, ("eth0 192.0.2.11/24", "eth1 192.0.2.12/24"), "eth0"),
        ({}, ("eth0 192.0.0.11/16", "eth1 192.0.2.12/24"), "eth1"),
        ({}, ("eth0 down 192.0.2.11/24", "eth1 192.0.2.12/24"), "eth1"),
        ({}, ("eth0 down 192.0.2.11/24",), ""),
        ({}, ("eth0 192.0.2.11/32",), ""),
        ({}, ("cni0 192.0.2.11/24 pods",), ""),
        ({}, ("kube-ipvs0 192.0.2.11/24",), ""),
        ({"interface": "eth1"}, ("eth0 192.0.2.11/24", "eth1 203.0.113.11/24"), "eth1"),
        ({"interface": "eth1"}, ("eth0 192.0.2.11/24", "eth1 down 203.0.113.11/24"), ""),
        (
            {"interface": "can_reach:203.0.113.1"},
            ("eth0 192.0.2.11/24", "eth1 203.0.113.11/24"),
            "eth1",
        ),
        (
            {"interface": "can_reach:198.51.100.1"},
            ("eth0 192.0.2.11/24", "eth1 203.0.113.11/24 default"),
            "eth1",
        ),
        ({"interface": "can_reach:198.51.100.1"}, ("eth0 192.0.2.11/24",), ""),
    ],
)
def test_the_interface(layer2: Any, interfaces: tuple[str, ...], expected: str) -> None:
    nics: list[Any] = []
    default: Any = ()
    cidrs: Any = ()
    for text in interfaces:
        name, *words = text.split()
        found = next(word for word in words if "/" in word)
        nics.append(nic(name, found, up="down" not in words))
        if "default" in words:
            default = ((WEB.families[0], name),)
        if "pods" in words:
            cidrs = (nics[-1].addresses[0].network,)
    one = announcer("node1", *nics, default_interfaces=default)
    only = {n: replace(node, pod_cidrs=cidrs) for n, node in nodes().items() if n == "node1"}
    snapshot = lan(*served(WEB), lan_eip(**layer2), announcers={one.node: one}, nodes=only)
    seen, decided = settled(snapshot)
    assert owners(seen) == ({FIRST: [f"node1/{expected}"]} if expected else {})
    assert expected or announced(decided).startswith("False NoNodeOnSubnet: ")


def test_an_interface_that_reaches_no_gateway_is_none_while_there_is_another() -> None:
    many = [service(f"a/web-{n}") for n in range(6)]
    cut = {NodeName("node1"): frozenset({"eth0"}), NodeName("node3"): frozenset({"eth9"})}
    seen, _ = settled(lan(*served(*many), links_down=cut))
    found = {one for names in owners(seen).values() for one in names}
    assert found == {"node2/eth0", "node3/eth0"}
    # The gateway is down: nobody reaches it, and the LAN has hosts besides.
    lost = {NodeName(f"node{n}"): frozenset({"eth0"}) for n in (1, 2, 3)}
    after, _ = settled(replace(seen, links_down=lost))
    assert owners(after) == owners(seen)
    assert len(owners(settled(lan(links_down=lost))[0])) == 1
    two = agent("node1", nic("eth1", "192.0.2.21/24"))
    only = {n: node for n, node in nodes().items() if n == "node1"}
    seen, _ = settled(lan(links_down=lost, announcers={two.node: two}, nodes=only))
    assert owners(seen) == {FIRST: ["node1/eth1"]}


def test_of_two_interfaces_the_one_that_has_it_keeps_it_while_it_may() -> None:
    two = nic("eth1", "192.0.2.21/24")
    one = {NodeName("node1"): agent("node1", two, up=False)}
    only = {n: node for n, node in nodes().items() if n == "node1"}
    seen, _ = settled(lan(announcers=one, nodes=only))
    assert owners(seen) == {FIRST: ["node1/eth1"]}
    healed = {
        n: replace(a, interfaces=agent("node1", two).interfaces) for n, a in seen.announcers.items()
    }
    seen, _ = settled(replace(seen, announcers=healed))
    assert owners(seen) == {FIRST: ["node1/eth1"]}
    lost = {n: replace(a, interfaces=agent("node1").interfaces) for n, a in seen.announcers.items()}
    seen, decided = settled(replace(seen, announcers=lost))
    assert (owners(seen), by(decided)) == ({FIRST: ["node1/eth0"]}, "node1/eth0")


def test_nobody_on_the_subnet_and_what_each_node_lacks() -> None:
    far = announcer("node1", nic("eth0", "203.0.113.11/24"))
    mute = replace(agent("node3"), reported=False, interfaces=())
    down = agent("node2", up=False)
    seen, decided = settled(lan(announcers=agents(far, down, mute)))
    assert not owners(seen)
    assert announced(decided) == (
        "False NoNodeOnSubnet: Service a/web is not announced, because no node that may carry its "
        "traffic could answer for it: node1 has no interface on its network; eth0 of node2 is "
        "down; the agent of node3 has not reported its interfaces. Use addresses "
        "of a network that the nodes are on, or name an interface in layer2.interface of the Eip."
    )
    assert [one.excluded_by for one in decided.announcements[WEB.key].candidates] == [
        "node1 has no interface on its network",
        "eth0 of node2 is down",
        "the agent of node3 has not reported its interfaces",
    ]


def test_an_ip_outside_the_lan_in_an_eip_of_the_name_rule_goes_anywhere() -> None:
    far = eip(
        "lan", "198.51.100.0/28", default=True, protocol="layer2", layer2={"interface": "eth0"}
    )
    seen, _ = settled(lan(*served(WEB), far))
    assert len(owners(seen)["198.51.100.0"]) == 1


def test_an_address_that_a_data_plane_parks_on_every_node_is_no_network() -> None:
    seen, _ = settled(lan())
    parked = nic("dummy0", f"{FIRST}/32")  # reported after it was given
    seen = replace(seen, announcers=agents(*(agent(f"node{n}", parked) for n in (1, 2, 3))))
    after, _ = settled(seen)
    assert [at.partition("/")[2] for at in owners(after)[FIRST]] == ["eth0"]
