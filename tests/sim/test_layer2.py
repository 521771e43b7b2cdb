"""Addresses of layer 2 through bad weather: managers crash, nodes die, agents are cut off.

`make test` runs a few stories; `make sim SEED=n` one more. What must hold meanwhile is in
`layer2_laws.py`; at the end exactly one node answers for each address, the one that is recorded.
"""

import asyncio
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

import pytest

from manager.adapters.kubernetes.client import ANNOUNCERS, EIPS, NODES, SERVICES
from manager.adapters.kubernetes.client import ENDPOINT_SLICES as SLICES
from pointsman.runtime.listen_address import ListenAddress
from tests.sim.lan import PORT, Lan
from tests.sim.laws import addresses_of, condition, note
from tests.sim.layer2_laws import Layer2Laws
from tests.sim.luck import Luck
from tests.sim.seeds import seeds
from tests.sim.segment import Segment, assigned
from tests.sim.two_managers import MANAGERS
from tests.sim.workload import EXCLUDE, Users, _drain, _exclude, _include, _node, _undrain
from tests.sim.world import POISONED, Cluster, World, now

# asyncio never sleeps while a task can run: looptime need not wait and see.
pytestmark = [pytest.mark.looptime(noop_cycles=1), pytest.mark.sim]

HOSTS = {f"node{n}": f"192.0.2.1{n}" for n in range(1, 5)}
NAMES = [f"s{number}" for number in range(8)]
STORY_S, CALM_S, IDLE_S = 120.0, 200.0, 120.0
RETURNS_S = 30.0  # a node that was dead is no candidate until it is heard steadily


class OnSegment(World):
    """A world whose managers hear heartbeats, and whose nodes share a network with clients."""

    def __init__(self, seed: int) -> None:
        self._wires: list[Lan] = []
        super().__init__(seed, compared=False)
        self.lan: Lan = self._wires[0]
        self.segment: Segment = Segment(self.api, self.lan, seed)

    def listens_at(self, name: str) -> ListenAddress | None:
        if not self._wires:
            self._wires.append(Lan(self.api, HOSTS))
            self.net = self._wires[0].net()
        return ListenAddress(MANAGERS[name], PORT)

    def _books(self) -> Layer2Laws:
        return Layer2Laws()

    def _api(self) -> Cluster:
        return Watched(self.laws)

    def check(self) -> None:
        super().check()
        assert isinstance(self.laws, Layer2Laws)
        hearing = {one.name for one in self.segment.living() if one.reaches_api}
        self.laws.answered(self.segment.answering(), hearing)


class Watched(Cluster):
    def _record(self, change: str, plural: str, raw: dict[str, Any]) -> None:
        super()._record(change, plural, raw)
        if plural == ANNOUNCERS.plural:
            assert isinstance(self._laws, Layer2Laws)
            self._laws.announcer_changed(raw)


