"""What an agent puts into its node's kernel, and what becomes of it when the agent is gone."""

import contextlib
import signal
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from agent.kernel import ANCHOR
from e2e import cluster
from e2e.bed import Bed, Broken
from e2e.kernel import node, packets
from e2e.kernel.conftest import LEASE_S
from e2e.route_events import RouteEvents
from pointsman.model.assignment import (
    KERNEL_INTERFACE,
    ROUTE_PROTOCOL_DISCARD,
    ROUTE_PROTOCOL_REDISTRIBUTED,
)

pytestmark = pytest.mark.lab

NODE, AGENT = "node1", "agent:node1"
FOUR, SIX = "198.51.100.7", "2001:db8:100::7"
WIDE = {"198.18.0.0/24": True, "2001:db8:101::/64": True, "198.18.1.0/24": False}
AGAIN = {prefix for prefix, too in WIDE.items() if too}
ADDRESSES = {FOUR, SIX, str(ANCHOR)}
ALL = {ROUTE_PROTOCOL_REDISTRIBUTED: AGAIN, ROUTE_PROTOCOL_DISCARD: set(WIDE)}
UNASSIGNED = 200
AGENT_HTTP = "9473"


@pytest.fixture
def bed(agents_alone: Bed) -> Iterator[Bed]:
    """The module's lab; afterwards node1 holds nothing."""
    yield agents_alone
    for fault in agents_alone.status()["failed"]:
        agents_alone.heal(fault)
    node.assign(agents_alone, NODE)
    node.holds(agents_alone, NODE, set(), routes_of={172: set(), 171: set()})


def put(lab: Bed) -> None:
    node.assign(lab, NODE, FOUR, SIX, unreachable=WIDE)
    node.holds(lab, NODE, ADDRESSES, routes_of=ALL)


def test_all_is_put_and_taken_away_and_nothing_of_others_is_touched(bed: Bed) -> None:
    others = (
        ("ip", "link", "add", "kube-ipvs0", "type", "bridge"),
        ("ip", "address", "add", f"{FOUR}/32", "dev", "kube-ipvs0"),
        ("ip", "route", "add", "198.18.0.0/15", "via", "192.0.2.1", "proto", "bird"),
        ("ip", "-6", "route", "add", "unreachable", "2001:db8:102::/64", "proto", "static"),
        ("ip", "rule", "add", "pref", "30171", "iif", "lo", "lookup", "main"),
    )
    for command in others:
        bed.exec(NODE, *command)
    before = node.everything(bed, NODE)
    put(bed)
    reported = node.executed(bed, NODE, node.assign(bed, NODE, FOUR, SIX, unreachable=WIDE))
    assert (reported["netAdmin"], reported.get("withheld")) == (True, None)
    assert KERNEL_INTERFACE not in [one["name"] for one in reported["interfaces"]]
    node.assign(bed, NODE)
    node.holds(bed, NODE, set(), routes_of={171: set(), 172: set()})
    assert node.everything(bed, NODE) == before
    bed.exec(NODE, "ip", "link", "delete", "kube-ipvs0")
    for command in others[2:]:
        bed.exec(NODE, *("delete" if word == "add" else word for word in command))


def test_an_agent_that_is_killed_or_stopped_and_comes_again_interrupts_nothing(bed: Bed) -> None:
    put(bed)
    with RouteEvents(bed, machine=NODE) as events:
        for number in (signal.SIGKILL, signal.SIGTERM):
            before = bed.process(AGENT)["pid"]
            bed.kill(AGENT, number)
            bed.wait("another agent", lambda: bed.process(AGENT)["pid"] not in (None, before))  # noqa: B023
        # That its successor renews what it finds is proved by what would have ended.
        ends = time.monotonic() + LEASE_S + 1
        bed.wait("a lease's length", lambda: time.monotonic() > ends)
    for prefix in (FOUR, SIX, *WIDE):
        assert events.about(prefix) == []
    node.holds(bed, NODE, ADDRESSES, routes_of=ALL)


