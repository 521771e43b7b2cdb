"""The whole manager, twice, through bad weather: laws at every moment, silence at the end.

`make test` runs twenty stories; `make sim SEED=n` one more. A story that fails names its
seed and what had gone wrong by then.
"""

import asyncio
from ipaddress import ip_address

import pytest

from manager.adapters.kubernetes.client import BGP_CONFS, EIPS, ENDPOINT_SLICES, NODES, SERVICES
from manager.planner.plan import plan
from manager.work import cluster_work, speaker_work
from tests.sim.laws import addresses_of, condition, note, watched_badly
from tests.sim.luck import Luck
from tests.sim.seeds import seeds
from tests.sim.workload import Users
from tests.sim.world import POISONED, ROUTERS, SPARE_ROUTER, World, now

# asyncio never sleeps while a task can run: looptime need not wait and see.
pytestmark = [pytest.mark.looptime(noop_cycles=1), pytest.mark.sim]

STORY_S = 120.0
CALM_S = 200.0  # after the last trouble: a list or two, back-offs, a lease that runs out
IDLE_S = 600.0


@pytest.mark.parametrize("seed", seeds(20))
async def test_a_story(seed: int) -> None:
    world = World(seed)
    users, luck = Users(world), Luck(world)
    users.arrive()
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_live(users))
            for _ in range(2):
                group.create_task(_suffer(luck))
            group.create_task(_watch(world, STORY_S))
        for replica in world.replicas:
            if not replica.runs:
                replica.start()
        users.go_home()
        await _watch(world, CALM_S)
        await _rests(world)
        assert not world.laws.broken
    except BaseException:
        print(*luck.log, *world.laws.broken, sep="\n")
        raise
    finally:
        for replica in world.replicas:
            await replica.stop()


async def _live(users: Users) -> None:
    while now() < STORY_S:
        users.act()
        await asyncio.sleep(users.rng.choice([0.05, 1.0, 4.0]))


async def _suffer(luck: Luck) -> None:
    while now() < STORY_S - 60:
        await asyncio.sleep(luck.rng.uniform(1, 15))
        await luck.strike()


async def _watch(world: World, duration_s: float) -> None:
    until = now() + duration_s
    while now() < until:
        await asyncio.sleep(1.0)
        world.check()
        assert not world.laws.broken


async def _rests(world: World) -> None:
    assert sum(replica.leads for replica in world.replicas) == 1
    await _nothing_is_left_to_do(world)
    _everybody_is_served(world)
    assert watched_badly(world.api) == []
    before = len(world.writes())
    await _watch(world, IDLE_S)
    assert world.writes()[before:] == []


async def _nothing_is_left_to_do(world: World) -> None:
    for replica in world.replicas:
        parts = replica.parts
        (observed,) = parts.speakers.readings
        assert observed.fresh
        written = parts.targets.observe()
        snapshot = parts.view.snapshot(
            speakers=(observed,),
            pending=parts.targets.services.pending,
            settings=replica.settings,
            taken_at=replica.clock.wall(),
        )
        decided = plan(snapshot)
        assert not decided.failures
        assert not speaker_work(decided.speakers[0], observed)
        if replica.leads:
            work = cluster_work(decided, written)
            services = {*work.services.put, *work.services.drop} - {f"shop/{POISONED}"}
            assert not services
            assert not work.statuses
            assert not work.announcers


def _everybody_is_served(world: World) -> None:
    services = {k: raw for k, raw in world.api.of(SERVICES).items() if POISONED not in k}
    routed: dict[str, set[str]] = {}
    for name, raw in services.items():
        if raw["spec"]["type"] != "LoadBalancer":
            assert not addresses_of(raw)
            continue
        for address in addresses_of(raw):
            if hops := _hops(world, name, raw, ip_address(address).version):
                routed.setdefault(address, set()).update(hops)
        if not addresses_of(raw):
            _waits_with_reason(world, name, raw)
    for replica in world.replicas:
        for router in ROUTERS.values():
            assert replica.daemon.received(router) == routed
        assert not replica.daemon.received(SPARE_ROUTER)
    assert condition(world.api.of(BGP_CONFS)["default"], "Ready")["status"] == "True"


def _waits_with_reason(world: World, name: str, raw: dict) -> None:
    assert condition(raw, "Allocated")["status"] == "False", name
    assert note(raw, "status"), name
    if any(note(raw, word) for word in ("addresses", "eip", "share-key")):
        return
    public = world.api.of(EIPS)["public"]
    if not public["spec"].get("disabled"):
        assert public["status"]["available"]["ipv4"] == "0", name


def _hops(world: World, name: str, raw: dict, version: int) -> set[str]:
    """Return where traffic should go, said once more and otherwise than the planner does."""
    serving = set()
    found = world.api.of(ENDPOINT_SLICES)[name]
    if {"IPv4": 4, "IPv6": 6}[found["addressType"]] == version:
        serving = {e["nodeName"] for e in found["endpoints"] if e["conditions"]["ready"]}
    if not serving:
        return set()
    nodes = {n: node for n, node in world.api.of(NODES).items() if not node["metadata"]["labels"]}
    staying = {n for n, node in nodes.items() if not node["metadata"]["annotations"]}
    others = staying or set(nodes)
    sound = {n for n in others if nodes[n]["status"]["conditions"][0]["status"] == "True"}
    counts = 2 * len(sound) >= len(others)
    ready = {
        n
        for n, node in nodes.items()
        if node["status"]["conditions"][0]["status"] == "True" or not counts
    }
    local = serving if raw["spec"]["externalTrafficPolicy"] == "Local" else set(nodes)
    carriers = ready & staying & local or ready & local
    if not counts and staying & local:
        carriers = staying & local
    return {
        a["address"]
        for n in carriers
        for a in nodes[n]["status"]["addresses"]
        if ip_address(a["address"]).version == version
    }
