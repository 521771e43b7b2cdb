"""Responders on real interfaces, asked by arping, ndisc6 and a kernel."""

import asyncio
import contextlib
import os
import resource
import socket
import time
from collections.abc import Callable
from ipaddress import IPv6Address

import pytest

from agent.looks import Looked
from agent.snapshot import Assignment
from lab.network import netns
from pointsman.runtime.pace import REPORT_S
from pointsman.wire.ethernet import ETH_P_IPV6, multicast_mac
from pointsman.wire.ndp import ALL_NODES, Advertisement, read_ndp, write_advertisement
from tests.agent.adapters.answering import (
    FOUR,
    SIX,
    Answering,
    assigned,
    eventually,
)
from tests.agent.adapters.lan import NODE_MAC, STRANGER_MAC, Lan, plug

pytestmark = pytest.mark.lab


async def test_one_mac_answers_both_families_while_it_is_assigned(node: Answering) -> None:
    assert await node.macs() == set()
    await node.follow(assigned(FOUR, SIX))
    assert await node.macs() == {NODE_MAC}
    assert await node.macs6() == {NODE_MAC}
    assert node.responders.announced == 2
    await node.follow(assigned(SIX))
    assert await node.macs() == set()
    assert await node.macs6() == {NODE_MAC}
    await node.follow(Assignment(4))
    assert await node.macs6() == set()
    assert node.responders.announced == 0


async def test_an_address_in_use_is_not_taken_and_its_holder_is_named(node: Answering) -> None:
    node.wires.ip("stranger", f"addr add {FOUR}/24 dev eth0", f"addr add {SIX}/64 dev eth0 nodad")
    await node.follow(assigned(FOUR, SIX, probe=(FOUR, SIX)))
    await asyncio.to_thread(node.wires.arping, "192.0.2.11")  # a silent link proves nothing
    await eventually(
        lambda: sum(STRANGER_MAC in one.reason for one in node.responders.withheld) == 2
    )
    assert await node.macs() == {STRANGER_MAC}
    assert await node.macs6() == {STRANGER_MAC}
    found = {(str(one.address), one.interface, one.mac) for one in node.responders.conflicts}
    assert found == {(FOUR, "eth0", STRANGER_MAC), (SIX, "eth0", STRANGER_MAC)}
    assert all(one.since.endswith("Z") for one in node.responders.conflicts)


async def test_a_free_address_is_taken_once_it_was_probed(node: Answering) -> None:
    await node.follow(assigned(FOUR, SIX, probe=(FOUR, SIX)))
    # Nobody has been heard yet on this silent link: any frame is enough.
    await asyncio.to_thread(node.wires.arping, "192.0.2.11")
    await eventually(lambda: node.responders.announced == 2)
    assert await node.macs() == {NODE_MAC}
    assert await node.macs6() == {NODE_MAC}
    assert node.responders.withheld == ()


@pytest.mark.parametrize("address", [FOUR, SIX])
async def test_a_claim_is_looked_up_and_an_address_that_stays_ours_is_defended(
    node: Answering, address: str
) -> None:
    client = await follow_and_learn(node, address)
    assert client() == NODE_MAC
    await asyncio.to_thread(claim, node.wires, address)
    await eventually(lambda: node.looks)
    await eventually(lambda: client() == NODE_MAC)
    await eventually(lambda: [str(one.address) for one in node.responders.conflicts] == [address])
    assert node.responders.announced == 1
    assert node.responders.totals.claims >= 1


@pytest.mark.parametrize("address", [FOUR, SIX])
async def test_a_claim_that_turns_out_to_be_rightful_is_given_way_to(
    node: Answering, address: str
) -> None:
    client = await follow_and_learn(node, address)
    node.truth = Looked(None)
    await asyncio.to_thread(claim, node.wires, address)
    await eventually(lambda: node.looks)
    await eventually(lambda: client() == STRANGER_MAC)
    assert node.responders.announced == 0


@pytest.mark.parametrize("address", [FOUR, SIX])
async def test_cut_off_from_all_who_know_it_gives_way_while_somebody_answers(
    node: Answering, address: str
) -> None:
    client = await follow_and_learn(node, address)
    node.truth = None
    await asyncio.to_thread(claim, node.wires, address)
    await eventually(lambda: node.responders.announced == 0)
    assert client() == STRANGER_MAC
    await eventually(lambda: any(STRANGER_MAC in one.reason for one in node.responders.withheld))
    node.wires.ip("stranger", "link set eth0 down")
    await eventually(lambda: node.responders.announced == 1)
    await eventually(lambda: client() == NODE_MAC)


async def test_a_link_that_comes_back_and_another_mac_are_announced(node: Answering) -> None:
    client = await follow_and_learn(node, FOUR)
    other = "02:00:00:00:01:aa"
    node.wires.ip("node", f"link set eth0 address {other}")
    await node.follow(assigned(FOUR))
    await eventually(lambda: client() == other)
    before = node.responders.totals.announcements
    for word in ("down", "up"):
        node.wires.ip("switch", f"link set node {word}")
        await node.sees("eth0", up=word == "up")
        await node.follow(assigned(FOUR))
    await eventually(lambda: node.responders.totals.announcements > before)
    assert await node.macs() == {other}


