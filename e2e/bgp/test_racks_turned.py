"""The racks once more, with BIRD on top of the first and FRR on top of the second."""

from collections.abc import Iterator

import pytest

from conftest import Say
from e2e import cluster
from e2e.bed import Bed
from e2e.bgp import racks, routers
from lab.network.topology import RouterKind

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def whole() -> Iterator[Bed]:
    with racks.standing(first=RouterKind.BIRD) as up:
        yield up


@pytest.fixture
def lab(whole: Bed) -> Iterator[Bed]:
    yield whole
    racks.tidy(whole)


def test_each_router_has_its_own_rack_whichever_it_is(lab: Bed) -> None:
    racks.peered(lab)
    for address in racks.local(lab, "web", *"1234"):
        racks.routed(lab, "tor1", address, "13")
        racks.routed(lab, "tor2", address, "24")
        racks.at_spine(lab, address, "tor1", "tor2")
        racks.shared_out(lab, address, "node1", "node2", "node3", "node4")
    racks.unwarned(lab)


def test_far_nodes_beside_near_ones_are_a_loop_that_was_said(lab: Bed, say: Say) -> None:
    """FRR counts a node behind the spine as near as its own, and spreads over both."""
    routers.peer(lab, "tor-2", "192.0.2.201", 64502, nextHops={"scope": "All"}, **racks.FAR)
    routers.up(lab, "tor-2")
    routers.reported(lab, "tor-2", "NextHopsUnverified", "True", "or packets loop")
    address = racks.local(lab, "web", "1", "2")[0]
    racks.routed(lab, "tor1", address, "1")
    hops = lab.wait("tor2's two", lambda: two(lab.gateways(f"{address}/32", machine="tor2")))
    assert cluster.hops(lab, "2") < hops
    racks.at_spine(lab, address, "tor1", "tor2")
    before = racks.expired(lab)
    answers = racks.flows(lab, address, 60)
    circled = racks.circled(lab, before)
    say(f"a node in each rack: {dict(answers)} of 60, packets that died: {dict(circled)}")
    assert answers[""] > 0
    assert circled.total() >= answers[""]

    routers.change(lab, "tor-2", nextHops={"scope": "Auto"})
    racks.routed(lab, "tor2", address, "2")
    racks.shared_out(lab, address, "node1", "node2")
    lab.wait("no warning", lambda: not racks.conditions(lab, "tor-2"))


def test_a_router_one_hop_away_leaves_far_nodes_out(lab: Bed) -> None:
    racks.leaves_out_far_nodes(lab)


def two(found: set[str]) -> set[str] | None:
    return found if len(found) == 2 else None
