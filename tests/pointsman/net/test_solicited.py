"""Groups on a real kernel: what it lists, what a shared one survives, and when they go."""

import errno
from collections.abc import Iterator
from ipaddress import IPv6Address, IPv6Network

import pytest

from lab.network import netns
from pointsman.net.solicited import SolicitedNodeGroups
from pointsman.wire.ndp import solicited_node_group
from tests.pointsman.net.wires import Cable, cable

A = IPv6Address("2001:db8:2::1:2")
SAME_GROUP = IPv6Address("2001:db8:9::1:2")
OTHER = IPv6Address("2001:db8:2::7")


@pytest.fixture
def wires() -> Iterator[Cable]:
    with cable() as made:
        yield made


def listed(wires: Cable, address: IPv6Address) -> bool:
    return solicited_node_group(address).packed.hex() in wires.memberships("near")


@pytest.mark.lab
def test_a_group_is_left_with_its_last_address(wires: Cable) -> None:
    with netns.entered(wires.namespace):
        groups = SolicitedNodeGroups(wires.index("near"))
        assert groups.follow([A, SAME_GROUP, OTHER]) is None
        assert listed(wires, A)
        assert listed(wires, OTHER)
        assert groups.follow([SAME_GROUP]) is None
        assert listed(wires, SAME_GROUP)
        assert not listed(wires, OTHER)
        groups.follow([])
        assert not listed(wires, A)
        groups.follow([A])
        groups.close()
        assert not listed(wires, A)


@pytest.mark.lab
def test_more_than_one_socket_takes_are_joined_all_the_same(wires: Cable) -> None:
    many = [IPv6Network("2001:db8:2::/64")[number] for number in range(1, 6001)]
    with netns.entered(wires.namespace):
        groups = SolicitedNodeGroups(wires.index("near"))
        assert groups.follow(many) is None
        assert len(groups.joined) == len(many)
        assert len(groups.sockets) > 1
        assert len(wires.memberships("near")) >= len(many)
        groups.close()


@pytest.mark.lab
def test_what_the_kernel_refuses_is_said_and_tried_again(wires: Cable) -> None:
    with netns.entered(wires.namespace):
        index = wires.index("near")
        groups = SolicitedNodeGroups(index)
        netns.sysctl(wires.namespace, {"net.ipv6.conf.near.disable_ipv6": 0})
        wires.ip("link set near mtu 1000")  # below IPv6's least: the kernel takes IPv6 off it
        refused = groups.follow([A])
        assert refused is not None
        assert refused.errno in (errno.ENODEV, errno.EINVAL)
        wires.ip("link set near mtu 1500")
        assert groups.follow([A]) is None
        assert listed(wires, A)
        groups.close()


@pytest.mark.lab
def test_groups_of_an_interface_that_is_gone_are_let_go(wires: Cable) -> None:
    with netns.entered(wires.namespace):
        groups = SolicitedNodeGroups(wires.index("near"))
        groups.follow([A])
        wires.ip("link del near")
        assert groups.follow([]) is None
        groups.close()
