"""A manager whose watch tells too little or old news: no address on two Services for it.

What a cache lacks cannot be planned with, and a Service that was granted an address looks
like one that waits. The Service that gets the address twice is another one, so no
resourceVersion stops it.
"""

import asyncio

import pytest

from manager.adapters.kubernetes.client import EIPS, SERVICES
from tests.sim.laws import addresses_of
from tests.sim.wires import Weather
from tests.sim.world import Replica, World

# asyncio never sleeps while a task can run: looptime need not wait and see.
pytestmark = [pytest.mark.looptime(noop_cycles=1)]


def service(name: str) -> dict:
    meta = {"name": name, "namespace": "shop", "creationTimestamp": "2026-11-22T12:00:00Z"}
    return {"metadata": meta, "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]}}


def pool(size: int) -> dict:
    spec = {"addresses": [f"198.51.100.0-198.51.100.{size - 1}"], "default": True}
    return {"metadata": {"name": "public", "generation": 1}, "spec": spec}


def held(world: World) -> dict[str, tuple[str, ...]]:
    return {name: addresses_of(raw) for name, raw in world.api.of(SERVICES).items()}


async def leader_of(world: World) -> tuple[Replica, Replica]:
    """Return who leads, and the other."""
    while not any(replica.leads for replica in world.replicas):
        await asyncio.sleep(0.1)
    return tuple(sorted(world.replicas, key=lambda replica: not replica.leads))  # type: ignore[return-value]


async def test_a_new_leader_missed_what_its_predecessor_granted() -> None:
    world = World(1)
    world.api.put(EIPS, pool(4))
    world.api.put(SERVICES, service("zero"))
    first, second = await leader_of(world)
    await asyncio.sleep(5)
    second.wire.weather = Weather(skipped=1.0)
    world.api.put(SERVICES, service("one"))  # without endpoints: no path betrays its address
    await asyncio.sleep(5)
    second.wire.weather = Weather()
    await first.kill()
    world.api.put(SERVICES, service("earlier"))
    while not second.leads:
        await asyncio.sleep(0.1)
    await asyncio.sleep(5)
    assert {k: v[0] for k, v in held(world).items()} == {
        "shop/zero": "198.51.100.0",
        "shop/one": "198.51.100.1",
        "shop/earlier": "198.51.100.2",
    }
    assert not world.laws.broken
    await second.stop()


async def test_a_watch_tells_of_a_service_as_it_was_before_its_grant() -> None:
    world = World(1)
    world.api.put(EIPS, pool(1))
    first, second = await leader_of(world)
    old = world.api.put(SERVICES, service("one"))
    await asyncio.sleep(5)
    world.api.edit(SERVICES, "shop/one", lambda raw: raw["metadata"].update(labels={"a": "b"}))
    await asyncio.sleep(1)
    world.api.push_event(SERVICES, "MODIFIED", old)
    world.api.put(SERVICES, service("earlier"))
    await asyncio.sleep(5)
    assert held(world) == {"shop/one": ("198.51.100.0",), "shop/earlier": ()}
    assert not world.laws.broken
    for replica in (first, second):
        await replica.stop()
