"""Gateways that are kernels, asked by a node in the name of its addresses."""

import asyncio
from ipaddress import ip_address

import pytest

from agent.snapshot import Unacknowledged
from lab.network import netns
from tests.agent.adapters.answering import (
    FOUR,
    PATIENCE_S,
    SIX,
    Answering,
    assigned,
    eventually,
)
from tests.agent.adapters.lan import NODE_MAC

pytestmark = pytest.mark.lab


async def test_a_gateway_that_ignores_what_is_announced_learns_it_by_being_asked(
    node: Answering,
) -> None:
    """Both families, on a kernel: its answer comes to this node, so it knows where it is."""
    deaf = {
        "net.ipv4.conf.eth0.drop_gratuitous_arp": 1,
        "net.ipv6.conf.eth0.drop_unsolicited_na": 1,
    }
    netns.sysctl(node.wires.namespace("client"), deaf)
    old = "lladdr 02:00:00:00:00:77 dev eth0 nud stale"
    node.wires.ip("client", f"neigh replace {FOUR} {old}", f"neigh replace {SIX} {old}")
    node.wires.ip("node", "route add default via 192.0.2.1")
    node.wires.ip("node", "route add ::/0 via 2001:db8:2::1")
    await node.follow(assigned(FOUR, SIX))
    for address in (FOUR, SIX):
        async with asyncio.timeout(PATIENCE_S):
            while await node.run(node.wires.neighbor, address) != NODE_MAC:
                await asyncio.sleep(0.05)
    # Each family's, however often a link that was not heard yet had them asked anew.
    await eventually(lambda: node.responders.totals.gateway_acks >= 2)
    assert node.responders.silent == 0


async def test_a_gateway_that_never_answers_is_said_with_the_addresses(node: Answering) -> None:
    node.wires.ip("node", "route add default via 192.0.2.99")
    await node.follow(assigned(FOUR, SIX))
    expected = (Unacknowledged(ip_address(FOUR), "eth0", ip_address("192.0.2.99")),)
    await eventually(lambda: node.responders.unacknowledged == expected)
    assert node.wakes
    node.wires.ip("node", "route del default")
    await node.follow(assigned(FOUR, SIX))
    assert node.responders.silent == 0
