"""Two whole managers on one IPAM in memory, through its outages, its people and their own ends.

At every moment: no address is two Services', nobody but who leads changes anything there, and what
a Service holds stays. At rest: the IPAM holds what Services hold, each in its name, and no more.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from manager.adapters.kubernetes.client import EIPS, SERVICES, Kind
from manager.ipam.configured import SourceConfig
from manager.ipam.group import Open
from manager.ports import AddressSource
from pointsman.model.ranges import read_disjoint
from pointsman.model.reservation import ReservationState
from tests.fakes.address_source import Book, FakeSource
from tests.sim.laws import PREFIX, addresses_of
from tests.sim.seeds import seeds
from tests.sim.wires import Weather
from tests.sim.workload import Users
from tests.sim.world import NAMESPACE, NOON, Replica, World, now

pytestmark = [pytest.mark.looptime(noop_cycles=1), pytest.mark.sim]
BLOCK = "203.0.113.6"
SECRETS = Kind("Secret", "secrets", f"/api/v1/namespaces/{NAMESPACE}")
STORY_S, CALM_S = 400.0, 400.0
NAMES = [f"n{number}" for number in range(7)]  # one more than there are addresses
HELD = ReservationState.HELD


class WatchedSource(FakeSource):
    """The IPAM as one replica sees it; whoever changes it while another leads is noted."""

    def __init__(self, world: "IpamWorld", replica: Replica, owner: str) -> None:
        super().__init__(world.book, owner)
        self._world, self._replica = world, replica

    async def _answer(self, what: str, whose: str = "") -> None:
        if not what.startswith("observe") and not self._replica.leads:
            self._world.trespasses.append(f"{now():.1f} {self._replica.name}: {what}")
        await super()._answer(what, whose)


class IpamWorld(World):
    def __init__(self, seed: int) -> None:
        self.book = Book(read_disjoint(("203.0.113.64-203.0.113.69",)))
        self.trespasses: list[str] = []
        super().__init__(seed)

    def ipam(self, replica: Replica) -> Open:
        def opened(config: SourceConfig, token: Callable[[], str]) -> AddressSource:
            return WatchedSource(self, replica, f"{config.cluster_uid}/{config.eip}")

        return opened

    def _furnish(self) -> None:
        super()._furnish()
        meta: dict[str, Any] = {"name": "netbox", "namespace": NAMESPACE}
        self.api.put(SECRETS, {"metadata": meta, "data": {"token": "dDBrZW4="}})
        netbox = {
            "url": "https://netbox.example.com",
            "tokenSecretRef": {"name": "netbox"},
            "prefix": "42",
            "quarantineSeconds": 30,
        }
        spec = {"source": {"netbox": netbox}}
        self.api.put(EIPS, {"metadata": {"name": "books", "generation": 1}, "spec": spec})

    def held(self) -> Mapping[str, str]:
        """Return the uid of the Service that has each address of the IPAM, by its status."""
        found: dict[str, str] = {}
        for raw in self.api.of(SERVICES).values():
            for address in addresses_of(raw):
                if address.startswith(BLOCK):
                    uid = raw["metadata"]["uid"]
                    assert found.setdefault(address, uid) == uid, f"{address} is two Services'"
        return found


class Story:
    def __init__(self, seed: int) -> None:
        self.world = IpamWorld(seed)
        self.rng, self.api, self.book = self.world.rng, self.world.api, self.world.book
        Users(self.world).arrive()

    def create_or_delete(self) -> None:
        name = self.rng.choice(NAMES)
        if ("services", "shop", name) in self.api.objects:
            self.api.remove(SERVICES, name, "shop")
        else:
            wishes = self.rng.random() < 0.3
            self.create(name, f"203.0.113.{self.rng.randrange(64, 70)}" if wishes else "")

    def create(self, name: str, wish: str = "") -> None:
        meta: dict[str, Any] = {"name": name, "namespace": "shop"}
        notes = {f"{PREFIX}eip": "books"}
        if wish:
            notes[f"{PREFIX}addresses"] = wish
        stamp = NOON.strftime("%Y-%m-%dT%H:%M:%SZ")
        spec = {"type": "LoadBalancer", "ports": [{"protocol": "TCP", "port": 80}]}
        spec |= {"clusterIP": "10.0.0.1", "ipFamilies": ["IPv4"]}
        meta |= {"annotations": notes, "creationTimestamp": stamp}
        self.api.put(SERVICES, {"metadata": meta, "spec": spec})

    def trouble(self) -> None:
        """Let the IPAM be away, slow or forgetful for a while."""
        self.book.away = self.rng.choice(["", "503: it is being updated"])
        self.book.slow_s = self.rng.choice([0.0, 0.0, 4.0])
        self.book.lost = self.rng.random() < 0.2
        self.book.forbids = frozenset(self.rng.choice([(), (), ("reserve",), ("release",)]))

    def delete_an_entry(self) -> None:
        if self.book.entries:
            del self.book.entries[self.rng.choice(sorted(self.book.entries, key=int))]

    async def end_a_manager(self) -> None:
        replica = self.rng.choice(self.world.replicas)
        if replica.runs:
            await (replica.kill() if self.rng.random() < 0.5 else replica.stop())
        else:
            replica.start()

    def heal(self) -> None:
        self.book.away, self.book.slow_s, self.book.lost = "", 0.0, False
        self.book.forbids = frozenset()

    async def live(self) -> None:
        while now() < STORY_S:
            await asyncio.sleep(self.rng.uniform(1, 12))
            deed = self.rng.randrange(10)
            if deed < 6:
                self.create_or_delete()
            elif deed < 8:
                self.trouble()
            elif deed < 9:
                self.delete_an_entry()
            else:
                await self.end_a_manager()

    async def watch(self, until_s: float) -> None:
        """Judge every moment: what is held stays, and is nobody else's."""
        before = self.world.held()
        while now() < until_s:
            await asyncio.sleep(1.0)
            self.world.check()
            assert not self.world.trespasses
            after = self.world.held()
            uids = {raw["metadata"]["uid"] for raw in self.api.of(SERVICES).values()}
            for address, uid in before.items():
                assert uid not in uids or after.get(address) == uid, f"{address} left {uid}"
            before = after