def test_what_a_dead_agent_put_leaves_by_itself_and_comes_back_with_it(bed: Bed) -> None:
    put(bed)
    bed.fail(AGENT)
    # The kernel sweeps an IPv6 route twice a minute; it is not used from its end on.
    bed.wait("the end of a lease", lambda: not node.held(bed, NODE))
    assert node.routes(bed, NODE, 171) <= {"2001:db8:101::/64"}
    sent = bed.exec(NODE, "ip", "route", "get", "2001:db8:101::9")
    assert "dev eth0" in sent, "to the default gateway, as if there were no such route"
    assert node.routes(bed, NODE, 172) == set(WIDE), "these lead no packet here"
    bed.heal(AGENT)
    node.holds(bed, NODE, ADDRESSES, routes_of=ALL)


def test_a_node_that_boots_without_an_api_server_holds_what_it_held(bed: Bed) -> None:
    put(bed)
    disk = bed.folder(f"agent-{NODE}") / "assignment.json"
    bed.wait("its disk", lambda: FOUR in disk.read_text())
    bed.fail("api")
    bed.fail(AGENT)
    bed.exec(NODE, "ip", "link", "delete", KERNEL_INTERFACE)
    for family in ("-4", "-6"):
        bed.exec(NODE, "ip", family, "route", "flush", "proto", "171")
        bed.exec(NODE, "ip", family, "route", "flush", "table", "171172")
    assert not node.held(bed, NODE)
    bed.heal(AGENT)
    node.holds(bed, NODE, ADDRESSES, routes_of=ALL)


def test_an_address_of_the_lan_is_withheld_while_its_kernel_would_answer_for_it(bed: Bed) -> None:
    near = "192.0.2.77"
    reported = node.executed(bed, NODE, node.assign(bed, NODE, near, FOUR))
    (withheld,) = reported["withheld"]
    assert withheld["address"] == near
    assert "every node that has it would answer ARP" in withheld["reason"]
    assert node.held(bed, NODE) == {FOUR}
    for setting, value in (("arp_ignore", 1), ("arp_announce", 2)):
        strict(bed, setting, value)
    try:
        bed.wait("the address", lambda: node.held(bed, NODE) == {FOUR, near})
        assert asked_by_arp(bed, near) == ""
    finally:
        for setting in ("arp_ignore", "arp_announce"):
            strict(bed, setting, 0)


def test_an_address_of_another_interface_is_withheld(bed: Bed) -> None:
    bed.exec(NODE, "ip", "address", "add", f"{FOUR}/32", "dev", "eth0")
    try:
        reported = node.executed(bed, NODE, node.assign(bed, NODE, FOUR, SIX))
        assert [one["address"] for one in reported["withheld"]] == [FOUR]
        assert "on interface eth0 of this node already" in reported["withheld"][0]["reason"]
        assert node.held(bed, NODE) == {SIX}
    finally:
        bed.exec(NODE, "ip", "address", "delete", f"{FOUR}/32", "dev", "eth0")


