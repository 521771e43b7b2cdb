from itertools import combinations

import pytest

from lab.network.topology import CLIENT, Topology, owns
from pointsman.runtime.errors import Misuse


def test_the_documented_addresses() -> None:
    """As docs/lab.md has them, to the letter."""
    lab = Topology()
    lan = lab.lans[0]
    assert [str(a) for a in lan.router] == ["192.0.2.1/24", "2001:db8:2::1/64"]
    assert [str(a) for a in lab.managers[0].addresses] == ["192.0.2.10/24", "2001:db8:2::10/64"]
    assert [[str(a.ip) for a in node.addresses] for node in lab.nodes] == [
        ["192.0.2.11", "2001:db8:2::11"],
        ["192.0.2.12", "2001:db8:2::12"],
        ["192.0.2.13", "2001:db8:2::13"],
    ]
    assert [str(v4.ip) for v4, _ in lab.nodes[1].pods] == [
        "10.244.2.10",
        "10.244.2.11",
        "10.244.2.12",
    ]


def test_the_documented_addresses_of_two_racks() -> None:
    lab = Topology(rack_count=2)
    assert [[str(a.ip) for a in node.addresses] for node in lab.nodes] == [
        ["192.0.2.11", "2001:db8:2::11"],
        ["192.0.2.212", "2001:db8:202::212"],
        ["192.0.2.13", "2001:db8:2::13"],
    ]
    assert [str(rack.lan.router[0]) for rack in lab.racks] == ["192.0.2.1/25", "192.0.2.201/26"]
    assert [node.zone for node in lab.nodes] == ["rack1", "rack2", "rack1"]
    assert str(lab.managers[0].addresses[0]) == "192.0.2.10/25"
    assert Topology().racks == ()


@pytest.mark.parametrize(
    "lab",
    [
        pytest.param(Topology(node_count=64, subnets=2, manager_count=2), id="subnets"),
        pytest.param(Topology(node_count=40, rack_count=2, manager_count=2), id="racks"),
    ],
)
def test_no_address_is_used_twice(lab: Topology) -> None:
    every = [a for node in lab.nodes for a in node.addresses]
    every += [a for node in lab.nodes for pair in node.pods for a in pair]
    every += [a for node in lab.nodes for a in node.pod_gateway]
    every += [a for manager in lab.managers for a in manager.addresses]
    every += [a for lan in lab.lans for a in lan.router]
    every += [a for rack in lab.racks for a in (*rack.tor_end, *rack.spine_end)]
    assert len({a.ip for a in every}) == len(every)
    links = [lan.router for lan in lab.lans] + [rack.tor_end for rack in lab.racks] + [CLIENT]
    for one, other in combinations([a.network for pair in links for a in pair], 2):
        assert one.version != other.version or not one.overlaps(other)
    for node in lab.nodes:
        assert [a.network for a in node.addresses] == [a.network for a in node.lan.router]


def test_two_subnets_share_the_nodes() -> None:
    lab = Topology(node_count=4, subnets=2)
    assert [node.lan.number for node in lab.nodes] == [1, 2, 1, 2]
    networks = {node.addresses[0].network for node in lab.nodes}
    assert len(networks) == 2


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("", id="no name"),
        pytest.param("Lab", id="upper case"),
        pytest.param("a/b", id="a path"),
        pytest.param("-a", id="a flag"),
        pytest.param("a-", id="ends in a dash"),
        pytest.param("a" * 21, id="too long for a socket's path"),
    ],
)
def test_a_name_that_cannot_be_built_is_refused(name: str) -> None:
    with pytest.raises(Misuse, match="can't name a lab"):
        Topology(name)


@pytest.mark.parametrize(
    ("size", "word"),
    [
        ({"node_count": 0}, "--nodes 0"),
        ({"node_count": 65}, "--nodes 65"),
        ({"subnets": 3}, "--subnets 3"),
        ({"manager_count": 3}, "--managers 3"),
        ({"rack_count": 3}, "--racks 3"),
        ({"pods_per_node": 0}, "--pods 0"),
        ({"pods_per_node": 90}, "--pods 90"),
        ({"rack_count": 2, "node_count": 41}, "--nodes 41"),
        ({"rack_count": 2, "subnets": 2}, "beside --subnets 2"),
        ({"rack_count": 2, "router_count": 2}, "beside --subnets 2 or --routers 2"),
    ],
)
def test_a_size_that_cannot_be_built_is_refused(size: dict[str, int], word: str) -> None:
    with pytest.raises(Misuse, match=word):
        Topology("a", **size)  # type: ignore[arg-type]


def test_an_unknown_machine_is_answered_with_the_known_ones() -> None:
    with pytest.raises(Misuse, match="it has switch, router, client, manager, node1, node1-pods"):
        Topology(node_count=1).namespace("node2")


@pytest.mark.parametrize(
    ("namespace", "ours"),
    [
        pytest.param("pm-a-router", True, id="a machine of ours"),
        pytest.param("pm-a-node12-pods", True, id="a pod namespace of ours"),
        pytest.param("pm-a-manager2", True, id="the second manager"),
        pytest.param("pm-a-b-router", False, id="a machine of lab a-b"),
        pytest.param("pm-ab-router", False, id="a machine of lab ab"),
        pytest.param("pm-a-other", False, id="somebody else's namespace"),
        pytest.param("a-router", False, id="without the prefix"),
    ],
)
def test_what_down_may_remove(namespace: str, ours: bool) -> None:
    assert owns("a", namespace) is ours


def test_every_machine_is_one_down_removes() -> None:
    lab = Topology("a", node_count=12, manager_count=2, rack_count=2)
    assert {"tor1", "tor2"} <= set(lab.machines())
    assert all(owns("a", lab.namespace(machine)) for machine in lab.machines())


def test_further_speakers_have_addresses_and_names_of_their_own() -> None:
    lab = Topology(manager_count=2, speaker_count=3)
    first, second = lab.managers
    assert first.sidecars == ("sidecar", "sidecar:1", "sidecar:2")
    assert [[str(one) for one in pair] for pair in first.further] == [
        ["192.0.2.101/24", "2001:db8:2::101/64"],
        ["192.0.2.102/24", "2001:db8:2::102/64"],
    ]
    assert [str(pair[0].ip) for pair in second.further] == ["192.0.2.111", "192.0.2.112"]
    assert Topology().managers[0].further == ()
    with pytest.raises(Misuse, match="--speakers 10 can't be built"):
        Topology(speaker_count=10)