async def test_announcements_come_from_the_link_local_address_that_there_is(
    node: Answering,
) -> None:
    """A network that inspects what is announced drops it from an address that nobody has."""
    await follow_and_learn(node, SIX)
    node.wires.ip("node", "addr flush dev eth0 scope link")
    node.wires.ip("node", "addr add fe80::aa/64 dev eth0 nodad")
    senders: set[str] = set()
    with netns.entered(node.wires.namespace("client")):
        heard = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_IPV6))
    with heard:
        heard.setblocking(False)
        for word in ("down", "up"):
            node.wires.ip("switch", f"link set node {word}")
            await node.sees("eth0", up=word == "up")
            await node.follow(assigned(SIX))

        def announced() -> bool:
            with contextlib.suppress(BlockingIOError):
                while True:
                    packet = read_ndp(heard.recv(2048))
                    if isinstance(packet, Advertisement) and not packet.solicited:
                        senders.add(str(packet.sender))
            return bool(senders)

        await eventually(announced)
    assert senders == {"fe80::aa"}


async def test_an_interface_that_comes_later_and_one_that_is_replaced_are_used(
    node: Answering,
) -> None:
    node.wires.ip("node", "link del eth0")
    await node.follow(assigned(FOUR))
    await eventually(lambda: node.responders.withheld)
    assert "no interface eth0" in node.responders.withheld[0].reason
    for _ in range(2):
        plug(node.wires, "node")
        await node.follow(assigned(FOUR))
        assert await node.macs() == {NODE_MAC}
        node.wires.ip("node", "link del eth0")
        await node.follow(assigned(FOUR))
    assert node.responders.announced == 0


async def test_what_is_renamed_goes_on_until_it_is_assigned_by_its_new_name(
    node: Answering,
) -> None:
    await node.follow(assigned(FOUR))
    node.wires.ip("node", "link set eth0 down", "link set eth0 name lan0", "link set lan0 up")
    await node.follow(assigned(FOUR))
    assert await node.macs() == {NODE_MAC}
    await node.follow(assigned(FOUR, interface="lan0"))
    assert await node.macs() == {NODE_MAC}


async def test_a_port_of_a_bridge_is_answered_for_on_the_bridge(node: Answering) -> None:
    node.wires.ip(
        "node",
        f"link add br0 address {NODE_MAC} type bridge mcast_snooping 0",
        "link set br0 up",
        "link set eth0 master br0",
    )
    await node.follow(assigned(FOUR, SIX))
    assert await node.macs() == {NODE_MAC}
    assert await node.macs6() == {NODE_MAC}


async def test_a_client_that_refreshes_is_answered_alone(node: Answering) -> None:
    client = await follow_and_learn(node, FOUR)
    assert client() == NODE_MAC
    out = await asyncio.to_thread(
        node.wires.run, "client", "arping", "-I", "eth0", "-c", "3", "-w", "3", FOUR
    )
    assert "Unicast reply" in out
    replies = node.responders.totals.replies
    assert replies["arp_ucast"] >= 2, "after the first, this tool asks the MAC that it learnt"
    assert replies["arp_bcast"] >= 1


async def test_a_socket_that_cannot_be_opened_beside_the_other_is_tried_again(
    node: Answering,
) -> None:
    """Descriptors are scarce for a while: there is room for the group and for ARP alone."""
    assignment = assigned(FOUR, SIX)
    network = await node.wires.network()
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    held: list[int] = []
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, limits[1]))
        with contextlib.suppress(OSError):
            while True:
                held.append(os.open(os.devnull, os.O_RDONLY))
        for _ in range(3):  # ARP's socket asks for the interface's number by another one
            os.close(held.pop())
        node.responders.follow(assignment, network, confirmed=True)
        await eventually(lambda: len(node.responders.withheld) == 2)
        assert "None" not in node.responders.withheld[0].reason
        assert node.responders.announced == 0
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        for one in held:
            os.close(one)
    await eventually(lambda: node.responders.announced == 2)
    assert await node.macs6() == {NODE_MAC}
    await eventually(lambda: node.responders.withheld == ())


async def test_reports_keep_a_pace(node: Answering) -> None:
    await node.follow(assigned(FOUR, interface="eth7"))
    await eventually(lambda: node.wakes == 1)
    assert (node.responders.executes, len(node.responders.withheld)) == (3, 1)
    await node.follow(assigned(FOUR, SIX, interface="eth7"))
    began_s = time.monotonic()
    await eventually(lambda: len(node.responders.withheld) == 2)
    assert time.monotonic() - began_s > REPORT_S / 2
    assert node.wakes == 2


async def follow_and_learn(node: Answering, address: str) -> Callable[[], str]:
    """Answer for *address*, let the client learn it; return what looks it up in its kernel."""
    await node.follow(assigned(address))
    await asyncio.to_thread(node.wires.send, address)
    await eventually(lambda: node.wires.neighbor(address))
    return lambda: node.wires.neighbor(address)


def claim(wires: Lan, address: str) -> None:
    """Let the stranger take *address*, and say so to all."""
    if ":" in address:
        wires.ip("stranger", f"addr add {address}/64 dev eth0 nodad")
        mac, own = bytes.fromhex(STRANGER_MAC.replace(":", "")), IPv6Address(address)
        announced = Advertisement(
            *(multicast_mac(ALL_NODES), mac, own, ALL_NODES, own, mac),
            *(False, False, True),  # no router, unsolicited, overriding what was known
        )
        space = netns.entered(wires.namespace("stranger"))
        with space, socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
            sock.bind(("eth0", 0))
            sock.send(write_advertisement(announced))
    else:
        wires.ip("stranger", f"addr add {address}/24 dev eth0")
        wires.run("stranger", "arping", "-U", "-I", "eth0", "-c", "1", "-w", "1", address)
