"""By which interfaces packets of others arrive, and what may hide them there."""

from ipaddress import ip_interface, ip_network

import pytest

from agent.outward import hidden, outward, own_addresses, without
from agent.snapshot import DefaultRoute, Duty, Link, LinkAddress, LinkIndex, Network
from pointsman.model.address import Family


def link(index: int, name: str, kind: str = "", **more: object) -> Link:
    for key in ("master", "lower"):
        if key in more:
            more[key] = LinkIndex(int(str(more[key])))
    return Link(LinkIndex(index), name, kind, **more)  # type: ignore[arg-type]


LO = link(1, "lo", loopback=True)
ETH0 = link(2, "eth0")


@pytest.mark.parametrize(
    ("links", "names"),
    [
        ([ETH0], ["eth0"]),
        ([ETH0, link(3, "veth1", "veth"), link(4, "cni0", "bridge")], ["eth0"]),
        ([link(3, "cni0", "bridge"), link(4, "veth1", "veth", master=3)], []),
        ([link(3, "br0", "bridge"), link(4, "eno1", master=3)], ["br0"]),
        ([link(3, "br0", "bridge"), link(4, "bond0", "bond", master=3)], ["br0"]),
        ([link(3, "bond0", "bond"), link(4, "eno1", master=3)], ["bond0"]),
        ([ETH0, link(3, "eth0.100", "vlan", lower=2)], ["eth0", "eth0.100"]),
        ([ETH0, link(3, "red", "vrf")], ["eth0"]),
        ([link(3, "red", "vrf"), link(4, "eth1", master=3)], ["eth1"]),
        # Open vSwitch may send what a port of it receives to a Pod; its own end sees the rest.
        ([link(3, "ovs-system", "openvswitch"), link(4, "eno1", master=3)], ["eno1"]),
        ([ETH0, link(3, "tunl0", "ipip"), link(4, "flannel.1", "vxlan")], None),
        ([ETH0, link(3, "kube-ipvs0", "dummy"), link(4, "dummy-pointsman", "dummy")], ["eth0"]),
    ],
)
def test_what_a_node_has(links: list[Link], names: list[str] | None) -> None:
    network = Network(links=(LO, *links))
    expected = [one.name for one in links] if names is None else names
    assert [one.name for one in outward(network)] == expected


def test_whatever_a_default_route_uses_or_is_answered_on() -> None:
    veth, tap = link(2, "eth0", "veth"), link(3, "eth1", "veth")
    network = Network(
        links=(LO, veth, tap), default_routes=(DefaultRoute(Family.IPV6, LinkIndex(2)),)
    )
    assert outward(network) == (veth,)
    assert outward(network, [Duty("eth1", "Node")]) == (veth, tap)


def test_own_addresses_are_not_looked_for_and_those_on_lo_are() -> None:
    dummy = link(3, "dummy0", "dummy")
    addresses = [
        (1, "198.51.100.1/32"), (2, "198.51.100.11/24"), (2, "fe80::1/64"), (3, "198.51.100.2/32")
    ]  # fmt: skip
    network = Network(
        links=(LO, ETH0, dummy),
        addresses=tuple(LinkAddress(LinkIndex(i), ip_interface(text)) for i, text in addresses),
    )
    own = own_addresses(network, outward(network))
    assert own == {ip_network("198.51.100.11/32")}
    left = without([ip_network("198.51.100.8/29"), ip_network("2001:db8::/32")], own)
    assert [str(one) for one in sorted(left, key=str)] == [
        *("198.51.100.10/32", "198.51.100.12/30", "198.51.100.8/31", "2001:db8::/32"),
    ]
    assert without([ip_network("198.51.100.11/32")], own) == []


def test_an_xdp_program_may_hide_packets_wherever_they_pass() -> None:
    bond, vlan = link(3, "bond0", "bond"), link(5, "bond0.7", "vlan", lower=3)
    for port in (link(4, "eno1", master=3), link(4, "eno1", master=3, xdp=True)):
        network = Network(links=(LO, bond, port, vlan))
        found = hidden(network, [vlan])
        assert ("An XDP program on eno1 may take packets" in found) is port.xdp
    card = Network(links=(LO, bond, link(4, "eno1", master=3), vlan))
    assert hidden(card, [vlan], frozenset({LinkIndex(4)})).startswith(
        "A filter of tc on eno1 is in hardware (in_hw): the card may take packets"
    )
    assert hidden(card, [vlan], frozenset({LinkIndex(1)})) == ""
    pod = link(6, "veth1", "veth", xdp=True)
    assert hidden(Network(links=(ETH0, pod)), [ETH0]) == ""
