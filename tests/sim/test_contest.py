"""Another controller that never gives in: we do, no route moves, and nobody else waits."""

import asyncio
import copy
from collections.abc import Callable
from contextlib import asynccontextmanager

import pytest

from manager.adapters.kubernetes.client import EIPS, ENDPOINT_SLICES, EVENTS, NODES, SERVICES
from tests.sim.laws import addresses_of
from tests.sim.wires import Weather
from tests.sim.world import ROUTERS, World, now

pytestmark = [pytest.mark.looptime(noop_cycles=1), pytest.mark.sim]
OURS, THEIRS = "198.51.100.0", "203.0.113.9"


def furnish(world: World) -> None:
    world.api.put(
        EIPS,
        {
            "metadata": {"name": "public", "generation": 1},
            "spec": {"addresses": ["198.51.100.0/28"], "default": True},
        },
    )
    world.api.put(
        NODES,
        {
            "metadata": {"name": "n1", "labels": {}, "annotations": {}},
            "status": {
                "addresses": [{"type": "InternalIP", "address": "192.0.2.11"}],
                "conditions": [{"type": "Ready", "status": "True"}],
            },
        },
    )
    for name in ("web", "zebra"):
        arrive(world, name)


def arrive(world: World, name: str) -> None:
    labels = {"kubernetes.io/service-name": name}
    ready = {"nodeName": "n1", "addresses": ["10.244.1.10"], "conditions": {"ready": True}}
    world.api.put(
        ENDPOINT_SLICES,
        {
            "metadata": {"name": name, "namespace": "shop", "labels": labels},
            "addressType": "IPv4",
            "endpoints": [ready],
        },
    )
    spec = {"type": "LoadBalancer", "externalTrafficPolicy": "Cluster", "ports": [{"port": 80}]}
    stamp = {"creationTimestamp": "2026-11-22T12:00:00Z"}
    raw = {"metadata": {"name": name, "namespace": "shop", **stamp}, "spec": spec}
    world.api.put(SERVICES, raw)


def overwrite(world: World) -> None:
    """Put the other's address where ours stands; everything else is left as it is."""
    known = world.api.of(SERVICES)["shop/web"]
    if addresses_of(known) == (OURS,):
        raw = copy.deepcopy(known)
        raw["status"]["loadBalancer"]["ingress"] = [{"ip": THEIRS}]
        world.api.put(SERVICES, raw)


def event_reasons(world: World, name: str) -> list[str]:
    found = world.api.of(EVENTS).values()
    return [one["reason"] for one in found if one["involvedObject"]["name"] == name]


def writes(world: World) -> int:
    return sum(one[2] == "web" for one in world.writes())


@asynccontextmanager
async def settled():
    world = World(2)
    furnish(world)
    try:
        await asyncio.sleep(60)
        assert addresses_of(world.api.of(SERVICES)["shop/web"]) == (OURS,)
        yield world
        # The other's writes are moves, which the laws know of managers only.
        assert all("shop/web asked for nothing" in one for one in world.laws.broken)
    finally:
        for replica in world.replicas:
            await replica.stop()


async def every(pause_s: float, world: World, deed: Callable[[World], None], until: float) -> None:
    while now() < until:
        deed(world)
        await asyncio.sleep(pause_s)


def steady(world: World) -> None:
    for replica in world.replicas:
        for router in ROUTERS.values():
            assert replica.daemon.received(router)[OURS] == {"192.0.2.11"}


@pytest.mark.parametrize("pause_s", [0.001, 5.0])
async def test_who_overwrites_us_again_and_again_is_left_alone(pause_s: float) -> None:
    async with settled() as world:
        before = writes(world)
        async with asyncio.TaskGroup() as group:
            group.create_task(every(pause_s, world, overwrite, now() + 50))
            group.create_task(every(0.1, world, steady, now() + 50))
        assert writes(world) - before == 2
        assert event_reasons(world, "web").count("ForeignController") == 1
        assert addresses_of(world.api.of(SERVICES)["shop/web"]) == (THEIRS,)
        arrive(world, "late")
        await asyncio.sleep(5)
        assert addresses_of(world.api.of(SERVICES)["shop/late"])


async def test_it_is_met_ever_less_often_and_told_once() -> None:
    async with settled() as world:
        before = writes(world)
        await every(1.0, world, overwrite, now() + 4 * 3600)
        assert writes(world) - before < 15
        assert event_reasons(world, "web").count("ForeignController") == 1
        steady(world)


async def test_when_the_other_stops_ours_comes_back() -> None:
    async with settled() as world:
        async with asyncio.TaskGroup() as group:
            group.create_task(every(1.0, world, overwrite, now() + 30))
            group.create_task(every(0.1, world, steady, now() + 150))
        assert addresses_of(world.api.of(SERVICES)["shop/web"]) == (OURS,)
        steady(world)


async def test_the_user_who_changes_the_service_ends_the_pause() -> None:
    async with settled() as world:
        await every(1.0, world, overwrite, now() + 10)
        assert addresses_of(world.api.of(SERVICES)["shop/web"]) == (THEIRS,)

        def classed(raw: dict) -> None:
            raw["metadata"]["annotations"]["pointsman.dev/eip"] = "public"

        world.api.edit(SERVICES, "shop/web", classed)
        await asyncio.sleep(5)
        assert addresses_of(world.api.of(SERVICES)["shop/web"]) == (OURS,)


@pytest.mark.parametrize("lag_s", [2.0, 10.0])
async def test_with_watches_that_lag_it_is_left_alone_all_the_same(lag_s: float) -> None:
    async with settled() as world:
        before = writes(world)
        for replica in world.replicas:
            replica.wire.weather = Weather(lag_s=lag_s)
        async with asyncio.TaskGroup() as group:
            group.create_task(every(0.1, world, overwrite, now() + 600))
            group.create_task(every(0.1, world, steady, now() + 600))
        assert writes(world) - before <= 6  # the first two, then once for each pause
        assert event_reasons(world, "web").count("ForeignController") == 1
        for replica in world.replicas:
            replica.wire.weather = Weather()
        await asyncio.sleep(1200)
        assert addresses_of(world.api.of(SERVICES)["shop/web"]) == (OURS,)
        steady(world)
