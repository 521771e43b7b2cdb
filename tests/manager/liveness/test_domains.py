from ipaddress import IPv4Address, IPv4Interface

from manager.liveness.domains import failure_domains
from manager.snapshot import Announcer, Interface, Node, NodeName
from pointsman.model.names import ZONE

NAMES = tuple(NodeName(f"node{n}") for n in range(1, 6))


def node(name: NodeName, address: str, zone: str = "") -> Node:
    labels = {ZONE: zone} if zone else {}
    return Node(name, labels=labels, internal_ips=(IPv4Address(address),))


def report(name: NodeName, *addresses: str) -> Announcer:
    return Announcer(
        name, interfaces=(Interface("eth0", addresses=tuple(map(IPv4Interface, addresses))),)
    )


def test_a_subnet_of_internal_ips_and_a_zone_are_domains() -> None:
    addresses = ("192.0.2.11", "192.0.2.12", "198.51.100.11", "198.51.100.12", "203.0.113.5")
    zones = ("a", "", "a", "b", "")
    nodes = {n: node(n, a, z) for n, a, z in zip(NAMES, addresses, zones, strict=True)}
    announcers = {
        n: report(n, f"{a}/24", "10.0.0.1/8") for n, a in zip(NAMES, addresses, strict=True)
    }
    assert failure_domains(NAMES, nodes, announcers) == {
        "node1": ("subnet 192.0.2.0/24", "zone a"),
        "node2": ("subnet 192.0.2.0/24",),
        "node3": ("subnet 198.51.100.0/24", "zone a"),
        "node4": ("subnet 198.51.100.0/24",),  # the only one of its zone
        "node5": (),
    }


def test_a_domain_of_all_agents_is_none() -> None:
    nodes = {n: node(n, f"192.0.2.{i}", "a") for i, n in enumerate(NAMES, 1)}
    announcers = {n: report(n, f"192.0.2.{i}/24") for i, n in enumerate(NAMES, 1)}
    assert set(failure_domains(NAMES, nodes, announcers).values()) == {()}


def test_domains_of_the_same_agents_are_one() -> None:
    nodes = {n: node(n, f"192.0.{i // 3}.{i}", f"{i // 3}") for i, n in enumerate(NAMES, 1)}
    announcers = {n: report(n, f"192.0.{i // 3}.{i}/24") for i, n in enumerate(NAMES, 1)}
    assert failure_domains(NAMES, nodes, announcers) == {
        "node1": ("subnet 192.0.0.0/24",),
        "node2": ("subnet 192.0.0.0/24",),
        "node3": ("subnet 192.0.1.0/24",),
        "node4": ("subnet 192.0.1.0/24",),
        "node5": ("subnet 192.0.1.0/24",),
    }


def test_only_agents_count() -> None:
    nodes = {n: node(n, f"192.0.2.{i}", "a" if i < 3 else "b") for i, n in enumerate(NAMES, 1)}
    assert failure_domains((NAMES[0], NAMES[2], NAMES[3]), nodes, {}) == {
        "node1": (),
        "node3": ("zone b",),
        "node4": ("zone b",),
    }


def test_an_agent_whose_node_is_gone_is_in_no_domain() -> None:
    assert failure_domains((NAMES[0],), {}, {}) == {"node1": ()}
