"""Nodes that drain while their agents speak of what arrives: asked once, and nobody writes for it.

That a node is watched exactly while it drains is a law of every story (`test_manager.py`).
"""

import asyncio
import copy
from datetime import timedelta

import pytest

from manager.adapters.kubernetes.client import ANNOUNCERS, EIPS, NODES
from pointsman.model.timestamps import format_micro_time
from tests.sim.laws import watched_badly
from tests.sim.seeds import seeds
from tests.sim.workload import Users
from tests.sim.world import NOON, World, now

pytestmark = [pytest.mark.looptime(noop_cycles=1), pytest.mark.sim]

DRAIN = "pointsman.dev/drain"
CALM_S = 60.0
NODE = "node1"


def drain(world: World, value: str | None) -> None:
    def change(raw: dict[str, object]) -> None:
        meta = raw["metadata"]
        assert isinstance(meta, dict)
        meta.setdefault("annotations", {})
        meta["annotations"] |= {DRAIN: value}
        if value is None:
            del meta["annotations"][DRAIN]

    world.api.edit(NODES, NODE, change)


async def speak(world: World, duration_s: float) -> None:
    """Let the agent write each second who came, as under a scanner."""
    until_s = now() + duration_s
    while now() < until_s:
        raw = copy.deepcopy(world.api.of(ANNOUNCERS)[NODE])
        at = format_micro_time(NOON + timedelta(seconds=now()))
        one = {"address": "198.51.100.1", "source": "203.0.113.66", "last": at}
        quiet = {"observedGeneration": 1, "since": at, "until": at}
        raw["status"] = {**raw.get("status", {}), "arriving": [one], "quiet": quiet}
        world.api.put(ANNOUNCERS, raw)
        await asyncio.sleep(1.0)
        world.check()


def spec(world: World, node: str = NODE) -> dict[str, object]:
    return dict(world.api.of(ANNOUNCERS)[node].get("spec") or {})


@pytest.mark.parametrize("seed", seeds(2))
async def test_a_drain_is_asked_of_the_agent_once_and_its_words_cost_nothing(seed: int) -> None:
    world = World(seed, compared=False)
    Users(world).arrive()
    try:
        await asyncio.sleep(CALM_S)
        assert watched_badly(world.api) == []
        assert "watched" not in spec(world)
        before = len(world.writes())
        drain(world, "true")
        await speak(world, CALM_S)
        assert watched_badly(world.api) == []
        watched = spec(world)["watched"]
        assert watched
        announcers = [one for one in world.writes()[before:] if one[1] == ANNOUNCERS.plural]
        assert {name for _, _, name in announcers} == {NODE}
        # It drains; its paths are withdrawn; and where the agent's word came in between, again.
        assert len(announcers) <= 4
        before = len(world.writes())
        await speak(world, 4 * CALM_S)
        assert world.writes()[before:] == []
        more = {"addresses": ["198.18.0.0/28"]}
        world.api.put(EIPS, {"metadata": {"name": "later", "generation": 1}, "spec": more})
        await asyncio.sleep(CALM_S)
        assert "198.18.0.0/28" in spec(world)["watched"]  # type: ignore[operator]
        announcers = [one for one in world.writes()[before:] if one[1] == ANNOUNCERS.plural]
        assert len(announcers) == 1
        drain(world, None)
        await asyncio.sleep(CALM_S)
        assert watched_badly(world.api) == []
        assert "watched" not in spec(world)
        assert not world.laws.broken
    finally:
        for replica in world.replicas:
            await replica.stop()