class People(Users):
    """Who makes Services, drains nodes and cuts their power; every Service is served everywhere."""

    def __init__(self, world: OnSegment) -> None:
        super().__init__(world)
        self.segment: Segment = world.segment
        self.laws = world.laws
        self.dead = ""

    def arrive(self) -> None:
        for number, name in enumerate(HOSTS, 11):
            self.api.put(NODES, _node(name, number))
        spec = {
            "addresses": ["192.0.2.64/28"],
            "default": True,
            "protocol": "layer2",
            "layer2": {"interface": "eth0"},
        }
        self.api.put(EIPS, {"metadata": {"name": "lan", "generation": 1}, "spec": spec})
        for name in (POISONED, *NAMES):
            self._serve(name)
        for name in (POISONED, *NAMES[:5]):
            self.create(name)

    def create(self, name: str) -> None:
        spec = {
            "type": "LoadBalancer",
            "ports": [{"protocol": "TCP", "port": 80}],
            "clusterIP": "10.0.0.1",
            "ipFamilies": ["IPv4"],
        }
        stamp = {"creationTimestamp": "2026-11-22T12:00:00Z"}
        meta = {"name": name, "namespace": "shop", **stamp}
        self.api.put(SERVICES, {"metadata": meta, "spec": spec})

    def _serve(self, name: str) -> None:
        """Have it served on every node, as long as the story lasts."""
        labels = {"kubernetes.io/service-name": name}
        ends = [{"addresses": ["10.1.0.1"], "nodeName": n, "conditions": {"ready": True}}
                for n in HOSTS]  # fmt: skip
        piece = {"name": name, "namespace": "shop", "labels": labels}
        self.api.put(SLICES, {"metadata": piece, "addressType": "IPv4", "endpoints": ends})

    def act(self) -> None:
        deeds: list[tuple[int, Callable[[], None]]] = [
            (5, self._make_or_remove),
            (3, self._change_node),
            (2, self._power),
            (2, self._cut_off),
            (1, self._wire),
        ]
        self.rng.choices([deed for _, deed in deeds], [weight for weight, _ in deeds])[0]()

    def drain(self, name: str, *, drained: bool) -> None:
        self.api.edit(NODES, name, _drain if drained else _undrain)
        self._judge(name)

    def go_home(self) -> None:
        """Leave nodes that all can serve."""
        self.segment.loss = 0.0
        for agent in self.segment.agents.values():
            agent.reaches_api = True
        if self.dead:
            self._power()
        for name in HOSTS:
            for change in (_undrain, _include):
                self.api.edit(NODES, name, change)
            self._judge(name)

    def _make_or_remove(self) -> None:
        name = self.rng.choice(NAMES)
        if ("services", "shop", name) in self.api.objects:
            self.api.remove(SERVICES, name, "shop")
        else:
            self.create(name)

    def _change_node(self) -> None:
        name = self.rng.choice([one for one in HOSTS if one != self.dead])
        self.api.edit(NODES, name, self.rng.choice([_drain, _undrain, _exclude, _include]))
        self._judge(name)

    def _power(self) -> None:
        """One node at a time is dead."""
        if self.dead:
            name, self.dead = self.dead, ""
            self.segment.boot(name)
        else:
            name = self.dead = self.rng.choice(list(HOSTS))
            self.segment.kill(name)
        self._judge(name)

    def _cut_off(self) -> None:
        """An agent loses the API server, or gets it back: nothing moves for that."""
        agent = self.segment.agents[self.rng.choice(list(HOSTS))]
        agent.reaches_api = not agent.reaches_api

    def _wire(self) -> None:
        self.segment.loss = self.rng.choice([0.0, 0.02, 0.1])

    def _judge(self, name: str) -> None:
        meta, dead = self.api.of(NODES)[name]["metadata"], name == self.dead
        unfit = dead or bool(meta["annotations"]) or EXCLUDE in meta["labels"]
        assert isinstance(self.laws, Layer2Laws)
        self.laws.unfit(name, is_unfit=unfit, dead=dead)


@pytest.mark.parametrize("seed", seeds(3))
async def test_a_story(seed: int, say: Callable[[str], None]) -> None:
    world = OnSegment(seed)
    people, luck = People(world), Luck(world)
    running = [asyncio.create_task(world.lan.run()), asyncio.create_task(world.segment.run())]
    people.arrive()
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_live(people))
            group.create_task(_suffer(luck))
            group.create_task(_watch(world, STORY_S))
        for replica in world.replicas:
            if not replica.runs:
                replica.start()
        people.go_home()
        await _watch(world, CALM_S)
        _one_answers(world)
        before = len(world.writes())
        await _watch(world, IDLE_S)
        assert world.writes()[before:] == []
        _one_answers(world)
        await _one_by_one(world, people)
        _one_answers(world)
        assert isinstance(world.laws, Layer2Laws)
        say(f"seed {seed}: {world.laws.moves} moves, {world.laws.most_writes} writes in 10 s")
    except BaseException:
        print(*luck.log, *world.laws.broken, sep="\n")
        raise
    finally:
        for task in running:
            task.cancel()
        for replica in world.replicas:
            await replica.stop()


async def _live(people: People) -> None:
    while now() < STORY_S:
        people.act()
        await asyncio.sleep(people.rng.choice([0.05, 2.0, 8.0]))


async def _suffer(luck: Luck) -> None:
    while now() < STORY_S - 60:
        await asyncio.sleep(luck.rng.uniform(1, 15))
        await luck.strike()


async def _watch(world: OnSegment, duration_s: float) -> None:
    until_s = now() + duration_s
    while now() < until_s:
        await asyncio.sleep(0.5)
        world.check()
        assert not world.laws.broken


async def _one_by_one(world: OnSegment, people: People) -> None:
    """All is well, and one node leaves and returns: what others have stays with them."""
    assert isinstance(world.laws, Layer2Laws)
    world.laws.calm = True
    for name in HOSTS:
        people.drain(name, drained=True)
        await _watch(world, 15.0)
        people.drain(name, drained=False)
        await _watch(world, 15.0)


def _one_answers(world: OnSegment) -> None:
    """Of each Service's address: the node that is told, alone, and the record names it."""
    specs = {name: assigned(raw) for name, raw in world.api.of(ANNOUNCERS).items()}
    given = set()
    for key, raw in world.api.of(SERVICES).items():
        if POISONED in key:
            continue
        (text,) = addresses_of(raw)
        address = ip_address(text)
        given.add(address)
        (owner,) = [name for name, have in specs.items() if address in have]
        assert world.segment.holders(address) == [owner], key
        assert note(raw, "announced-by") == f"{owner}/eth0", key
        assert condition(raw, "Announced")["status"] == "True", key
    assert set().union(*specs.values()) == given
