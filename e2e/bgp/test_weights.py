"""Weights: next hops get a share that follows their endpoints, in FRR's kernel and at the pods."""

import json
from collections import Counter

import pytest

from conftest import Say
from e2e import cluster
from e2e.bgp import routers
from e2e.bgp.routers import SECOND
from e2e.cluster import CRS, custom
from lab.demo import replies
from lab.errors import Broken
from lab.handle import Lab

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]

FLOWS = 700
PODS = {"node1": 1, "node2": 2, "node3": 4}
# Standard deviations of a binomial draw: chance alone is never so far off.
SIGMAS = 6


def weights(lab: Lab, machine: str, address: str) -> dict[str, int]:
    """Return node → weight of the route in that router's kernel."""
    (route,) = json.loads(lab.exec(machine, "ip", "-j", "route", "show", address)) or [{}]
    nodes = {str(node.addresses[0].ip): node.name for node in lab.topology.nodes}
    return {nodes[hop["gateway"]]: int(hop["weight"]) for hop in route.get("nexthops", ())}


def weighed(lab: Lab, machine: str, address: str, wanted: dict[str, int]) -> None:
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


@pytest.mark.parametrize("weighting", ["Endpoints", "Equal"])
def test_traffic_at_the_pods_follows(lab: Lab, say: Say, weighting: str) -> None:
    """1:2:4 endpoints: with weights each pod has a seventh, without them each node a third."""
    routers.peer(lab, "tor-2", SECOND, 64502)
    pool = {"addresses": ["198.51.100.64/28"], "bgp": {"weighting": weighting}}
    lab.api.create(f"{CRS}/eips", custom("Eip", "heavy", pool))
    pods = [f"{name}:{count}" for name, count in PODS.items()]
    cluster.make(lab, "web", *pods, notes={"eip": "heavy"}, externalTrafficPolicy="Local")
    address = cluster.settled(lab, "web")
    equal = dict.fromkeys(PODS, 1)
    heavy = {"node1": 14, "node2": 28, "node3": 57}  # FRR's per cents of 1:2:4
    weighed(lab, "router", address, heavy if weighting == "Endpoints" else equal)
    weighed(lab, "router2", address, equal)  # BIRD 2.0 knows no link bandwidth
    found = replies(lab, address, FLOWS)
    nodes: Counter[str] = Counter()
    for (node, *_), times in found.items():
        nodes[node] += times
    each = sorted(f"{pod} {times}" for (_, pod, _), times in found.items())
    say(f"{weighting}, {FLOWS} flows: {dict(sorted(nodes.items()))}; {each}")
    total = sum(PODS.values())
    for name, count in PODS.items():
        assert near(nodes[name], count / total if weighting == "Endpoints" else 1 / 3), nodes
    assert len(found) == total
    if weighting == "Endpoints":
        assert all(near(times, 1 / total) for times in found.values()), each
