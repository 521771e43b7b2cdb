"""Who dies, and what a client of an address notices: nothing, but for its owner's own death."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from signal import SIGKILL, SIGTERM, Signals

import pytest

from e2e.bed import Bed
from e2e.layer2 import lan

pytestmark = pytest.mark.lab
LASTS_S = 9.0  # several refreshes, more than a lease


@pytest.fixture
def short(bed: Bed) -> Iterator[Bed]:
    """Entries are refreshed every two seconds: who does not answer then is noticed."""
    lan.patience(bed, lan.SHORT)
    with lan.echoing(bed):
        yield bed


def both(lab: Bed) -> list[str]:
    return [lan.serve(lab, f"web{family}", family=family) for family in lan.FAMILIES]


def resolved(lab: Bed, addresses: list[str]) -> None:
    for address in addresses:
        lab.wait(f"an entry for {address}", partial(lan.neighbor, lab, address))


def test_without_those_who_decide_nothing_is_lost(short: Bed, say: Callable[[str], None]) -> None:
    """A frozen API, then no manager besides, then the API again and still no manager."""
    lab, addresses = short, both(short)
    with lan.monitoring(lab, "faults") as monitor, lan.flowing(lab, addresses) as flows:
        resolved(lab, addresses)
        lab.fail("api")
        time_passes(lab, monitor, addresses)
        lab.fail("manager")
        time_passes(lab, monitor, addresses)
        lab.heal("api")
        time_passes(lab, monitor, addresses)
        lab.heal("manager")
    for address in addresses:
        say(f"{address}: lost {flows[address].lost} of {flows[address].sent}")
        assert monitor.states(address)["FAILED"] == 0
        assert flows[address].lost == 0


def time_passes(lab: Bed, monitor: lan.Monitor, addresses: list[str]) -> None:
    """Wait until the router has refreshed what it knows three times, for LASTS_S at least."""
    until = time.monotonic() + LASTS_S
    before = {one: monitor.states(one)["PROBE"] for one in addresses}
    lab.wait("time under the fault", lambda: time.monotonic() > until)
    lab.wait(
        "refreshes under the fault",
        lambda: all(monitor.states(one)["PROBE"] >= before[one] + 3 for one in addresses),
    )


@pytest.mark.parametrize("number", [SIGKILL, SIGTERM], ids=["killed", "told to stop"])
def test_an_agent_that_ends_and_comes_back_is_missed_by_nobody(
    bed: Bed, number: Signals, say: Callable[[str], None]
) -> None:
    """With usual entries: what is asked again only after many seconds bridges its gap."""
    lab = bed
    with lan.echoing(lab):
        addresses = both(lab)
        with lan.flowing(lab, addresses) as flows:
            resolved(lab, addresses)
            for address in addresses:
                owner = lan.answered(lab, address)  # not yet, if the agent before was its node's
                lab.kill(f"agent:{owner}", number)
                began = time.monotonic()
                successor = lan.answered(lab, address)
                took = time.monotonic() - began
                whose = "the same node" if successor == owner else "another node"
                say(f"{number.name}: {address} is answered for after {took:.1f} s by {whose}")
    for address in addresses:
        assert flows[address].lost == 0


@pytest.mark.parametrize("family", lan.FAMILIES)
def test_a_power_cut_moves_the_address_at_once(
    bed: Bed, family: int, say: Callable[[str], None]
) -> None:
    lab = bed
    with lan.echoing(lab):
        address = lan.serve(lab, "web", family=family)
        owner = lan.owner(lab, address)
        # Packets that would go to Pods of the dead node are lost whoever announces: none are there.
        others = [f"{node.name}:1" for node in lab.topology.nodes if node.name != owner]
        lab.endpoints("default/web", *others)
        with lan.flowing(lab, [address], rate=500) as flows:
            lab.wait("an entry", lambda: lan.neighbor(lab, address))
            time.sleep(1)
            began = time.monotonic()
            lab.fail(owner)
            successor = lan.moved(lab, address, away_from=owner)
            took = time.monotonic() - began
            time.sleep(1)
    flow = flows[address]
    say(
        f"IPv{family}: the router's entry moved after {took:.2f} s; lost {flow.lost} of "
        f"{flow.sent} datagrams, the longest outage {flow.longest_s:.2f} s"
    )
    assert successor != owner
    assert flow.longest_s < 5.0
    assert lan.owner(lab, address) == successor
