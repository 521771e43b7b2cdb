"""Weights: next hops get a share that follows their endpoints, in FRR's kernel and at the pods."""

import json
from collections import Counter

import pytest

from conftest import Say
from e2e import cluster
from e2e.bed import Bed, Broken
from e2e.bgp import routers
from e2e.bgp.routers import SECOND
from e2e.cluster import CRS, custom

pytestmark = pytest.mark.lab

FLOWS = 700
PODS = {"node1": 1, "node2": 2, "node3": 4}
EQUAL = dict.fromkeys(PODS, 1)
# Standard deviations of a binomial draw: chance alone is never so far off.
SIGMAS = 6


def weights(lab: Bed, machine: str, address: str) -> dict[str, int]:
    """Return node → weight of the route in that router's kernel."""
    (route,) = json.loads(lab.exec(machine, "ip", "-j", "route", "show", address)) or [{}]
    nodes = {str(node.addresses[0].ip): node.name for node in lab.topology.nodes}
    return {nodes[hop["gateway"]]: int(hop["weight"]) for hop in route.get("nexthops", ())}


def weighed(lab: Bed, machine: str, address: str, wanted: dict[str, int]) -> None:
    def look() -> bool:
        found = weights(lab, machine, address)
        if found != wanted:
            raise Broken(f"{machine} weighs {found}")
        return True

    lab.wait(f"the weights {wanted}", look)


def near(found: int, share: float) -> bool:
    """Whether *found* of the flows may be chance for a *share* of them."""
    sigma = (FLOWS * share * (1 - share)) ** 0.5
    return bool(abs(found - FLOWS * share) <= SIGMAS * sigma)


def answered(lab: Bed, address: str, count: int) -> Counter[tuple[str, ...]]:
    """Return how often each (node, pod, client seen) answered one of *count* connections."""
    return Counter(lab.get(address) for _ in range(count))


@pytest.mark.parametrize("weighting", ["Endpoints", "Equal"])
def test_traffic_at_the_pods_follows(lab: Bed, say: Say, weighting: str) -> None:
    """1:2:4 endpoints: with weights each pod has a seventh, without them each node a third."""
    routers.peer(lab, "tor-2", SECOND, 64502)
    pool = {"addresses": ["198.51.100.64/28"], "bgp": {"weighting": weighting}}
    lab.api.create(f"{CRS}/eips", custom("Eip", "heavy", pool))
    pods = [f"{name}:{count}" for name, count in PODS.items()]
    cluster.make(lab, "web", *pods, notes={"eip": "heavy"}, externalTrafficPolicy="Local")
    address, total = cluster.settled(lab, "web"), sum(PODS.values())
    heavy = dict(zip(PODS, routers.frr_weights(*PODS.values()), strict=True))
    if weighting == "Equal":
        heavy = EQUAL
    weighed(lab, "router", address, heavy)
    weighed(lab, "router2", address, EQUAL)  # BIRD knows no link bandwidth
    # Each node's service proxy is as late as it likes: then a packet that came there is lost.
    lab.wait("an answer of each pod", lambda: len(answered(lab, address, 20 * total)) == total)
    found = answered(lab, address, FLOWS)
    nodes: Counter[str] = Counter()
    for (node, *_), times in found.items():
        nodes[node] += times
    each = sorted(f"{pod} {times}" for (_, pod, _), times in found.items())
    say(f"{weighting}, {FLOWS} flows: {dict(sorted(nodes.items()))}; {each}")
    for name, count in PODS.items():
        assert near(nodes[name], 1 / 3 if heavy == EQUAL else count / total), nodes
    assert len(found) == total
    if heavy != EQUAL:
        assert all(near(times, 1 / total) for times in found.values()), each
