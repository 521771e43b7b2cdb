"""Exactly one node answers, with its own MAC; what a router knows of it stays fresh."""

import json
from collections.abc import Callable

import pytest

from e2e.bed import Bed
from e2e.layer2 import lan
from lab.options import Options

pytestmark = pytest.mark.lab
MANY = 200
CYCLES = 20


@pytest.fixture(scope="module")
def options() -> Options:
    return Options(pods=7)


@pytest.mark.parametrize("family", lan.FAMILIES)
def test_of_many_questions_one_mac_answers_all(bed: Bed, family: int) -> None:
    address = lan.serve(bed, "web", "node1:7", "node2:7", "node3:6", family=family)
    count = MANY if family == 4 else MANY // 10  # ndisc6 is started for each
    found = lan.macs(bed, address, count=count)
    assert len(found) == 1, f"these answered: {found}"
    (mac,) = found
    assert found[mac] >= count
    node = lan.node_of(bed, mac)
    # The switch has seen that MAC on that node's port, and nowhere else.
    entries = json.loads(bed.exec("switch", "bridge", "-j", "fdb", "show"))
    assert {e["ifname"] for e in entries if e["mac"] == mac and e.get("state") != "permanent"} == {
        node
    }
    assert lan.macs(bed, address, machine="manager") == {mac: 2}


@pytest.fixture
def refreshed(bed: Bed) -> Bed:
    lan.patience(bed, lan.SHORT)
    return bed


def test_a_routers_entries_are_refreshed_alone_and_never_fail(
    refreshed: Bed, say: Callable[[str], None]
) -> None:
    lab = refreshed
    with lan.echoing(lab):
        addresses = [lan.serve(lab, f"web{f}", family=f) for f in lan.FAMILIES]
        with (
            lan.monitoring(lab, "refresh") as monitor,
            lan.capturing(lab, "refresh") as capture,
            lan.flowing(lab, addresses, rate=100) as flows,
        ):
            # Both witnesses: tcpdump starts and writes later than the monitor.
            lab.wait(
                f"{CYCLES} refreshes of each",
                lambda: all(
                    monitor.states(one)["PROBE"] >= CYCLES and capture.asked(one)[1] >= CYCLES
                    for one in addresses
                ),
                timeout_s=240,
            )
    for address in addresses:
        states, (to_all, to_one) = monitor.states(address), capture.asked(address)
        flow = flows[address]
        say(f"{address}: {dict(states)}; asked: of all {to_all} times, of one {to_one} times")
        say(f"{address}: lost {flow.lost} of {flow.sent} datagrams")
        assert states["FAILED"] == 0
        assert to_one >= CYCLES, "refreshes are asked of the one that is known"
        assert to_all <= 1, "everybody was asked at most once, at the beginning"
        assert flow.lost == 0