def test_packets_for_unassigned_addresses_end_at_the_node(bed: Bed) -> None:
    """First without a route, to see them loop: a count that can't be anything but 0 proves none."""
    wide = {"198.18.1.0/24": "192.0.2.11", "2001:db8:101::/64": "2001:db8:2::11"}
    for prefix, via in wide.items():
        bed.exec("router", "ip", "route", "add", prefix, "via", via)
    try:
        with packets.counting(bed, *wide) as counted:
            packets.sent(bed, *wide, count=UNASSIGNED // 2)
            assert counted() > UNASSIGNED * 20, "each of them passed the router again and again"
            node.assign(bed, NODE, unreachable=dict.fromkeys(wide, False))
            node.holds(bed, NODE, set(), routes_of={172: set(wide)})
            packets.refused(bed, *wide, counted=counted, count=UNASSIGNED // 2)
    finally:
        for prefix, via in wide.items():
            bed.exec("router", "ip", "route", "delete", prefix, "via", via)


def test_the_nodes_own_programs_reach_services_in_an_aggregate(bed: Bed) -> None:
    """In the main table alone, `unreachable` has their connect() fail (docs/decisions)."""
    addresses = {"198.18.0.7": "IPv4", "198.18.1.7": "IPv4", "2001:db8:101::7": "IPv6"}
    for number, (address, family) in enumerate(addresses.items()):
        name = f"own-{number}"
        cluster.make(bed, name, "node2:1", ipFamilies=[family])
        status = {"loadBalancer": {"ingress": [{"ip": address, "ipMode": "VIP"}]}}
        bed.api.request(
            "PATCH",
            f"{cluster.SERVICES}/{name}/status",
            {"status": status},
            content_type="application/merge-patch+json",
        )
        bed.wait(f"an answer at {address}", lambda: bed.get(address, machine=NODE))  # noqa: B023
    node.assign(bed, NODE, unreachable=WIDE)
    node.holds(bed, NODE, {str(ANCHOR)}, routes_of=ALL)
    try:
        for address in addresses:
            assert bed.get(address, machine=NODE)[0] == "node2"
            assert bed.get(address, machine=f"{NODE}-pods")[0] == "node2"
    finally:
        for number in range(len(addresses)):
            cluster.delete(bed, f"own-{number}")


def test_what_listens_on_all_addresses_of_the_node_answers_at_these_too(bed: Bed) -> None:
    """Not a promise, but so that docs/kernel.md says what is so."""
    put(bed)
    for address, via in ((FOUR, "192.0.2.11"), (SIX, "2001:db8:2::11")):
        bed.exec("router", "ip", "route", "add", address, "via", via)
        try:
            assert bed.exec("client", sys.executable, "-c", CONNECT, address, AGENT_HTTP) == "yes"
        finally:
            bed.exec("router", "ip", "route", "delete", address, "via", via)


def test_node_ports_answer_at_these_addresses_and_nowhere_in_an_aggregate(bed: Bed) -> None:
    """Not a promise either: the service proxy's doing, where it takes every local address."""
    made = cluster.make(bed, "ported", "node2:1", **DUAL)
    (port,) = (one["nodePort"] for one in made["spec"]["ports"])
    via = {FOUR: "192.0.2.11", SIX: "2001:db8:2::11"}
    via |= {"198.18.0.7": "192.0.2.11", "2001:db8:101::7": "2001:db8:2::11"}
    node.assign(bed, NODE, FOUR, SIX, unreachable=WIDE)
    node.holds(bed, NODE, ADDRESSES, routes_of=ALL)
    for address, gateway in via.items():
        bed.exec("router", "ip", "route", "add", address, "via", gateway)
    try:
        for address in (FOUR, SIX):
            bed.wait(address, lambda: bed.get(address, port)[0] == "node2")  # noqa: B023
        for address in ("198.18.0.7", "2001:db8:101::7"):
            with pytest.raises(Broken):
                bed.get(address, port)
    finally:
        for address in via:
            bed.exec("router", "ip", "route", "delete", address)
        cluster.delete(bed, "ported")


# --- words ---

DUAL: Any = {"ipFamilies": ["IPv4", "IPv6"], "ipFamilyPolicy": "RequireDualStack"}

CONNECT = """
import socket, sys
socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=5)
print("yes", end="")
"""


def strict(lab: Bed, setting: str, value: int) -> None:
    path = f"/proc/sys/net/ipv4/conf/all/{setting}"
    lab.exec(NODE, "sh", "-c", f"echo {value} > {path}")


def asked_by_arp(lab: Bed, address: str) -> str:
    """Return the hardware address that the router learns for *address*; "": nobody answers."""
    with contextlib.suppress(Broken):
        lab.exec("router", sys.executable, "-c", packets.PROBE, address)
    return lab.exec("router", "sh", "-c", f"ip neigh show {address} | grep -o 'lladdr [^ ]*' || :")
