"""What one change costs in a settled cluster of 1,000 Services: calls counted, never swept.

The whole manager, one replica, on a virtual clock; counted is what arrives at the fake API
server and at the fake gobgpd. Leases and lists come by the clock, not by the change.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from manager.adapters.kubernetes.client import EIPS, ENDPOINT_SLICES, NODES, SERVICES
from manager.speakers.daemon_state import POLL_S
from tests.sim.world import World

pytestmark = [pytest.mark.looptime(noop_cycles=1), pytest.mark.sim]

COUNT = 1000
NODE_NAMES = ("node1", "node2", "node3")
EVENTS = {"create events": 2}  # that an address was given, and that it is announced
Raw = dict[str, Any]


class Cluster:
    """A world with one manager, and the words to change it."""

    def __init__(self, world: World | None = None) -> None:
        self.world = world or World(2, compared=False)
        self.api, self.manager = self.world.api, self.world.replicas[0]
        self.daemon = self.manager.daemon
        for number, name in enumerate(NODE_NAMES, 11):
            self.api.put(NODES, _node(name, number))
        spec = {"addresses": ["198.18.0.0/15"], "default": True}
        self.api.put(EIPS, {"metadata": {"name": "public", "generation": 1}, "spec": spec})

    def create(self, name: str) -> None:
        spec = {
            "type": "LoadBalancer",
            "externalTrafficPolicy": "Local",
            "ports": [{"protocol": "TCP", "port": 80}],
            "clusterIP": "10.0.0.1",
            "ipFamilies": ["IPv4"],
        }
        meta = {"name": name, "namespace": "shop", "creationTimestamp": "2026-11-22T12:00:00Z"}
        self.api.put(SERVICES, {"metadata": meta, "spec": spec})

    def endpoints(self, name: str, *nodes: str) -> None:
        labels = {"kubernetes.io/service-name": name}
        found = [
            {"addresses": ["10.1.0.1"], "nodeName": node, "conditions": {"ready": True}}
            for node in nodes
        ]
        meta = {"name": name, "namespace": "shop", "labels": labels}
        piece = {"metadata": meta, "addressType": "IPv4", "endpoints": found}
        self.api.put(ENDPOINT_SLICES, piece)

    def hops(self, name: str) -> set[str]:
        """Return by which nodes a router reaches *name*."""
        status = self.api.objects["services", "shop", name].get("status", {})
        (address,) = (one["ip"] for one in status["loadBalancer"]["ingress"])
        return self.daemon.received("192.0.2.1").get(address, set())

    async def cost(self, change: Callable[[], None]) -> tuple[list[str], Counter[str]]:
        """Return the calls to gobgpd and the writes to the API server that *change* caused."""
        polls = self.daemon.calls.count("ListPeer")
        while self.daemon.calls.count("ListPeer") == polls:  # it comes by the clock: not now
            await asyncio.sleep(1)
        await asyncio.sleep(2)
        called, written = len(self.daemon.calls), len(self.world.writes())
        change()
        await asyncio.sleep(POLL_S / 2)
        writes = Counter(f"{verb} {kind}" for verb, kind, _ in self.world.writes()[written:])
        # Whether it answers is asked by the clock.
        return [one for one in self.daemon.calls[called:] if one != "GetBgp"], writes


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    made = Cluster()
    await made.world.replicas[1].stop()
    for number in range(COUNT):
        made.endpoints(f"s{number}", *NODE_NAMES)
        made.create(f"s{number}")
    made.endpoints("another", *NODE_NAMES)  # watches may tell two changes in any order
    try:
        while len(made.daemon.received("192.0.2.1")) < COUNT:
            await asyncio.sleep(5)
            made.manager.check()
        await asyncio.sleep(2 * POLL_S)
        yield made
    finally:
        await made.manager.stop()


async def test_what_one_change_costs(cluster: Cluster) -> None:
    nothing: Counter[str] = Counter()
    assert await cluster.cost(lambda: None) == ([], nothing)

    grpc, writes = await cluster.cost(lambda: cluster.endpoints("s7", "node1", "node2"))
    assert cluster.hops("s7") == {"192.0.2.11", "192.0.2.12"}
    assert (grpc, writes) == (["AddPathStream"], nothing)

    grpc, writes = await cluster.cost(lambda: cluster.endpoints("s7", *NODE_NAMES))
    assert len(cluster.hops("s7")) == 3
    assert (grpc, writes) == (["AddPathStream", "ListPath"], nothing)

    grpc, writes = await cluster.cost(lambda: cluster.create("another"))
    assert len(cluster.hops("another")) == 3
    assert grpc == ["AddPathStream", "ListPath"]
    given = {"patch status services": 2, "patch status eips": 1}  # recorded, announced; counted
    assert writes == given | EVENTS

    grpc, writes = await cluster.cost(lambda: cluster.api.remove(SERVICES, "another", "shop"))
    assert len(cluster.daemon.received("192.0.2.1")) == COUNT
    assert (grpc, writes) == (["AddPathStream"], {"patch status eips": 1})


def _node(name: str, number: int) -> Raw:
    return {
        "metadata": {"name": name},
        "spec": {},
        "status": {
            "addresses": [{"type": "InternalIP", "address": f"192.0.2.{number}"}],
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }
