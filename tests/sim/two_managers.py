"""Two whole managers that hear each other and agents, one router, and what becomes of them.

A router has both sessions, and of each prefix the paths of the lowest MED. What is watched is by
which nodes it reaches each address, every hundredth of a second.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from pointsman.gobgp_api import gobgp_pb2 as pb
from pointsman.runtime.listen_address import ListenAddress
from tests.sim.lan import PORT, Lan, LanSocket
from tests.sim.laws import addresses_of
from tests.sim.test_calls import Cluster as Written
from tests.sim.wires import Weather
from tests.sim.world import Daemon, Replica, World, _address, _next_hop, now

ROUTER = "192.0.2.1"
MANAGERS = {"a": "192.0.2.10", "b": "192.0.2.9"}
LAN_NODES = {"node1": "192.0.2.11", "node2": "192.0.2.12", "node3": "192.0.2.13"}
HOLD_S = 9.0
Hops = Mapping[str, frozenset[str]]


class Heard(World):
    """A world whose managers hear heartbeats."""

    def __init__(self) -> None:
        self.lan: Lan | None = None
        super().__init__(2, compared=False)

    def listens_at(self, name: str) -> ListenAddress | None:
        if self.lan is None:
            self.lan = Lan(self.api, LAN_NODES)
            self.net = self.lan.net()
        return ListenAddress(MANAGERS[name], PORT)


def med_of(path: pb.Path) -> int:
    found = [a.multi_exit_disc.med for a in path.pattrs if a.HasField("multi_exit_disc")]
    return found[0] if found else 0


class Two:
    """Two managers, three nodes, and a router that both speak to."""

    def __init__(self) -> None:
        self.world = Heard()
        assert self.world.lan is not None
        self.lan = self.world.lan
        self.users = Written(self.world)
        self.changes: list[tuple[float, str, frozenset[str]]] = []
        self.lost: set[str] = set()  # daemons whose sessions the router has given up

    @property
    def a(self) -> Replica:
        return self.world.replicas[0]

    @property
    def b(self) -> Replica:
        return self.world.replicas[1]

    def pair(self) -> tuple[Replica, Replica]:
        """Return who leads, and the other."""
        return (self.a, self.b) if self.a.leads else (self.b, self.a)

    def socket(self, one: Replica) -> LanSocket:
        return self.lan.sockets[MANAGERS[one.name]]

    def hops(self) -> Hops:
        """Return by which nodes the router reaches each address."""
        found: dict[str, list[tuple[int, str]]] = {}
        for one in self.world.replicas:
            if one.daemon.name not in self.lost:
                for (_, prefix, _), path in one.daemon.routers[ROUTER].received.items():
                    found.setdefault(_address(prefix), []).append((med_of(path), _next_hop(path)))
        return {
            address: frozenset(hop for med, hop in paths if med == min(paths)[0])
            for address, paths in found.items()
        }

    async def watch(self) -> None:
        """Note each change of a route, until cancelled."""
        before = self.hops()
        while True:
            await asyncio.sleep(0.01)
            after = self.hops()
            for address in sorted(before.keys() | after.keys()):
                if before.get(address) != after.get(address):
                    self.changes.append((now(), address, after.get(address, frozenset())))
            before = after

    def advertised_by(self, daemon: Daemon, address: str) -> set[str]:
        return daemon.received(ROUTER).get(address, set())

    # --- what becomes of a replica ---

    def freeze(self, one: Replica) -> None:
        """SIGSTOP: it neither asks nor answers anybody; its gobgpd goes on."""
        self.socket(one).stopped = True
        one.wire.weather = Weather(cut=True)
        one.line.weather = Weather(cut=True)

    def thaw(self, one: Replica) -> None:
        self.socket(one).stopped = False
        one.wire.weather = Weather()
        one.line.weather = Weather(latency_s=0.001)

    def without_api(self, *replicas: Replica) -> None:
        for one in replicas:
            one.wire.weather = Weather(cut=True)

    def with_api(self, *replicas: Replica) -> None:
        for one in replicas:
            one.wire.weather = Weather()

    def apart(self) -> None:
        self.lan.cut.add(frozenset(MANAGERS.values()))

    def together(self) -> None:
        self.lan.cut.clear()


@asynccontextmanager
async def running() -> AsyncIterator[Two]:
    two = Two()
    tasks = [asyncio.create_task(two.lan.run())]
    for name in ("web", "api"):
        two.users.endpoints(name, *LAN_NODES)
        two.users.create(name)
    try:
        while not heard(two):
            await asyncio.sleep(1)
            two.world.check()
            assert now() < 300, "they never hear each other"
        await asyncio.sleep(10)
        assert {frozenset(LAN_NODES.values())} == set(two.hops().values())
        tasks.append(asyncio.create_task(two.watch()))
        yield two
        two.world.check()
        assert [task for task in tasks if task.done()] == []
        assert not two.world.laws.broken
    finally:
        for task in tasks:
            task.cancel()
        for one in two.world.replicas:
            await one.stop()


def driver(one: Replica) -> Any:
    assert one.parts.heartbeats is not None
    return one.parts.heartbeats.driver


def heard(two: Two) -> bool:
    """Whether both hear all nodes and each other, and all of it is advertised."""
    return all(
        len(driver(one).liveness) == len(LAN_NODES)
        and all(other.is_heard(now()) for other in driver(one).company._reports.others.values())
        and driver(one).company._reports.others
        and len(one.daemon.received(ROUTER)) == 2
        for one in two.world.replicas
    )


def address_of(two: Two, name: str) -> str:
    (found,) = addresses_of(two.world.api.objects["services", "shop", name])
    return found


async def until(what: str, holds: Callable[[], bool], *, most_s: float = 60.0) -> float:
    """Wait until *holds*; return how long it took."""
    began = now()
    while not holds():
        await asyncio.sleep(0.01)
        assert now() - began < most_s, f"{what} never comes"
    return now() - began
