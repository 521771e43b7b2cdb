"""`responder: Central`, on a switch that keeps broadcasts from the nodes.

The leading manager resolves, the node answers what is asked of it alone; without the manager an
entry lives on. Beside it the defect that this is not: who answers broadcasts only.
"""

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from e2e import cluster
from e2e.bed import Bed
from e2e.layer2 import central, lan
from e2e.layer2.central import serve
from lab.options import Options

pytestmark = pytest.mark.lab
CYCLES = 20
RATE = 200
DATAGRAMS = 12_000
DENSE, LASTS_S = 400, 35.0  # so many of them a second, and what it takes to start
NOBODYS = {4: "192.0.2.249", 6: "2001:db8:2::249"}


@pytest.fixture(scope="module")
def options() -> Options:
    return Options(central=True)


@pytest.fixture
def deaf(lab: Bed) -> Iterator[Bed]:
    with central.deaf_nodes(lab):
        yield lab


def serve_both(lab: Bed) -> list[str]:
    return [serve(lab, f"web{family}", family) for family in lan.FAMILIES]


def resolved_afresh(lab: Bed, capture: lan.Capture, address: str) -> str:
    """Let the router ask everybody; return the node whose address it got, from the manager."""
    before = len(capture.lines)
    lab.exec("router", "ip", "neigh", "flush", "to", address)
    lab.wait("an answer", lambda: lab.get(address))
    first = lab.wait("its frame", lambda: capture.answer(address, after=before))
    assert f" {lan.mac_of(lab, 'manager')} > " in first, "no other heard the question"
    return lan.node_of(lab, lan.neighbor(lab, address))


def test_the_manager_resolves_and_the_node_refreshes(deaf: Bed, say: Callable[[str], None]) -> None:
    lab = deaf
    with lan.echoing(lab), lan.capturing(lab, "central") as capture:
        addresses = serve_both(lab)
        owners = {one: resolved_afresh(lab, capture, one) for one in addresses}
        began = {one: len(capture.replies(one)) for one in addresses}
        with (
            lan.monitoring(lab, "central") as monitor,
            lan.flowing(lab, addresses, rate=DENSE) as flows,
        ):
            until = time.monotonic() + LASTS_S
            # Both witnesses: tcpdump writes later than the monitor.
            lab.wait(
                f"{CYCLES} refreshes of each, and the datagrams",
                lambda: (
                    time.monotonic() > until
                    and all(
                        monitor.states(one)["PROBE"] >= CYCLES
                        and len(capture.replies(one)) >= began[one] + CYCLES
                        for one in addresses
                    )
                ),
                timeout_s=240,
            )
    for address in addresses:
        states, flow = monitor.states(address), flows[address]
        mac = lan.mac_of(lab, owners[address])
        lines = capture.replies(address)[began[address] :]
        of_node = [line for line in lines if f" {mac} > " in line]
        say(f"{address}: {dict(states)}, lost {flow.lost} of {flow.sent} datagrams")
        assert states["FAILED"] == 0
        assert len(of_node) >= CYCLES
        assert len(of_node) == len(lines), "known, it is asked of its node, and of nobody else"
        assert flow.sent >= DATAGRAMS
        assert flow.lost == 0


def test_without_the_manager_an_entry_lives_on(deaf: Bed, say: Callable[[str], None]) -> None:
    lab = deaf
    with lan.echoing(lab), lan.capturing(lab, "alone") as capture:
        addresses = serve_both(lab)
        for address in addresses:
            resolved_afresh(lab, capture, address)
        with (
            lan.monitoring(lab, "alone") as monitor,
            lan.flowing(lab, addresses, rate=RATE) as flows,
        ):
            lab.fail("manager")
            lab.wait(
                "refreshes without the manager",
                lambda: all(monitor.states(one)["PROBE"] >= 5 for one in addresses),
                timeout_s=120,
            )
            lab.heal("manager")
    for address in addresses:
        states, flow = monitor.states(address), flows[address]
        say(f"{address}, no manager: {dict(states)}, lost {flow.lost} of {flow.sent} datagrams")
        assert states["FAILED"] == 0
        assert flow.lost == 0


@contextlib.contextmanager
def answering_broadcasts_only(lab: Bed, address: str, mac: str) -> Iterator[None]:
    program = [sys.executable, "-m", "e2e.layer2.broadcasts_only", address, mac]
    with subprocess.Popen(lab.command("manager", program), env=lab.environment()) as process:
        try:
            yield
        finally:
            process.terminate()


def test_the_defect_an_entry_fails_with_every_refresh(
    deaf: Bed, say: Callable[[str], None]
) -> None:
    """Who answers broadcasts only, with a node's address: the node does not know the address."""
    lab, addresses = deaf, list(NOBODYS.values())
    victim = lan.mac_of(lab, lab.topology.nodes[0].name)
    with (
        answering_broadcasts_only(lab, addresses[0], victim),
        answering_broadcasts_only(lab, addresses[1], victim),
        lan.monitoring(lab, "defect") as monitor,
        lan.flowing(lab, addresses, rate=RATE),
    ):
        lab.wait(
            "entries that failed three times",
            lambda: all(monitor.states(one)["FAILED"] >= 3 for one in addresses),
            timeout_s=120,
        )
    for address in addresses:
        states = monitor.states(address)
        say(f"answered to broadcasts only, {address}: {dict(states)}")
        assert states["FAILED"] >= states["PROBE"] - 1, "each refresh ended so"


def test_an_announcer_says_who_answers_for_it(deaf: Bed) -> None:
    lab = deaf
    address = serve(lab, "web", 4)
    owner = lan.node_of(lab, lab.wait("an entry", partial(lan.neighbor, lab, address)))
    held = lab.api.get(f"{cluster.CRS}/announcers/{owner}")["spec"]["assignments"]
    assert [one["responder"] for one in held if address in one["addresses"]] == ["Central"]


def test_a_claim_that_no_node_hears_is_in_the_services_condition(deaf: Bed) -> None:
    lab = deaf
    address = serve(lab, "web", 4)
    cluster.reported(lab, "web", "Announced", "True", "Announced")
    lab.exec("router", "ip", "address", "add", f"{address}/32", "dev", "eth0")
    try:
        lab.exec("router", "arping", "-U", "-I", "eth0", "-c", "2", "-w", "2", address, check=False)
        by = lan.mac_of(lab, "router")
        cluster.reported(lab, "web", "Announced", "False", "AddressConflict", by)
        announcers = lab.api.get(f"{cluster.CRS}/announcers")["items"]
        assert not [one for one in announcers if one.get("status", {}).get("conflicts")]
    finally:
        lab.exec("router", "ip", "address", "delete", f"{address}/32", "dev", "eth0")
