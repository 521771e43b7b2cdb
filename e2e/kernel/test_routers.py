"""Routers on the nodes pass on what agents put there: BIRD by BGP, FRR by OSPF."""

import contextlib
import time
from collections.abc import Iterator

import pytest

from agent.kernel import ANCHOR
from e2e.bed import Bed, Broken
from e2e.kernel import node, node_routers
from e2e.kernel.conftest import LEASE_S
from e2e.route_events import RouteEvents

pytestmark = pytest.mark.lab

FOUR, SIX = "198.51.100.7/32", "2001:db8:100::7/128"
WIDE = {"198.51.100.128/25": True, "2001:db8:100::/65": True, "198.51.100.64/26": False}
PREFIXES = (FOUR, SIX, *(prefix for prefix, too in WIDE.items() if too))
NEVER = (f"{ANCHOR}/32", "198.51.100.64/26")
SWEEP = "/proc/sys/net/ipv6/route/gc_interval"
BOTH, NODES = {"node1", "node2"}, ("node1", "node2")


@contextlib.contextmanager
def bird_by_bgp(lab: Bed) -> Iterator[None]:
    with contextlib.ExitStack() as running:
        for one in lab.topology.nodes:
            running.enter_context(node_routers.bird(lab, one))
        yield


@contextlib.contextmanager
def frr_by_ospf(lab: Bed) -> Iterator[None]:
    with node_routers.frr(lab, lab.topology.nodes):
        yield


@pytest.fixture(params=[bird_by_bgp, frr_by_ospf])
def bed(agents_alone: Bed, request: pytest.FixtureRequest) -> Iterator[Bed]:
    """The module's lab with a router on each node, and nothing in their kernels."""
    for one in agents_alone.topology.nodes:  # twice a minute otherwise: docs/kernel.md
        agents_alone.exec(one.name, "sh", "-c", f"echo 1 > {SWEEP}")
    with request.param(agents_alone):
        yield agents_alone
        for fault in agents_alone.status()["failed"]:
            agents_alone.heal(fault)
        for name in NODES:
            node.assign(agents_alone, name)
            node.holds(agents_alone, name, set(), routes_of={171: set(), 172: set()})


def test_each_node_that_holds_it_is_a_next_hop_for_as_long_as_it_does(bed: Bed) -> None:
    addresses = [prefix.partition("/")[0] for prefix in (FOUR, SIX)]
    for name in NODES:
        node.assign(bed, name, *addresses, unreachable=WIDE)
    for prefix in PREFIXES:
        leads(bed, prefix, BOTH)
    # A router computes anew while its neighbors still come up; renewals never end.
    bed.wait("a whole lease that is no news to a router", lambda: quiet_lease(bed))
    assert [leading(bed, prefix) for prefix in NEVER] == [set(), set()]
    # Local: the last endpoint of a node goes, then the last of all.
    node.assign(bed, "node1", addresses[0], unreachable=WIDE)
    leads(bed, SIX, {"node2"})
    leads(bed, FOUR, BOTH)
    node.assign(bed, "node2", addresses[0], unreachable=WIDE)
    leads(bed, SIX, set())
    # Nobody tells the router of a dead agent but the kernel.
    bed.fail("agent:node2")
    for prefix in PREFIXES:
        leads(bed, prefix, {"node1"} if prefix != SIX else set())


# --- words ---


def quiet_lease(lab: Bed) -> bool:
    """Look at the router's kernel for one lease, three renewals: it heard nothing of ours."""
    with RouteEvents(lab) as events:
        ends = time.monotonic() + LEASE_S
        lab.wait("renewals", lambda: time.monotonic() > ends)
    heard = [line for prefix in PREFIXES for line in events.about(prefix)]
    if heard:
        raise Broken(f"the router was told {heard}")
    return True


def leads(lab: Bed, prefix: str, nodes: set[str]) -> None:
    """Wait until exactly *nodes* are the router's next hops for *prefix*."""

    def look() -> bool:
        found = leading(lab, prefix)
        if found != nodes:
            raise Broken(f"the next hops of {prefix} are {sorted(found)}")
        return True

    lab.wait(f"{prefix} by {sorted(nodes)}", look)


def leading(lab: Bed, prefix: str) -> set[str]:
    """Return the nodes whose addresses, link-local ones too, are next hops of *prefix*."""
    owners = {
        words.split("/")[0]: one.name
        for one in lab.topology.nodes
        for words in lab.exec(one.name, "ip", "-o", "address", "show", "dev", "eth0").split()
        if "/" in words
    }
    return {owners.get(hop, hop) for hop in lab.gateways(prefix)}
