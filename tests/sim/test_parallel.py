"""Parallel sessions in bad weather: speakers come and go, and each names one node in the end."""

import asyncio
from collections.abc import Iterable

import pytest

from manager.adapters.kubernetes.client import BGP_PEERS, NODES
from manager.planner.plan import plan
from manager.work import speaker_work
from tests.sim.seeds import seeds
from tests.sim.test_calls import NODE_NAMES, Cluster
from tests.sim.wires import Weather
from tests.sim.world import ROUTERS, Daemon, World

pytestmark = [pytest.mark.looptime(noop_cycles=1), pytest.mark.sim]

SOURCES = ["192.0.2.101", "192.0.2.102", "192.0.2.103"]
OLD = "tor-b"  # the router without ADD-PATH
HOPS = {f"192.0.2.{number}" for number in (11, 12, 13)}
COUNT = 5
CALM_S = 120.0


class Parallel(Cluster):
    """A cluster with one manager, four speakers, and a router that keeps one path."""

    def __init__(self, seed: int) -> None:
        super().__init__(World(seed, speakers=4))
        for daemon in self.manager.further:
            daemon.routers[ROUTERS[OLD]].receives_add_path = False
        sources = {"sourceAddresses": SOURCES}
        self.api.edit(BGP_PEERS, OLD, lambda raw: raw["spec"].update(parallelSessions=sources))

    def advertised_further(self) -> dict[str, list[set[str]]]:
        """Return by address what each further speaker advertised to the router."""
        found = [daemon.received(ROUTERS[OLD]) for daemon in self.manager.further]
        every: Iterable[str] = {address for one in found for address in one}
        return {address: [one.get(address, set()) for one in found] for address in every}

    async def rests(self, *gone: str) -> None:
        """Wait, then raise unless every address has every node once, and nothing is left to do."""
        await asyncio.sleep(CALM_S)
        self.manager.check()
        advertised = self.advertised_further()
        assert len(advertised) == COUNT
        for hops in advertised.values():
            assert all(len(one) <= 1 for one in hops)
            assert set().union(*hops) == HOPS - set(gone)
        assert self.daemon.received(ROUTERS["tor-a"]).keys() == advertised.keys()
        assert not self.daemon.received(ROUTERS[OLD])
        parts, observed = self.manager.parts, self.manager.parts.speakers.readings
        snapshot = parts.view.snapshot(
            speakers=observed,
            settings=self.manager.settings,
            taken_at=self.manager.clock.wall(),
        )
        for speaker_plan, seen in zip(plan(snapshot).speakers, observed, strict=True):
            assert not speaker_work(speaker_plan, seen)


@pytest.mark.parametrize("seed", seeds(5))
async def test_speakers_come_and_go(seed: int) -> None:
    cluster = Parallel(seed)
    await cluster.world.replicas[1].stop()
    for number in range(COUNT):
        cluster.create(f"s{number}")
        cluster.endpoints(f"s{number}", *NODE_NAMES)
    await cluster.rests()
    daemons: list[Daemon] = cluster.manager.further
    chance = cluster.world.rng
    for _ in range(6):
        match chance.randrange(6):
            case 0:
                chance.choice(daemons).replace()
            case 1:
                cluster.daemon.replace()
            case 2:
                line = chance.choice(cluster.manager.lines)
                line.weather = Weather(latency_s=0.001, cut=True)
                await asyncio.sleep(chance.uniform(1, 60))
                line.weather = Weather(latency_s=0.001)
            case 3:
                await cluster.manager.kill()
                cluster.manager.start()
            case 4:
                daemon = chance.choice(daemons)
                daemon.port_taken = True
                daemon.replace()
                await asyncio.sleep(chance.uniform(1, 60))
                daemon.port_taken = False
            case 5:
                line = chance.choice(cluster.manager.lines)
                line.weather = Weather(latency_s=0.01, replaced=0.05, reading_s=0.05, deaf=True)
                await asyncio.sleep(chance.uniform(1, 20))
                line.weather = Weather(latency_s=0.001)
        await asyncio.sleep(chance.uniform(0, 20))
    await cluster.rests()
    drained = {"pointsman.dev/drain": "true"}
    cluster.api.edit(NODES, NODE_NAMES[0], lambda raw: raw["metadata"].update(annotations=drained))
    await cluster.rests("192.0.2.11")
    await cluster.manager.stop()