@pytest.mark.parametrize("seed", seeds(2))
async def test_the_ipam_holds_what_services_hold(seed: int) -> None:
    story = Story(seed)
    world = story.world
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(story.live())
            group.create_task(story.watch(STORY_S))
        story.heal()
        for replica in world.replicas:
            if not replica.runs:
                replica.start()
        await story.watch(STORY_S + CALM_S / 2)
        for address in list(world.book.entries)[:2]:  # held or not: the end is the same
            del world.book.entries[address]
        await story.watch(STORY_S + CALM_S)
        held = world.held()
        there = {
            str(address): entry.key.service_uid if entry.key else ""
            for address, (_, entry) in world.book.entries.items()
            if entry.state is HELD
        }
        assert there == dict(held)
        assert len(world.book.entries) == len(held)  # nothing is left in quarantine
        waiting = [raw for raw in world.api.of(SERVICES).values() if _asks(raw)]
        assert bool(waiting) <= (len(held) == len(range(6))) or all(map(_wishes, waiting))
        world.book.asked.clear()
        await story.watch(STORY_S + CALM_S + 200)
        assert set(world.book.asked) <= {"observe"} or waiting
    finally:
        for replica in world.replicas:
            await replica.stop()


async def test_a_leader_that_is_cut_off_from_the_api_changes_nothing_more() -> None:
    """Its IPAM answers, slowly, and there is much to do when its lease lapses."""
    story = Story(1)
    world = story.world
    try:
        await asyncio.sleep(60)
        (leader,) = (one for one in world.replicas if one.leads)
        story.book.slow_s = 3.0
        for name in NAMES:
            story.create(name)
        await asyncio.sleep(2)
        leader.wire.weather = Weather(cut=True)
        await story.watch(now() + 60)
        assert not leader.leads
        leader.wire.weather = Weather()
        await story.watch(now() + 60)
        assert len(world.held()) == 6
        assert len(world.book.entries) == 6
    finally:
        for replica in world.replicas:
            await replica.stop()


def _asks(raw: dict[str, Any]) -> bool:
    """Whether a Service of the IPAM's Eip waits for its address."""
    notes = raw["metadata"].get("annotations") or {}
    return notes.get(f"{PREFIX}eip") == "books" and not addresses_of(raw)


def _wishes(raw: dict[str, Any]) -> bool:
    """Whether it asks for a certain address, which another may have."""
    return f"{PREFIX}addresses" in raw["metadata"]["annotations"]
