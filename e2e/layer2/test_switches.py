"""What a switch may do to who answers: forget it, deliver groups to members alone, begin late."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv6Address

import pytest

from conftest import Say
from e2e import cluster
from e2e.bed import Bed
from e2e.layer2 import lan
from pointsman.wire.ndp import solicited_node_group

pytestmark = pytest.mark.lab
BRIDGE = "lan1"
DISABLED = f"ipv6/conf/{BRIDGE}/disable_ipv6"
AGEING_S, SILENT_S = 5, 12.0
FORWARD_DELAY_S = 2.5  # twice: listening, and learning
SERIES = {4: 5, 6: 3}  # announcements


def bridge(lab: Bed, *words: str) -> None:
    lab.exec("switch", "ip", "link", "set", BRIDGE, "type", "bridge", *words)


def port(lab: Bed, name: str, *words: str) -> None:
    lab.exec("switch", "bridge", "link", "set", "dev", name, *words)


def learnt(lab: Bed, mac: str) -> set[str]:
    """Return the ports behind which the switch has learnt *mac*."""
    entries = json.loads(lab.exec("switch", "bridge", "-j", "fdb", "show", "br", BRIDGE))
    return {one["ifname"] for one in entries if one["mac"] == mac}


@contextmanager
def forgetful(lab: Bed) -> Iterator[None]:
    """The switch forgets after AGEING_S, and what it does not know it delivers to no node."""
    try:
        bridge(lab, "ageing_time", str(AGEING_S * 100))
        for node in lab.topology.nodes:
            port(lab, node.name, "flood", "off")
        yield
    finally:
        bridge(lab, "ageing_time", "30000")
        for node in lab.topology.nodes:
            port(lab, node.name, "flood", "on")


def test_a_switch_that_forgets_quickly_still_finds_the_node(bed: Bed) -> None:
    """The clients are silent for longer: the router asks nobody, since it knows for good."""
    nodes: dict[str, str] = {}
    entries = []
    for family, node in zip(lan.FAMILIES, ("node1", "node2"), strict=True):
        local = {"externalTrafficPolicy": "Local"}
        address = lan.serve(bed, f"web{family}", f"{node}:1", family=family, **local)
        assert lan.owner(bed, address) == node
        nodes[node] = lan.mac_of(bed, node)
        entries.append((address, "lladdr", nodes[node], "dev", "eth0"))
    with forgetful(bed):
        try:
            for entry in entries:
                bed.exec("router", "ip", "neigh", "replace", *entry, "nud", "permanent")
            until_s = time.monotonic() + SILENT_S
            while time.monotonic() < until_s:
                assert {node: learnt(bed, mac) for node, mac in nodes.items()} == {
                    node: {node} for node in nodes
                }
                time.sleep(0.2)
            for address, *_ in entries:
                assert bed.get(address), "the first one arrives"
        finally:
            for entry in entries:
                bed.exec("router", "ip", "neigh", "del", *entry, check=False)


@contextmanager
def snooping(lab: Bed) -> Iterator[None]:
    """The switch asks who is in which group, and delivers groups to their members alone."""
    lan.set_kernel(lab, "switch", **{DISABLED: 0})  # it asks itself
    bridge(lab, "mcast_query_response_interval", "100", "mcast_startup_query_interval", "100")
    bridge(lab, "mcast_snooping", "1", "mcast_querier", "1")
    try:
        yield
    finally:
        bridge(lab, "mcast_querier", "0", "mcast_snooping", "0")
        lan.set_kernel(lab, "switch", **{DISABLED: 1})


def members(lab: Bed, group: IPv6Address) -> set[str]:
    """Return the ports to which the switch delivers *group*."""
    (found,) = json.loads(lab.exec("switch", "bridge", "-j", "mdb", "show", "dev", BRIDGE))
    return {one["port"] for one in found["mdb"] if one["grp"] == str(group)}


def test_a_switch_that_snoops_delivers_questions_to_the_node_that_joined(bed: Bed) -> None:
    with snooping(bed):
        address = lan.serve(bed, "web", family=6)
        group = solicited_node_group(IPv6Address(address))
        bed.wait("one member", lambda: len(members(bed, group)) == 1)
        (node,) = members(bed, group)
        other = next(one for one in bed.topology.nodes if one.name != node)
        # It hears what is asked of its own group: what it does not hear was not delivered.
        own = str(other.addresses[1].ip)
        with lan.capturing(bed, "snooping", machine=other.name) as heard:

            def hears_its_own() -> bool:
                lan.macs(bed, own, count=1)
                return any(own in line for line in heard.lines)

            bed.wait("what is asked of its own", hears_its_own)
            assert set(lan.macs(bed, address, count=3)) == {lan.mac_of(bed, node)}
            before = sum(own in line for line in heard.lines)
            lan.macs(bed, own, count=1)
            bed.wait("the last", lambda: sum(own in line for line in heard.lines) > before)
            assert [line for line in heard.lines if f"who has {address}" in line] == []
        cluster.delete(bed, "web")
        bed.wait("it leaves the group", lambda: not members(bed, group))


@contextmanager
def spanning_tree(lab: Bed) -> Iterator[None]:
    """A port of the switch forwards only some seconds after it came up."""
    bridge(lab, "forward_delay", str(int(FORWARD_DELAY_S * 100)), "stp_state", "1")
    try:
        yield
    finally:
        bridge(lab, "stp_state", "0", "forward_delay", "1500")


def forwards(lab: Bed, name: str) -> bool:
    (found,) = json.loads(lab.exec("switch", "bridge", "-j", "-d", "link", "show", "dev", name))
    return bool(found["state"] == "forwarding")


def announced(lines: list[str], address: str) -> list[str]:
    """Return the lines of tcpdump that announce *address*."""
    if ":" in address:
        return [one for one in lines if f"tgt is {address}" in one and "> ff02::1:" in one]
    return [one for one in lines if f"who-has {address} tell {address}" in one]


@pytest.mark.parametrize("family", lan.FAMILIES)
def test_a_switch_that_begins_late_hears_the_whole_series(bed: Bed, family: int, say: Say) -> None:
    """Nobody decides meanwhile: the manager is gone, and the node has what it was assigned."""
    address = lan.serve(bed, "web", family=family)
    node = lan.owner(bed, address)
    mac = lan.mac_of(bed, node)
    bed.fail("manager")
    with spanning_tree(bed), lan.capturing(bed, f"late{family}") as heard:
        bed.wait("tcpdump", lambda: lan.macs(bed, address) and heard.lines)
        bed.fail(f"link:{node}")
        # As if another node had had it.
        wrong = (address, "lladdr", "02:00:00:00:00:77", "dev", "eth0", "nud", "stale")
        bed.exec("router", "ip", "neigh", "replace", *wrong)
        before = len(announced(heard.lines, address))
        bed.heal(f"link:{node}")
        bed.wait("a port that came up and waits", lambda: not forwards(bed, node))
        assert len(announced(heard.lines, address)) == before

        def series() -> list[str]:
            return announced(heard.lines, address)[before:]

        bed.wait("the whole series", lambda: len(series()) >= SERIES[family])
        assert lan.neighbor(bed, address) == mac
        say(f"IPv{family}: announced at {', '.join(line.split()[0] for line in series())}")
