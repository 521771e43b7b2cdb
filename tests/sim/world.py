"""Two real managers on one fake API server, each with a fake gobgpd, on a virtual clock.

Everything of the manager is real and wired as `manager.main` does; what is fake is the API
server, the daemons with their routers, time and chance. One seed, one story.
"""

import asyncio
import copy
import random
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_network
from typing import Any

from prometheus_client import CollectorRegistry

from manager.adapters.gobgp.speaker import GobgpSpeaker
from manager.adapters.heartbeat import UDP_AND_TCP
from manager.adapters.kubernetes.client import (
    BGP_CONFS,
    BGP_PEERS,
    CRDS,
    LEASES,
    NAMESPACES,
    SERVICES,
    Kind,
    Overloaded,
    Refused,
)
from manager.adapters.kubernetes.informer import Pace
from manager.adapters.metrics.counters import Counters
from manager.ipam.group import Open
from manager.main import Parts
from manager.options import Options
from manager.snapshot import Settings
from pointsman.gobgp_api import gobgp_pb2 as pb
from pointsman.model.names import LEASE
from pointsman.runtime.clock import Clock
from pointsman.runtime.listen_address import ListenAddress
from tests.fakes.gobgp import FakeGobgpd, FakeRouter
from tests.fakes.kube import FakeKube
from tests.sim.compared import ComparedParts
from tests.sim.laws import Laws
from tests.sim.wires import Line, Weather, Wire

NAMESPACE = "pointsman-system"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
ROUTERS = {"tor-a": "192.0.2.1", "tor-b": "192.0.2.2"}
SPARE_ROUTER = "192.0.2.3"  # tor-b may be moved there, and is moved back
EVERY_ROUTER = (*ROUTERS.values(), SPARE_ROUTER)
PACE = Pace(watch_s=40, relist_s=60.0)  # lost events are mended by lists: often, here
POISONED = "poisoned"  # the Service whose status can never be written


def now() -> float:
    return asyncio.get_running_loop().time()


class Cluster(FakeKube):
    """The API server; *laws* sees every Service as it changes."""

    def __init__(self, laws: Laws) -> None:
        super().__init__()
        self._laws = laws
        self.fault = self._poison
        self.poison: Exception = Refused(422, "Invalid", "a webhook of somebody's says no")

    def _poison(self, verb: str, plural: str, name: str) -> Exception | None:
        bad = verb == "patch status" and name == POISONED
        return self.poison if bad else None

    def _record(self, change: str, plural: str, raw: dict[str, Any]) -> None:
        super()._record(change, plural, raw)
        if plural == SERVICES.plural:
            self._laws.service_changed(raw, gone=change == "DELETED")

    def push_event(self, kind: Kind, change: str, raw: dict[str, Any]) -> None:
        """Push an event of *raw* to the watches as if it had just become so; nothing has."""
        self.version += 1
        super()._record(change, kind.plural, raw)

    def edit(self, kind: Kind, name: str, change: Callable[[dict[str, Any]], None]) -> None:
        """Let *change* alter an object, as a user does: its generation grows."""
        raw = copy.deepcopy(self.of(kind)[name])
        change(raw)
        raw["metadata"]["generation"] = raw["metadata"].get("generation", 1) + 1
        self.put(kind, raw)


class Daemon(FakeGobgpd):
    """A gobgpd with the routers it speaks to; *laws* sees every path that is put."""

    def __init__(self, name: str, laws: Laws) -> None:
        super().__init__()
        self.name, self._laws = name, laws
        self.routers = {address: FakeRouter(64500) for address in EVERY_ROUTER}

    def _put(self, identity: tuple[int, str, int], path: pb.Path) -> None:
        self._laws.advertised(self.name, [_address(identity[1])])
        super()._put(identity, path)

    def received(self, router: str) -> dict[str, set[str]]:
        """Return the next hops of every address that *router* has from us."""
        found: dict[str, set[str]] = {}
        for (_, prefix, _), path in self.routers[router].received.items():
            found.setdefault(_address(prefix), set()).add(_next_hop(path))
        return found


class Replica:
    """One manager process and its sidecars; all come and go."""

    def __init__(self, world: "World", name: str, speakers: int) -> None:
        self.world, self.name = world, name
        self.rng = random.Random(f"{world.seed} {name}")
        self.daemon, *self.further = (Daemon(name, world.laws) for _ in range(speakers))
        self._ahead_s = self.rng.uniform(-100, 100)
        self.start()

    def start(self) -> None:
        """Start a process that remembers nothing."""
        self.wire = Wire(self.world.api, self.rng, arrives=self._arrives)
        self.line, *self.lines = (Line(one, self.rng) for one in (self.daemon, *self.further))
        loop, ahead = asyncio.get_running_loop(), self._ahead_s
        # Monotonic clocks of two machines share no zero, and wall clocks differ.
        clock = Clock(
            monotonic=lambda: loop.time() + 7 * ahead,
            wall=lambda: NOON + timedelta(seconds=loop.time() + ahead / 50),
        )
        self.clock = clock
        self.settings = Settings(speaker_name=self.name, speakers=1 + len(self.further))
        options = Options(
            name=self.name,
            namespace=NAMESPACE,
            kubeconfig=None,
            gobgp_sockets=(),
            lease_duration_s=15.0,
            heartbeat=self.world.listens_at(self.name),
            settings=self.settings,
        )
        stubs: Any = (self.line, *self.lines)  # as the fake: any stub
        speakers = [GobgpSpeaker(stub) for stub in stubs]
        parts = ComparedParts if self.world.compared else Parts
        self.parts = parts(
            options,
            self.wire,
            speakers=speakers,
            clock=clock,
            chance=self.rng,
            counters=Counters(CollectorRegistry(), replica=self.name),
            pace=PACE,
            net=self.world.net,
            open_source=self.world.ipam(self),
        )
        self._stopping = asyncio.Event()
        self._task = asyncio.create_task(self.parts.run(self._stopping), name=self.name)

    @property
    def runs(self) -> bool:
        return not self._task.done()

    @property
    def leads(self) -> bool:
        return self.runs and self.parts.leadership.leading

    async def kill(self) -> None:
        """End it as SIGKILL does: nothing is released, what was under way may have arrived."""
        self.wire.dead = True
        for line in (self.line, *self.lines):
            line.dead = True
        await self._end(self._task.cancel)

    async def stop(self) -> None:
        """End it as SIGTERM does."""
        await self._end(self._stopping.set)

    async def _end(self, ask: Callable[[], object]) -> None:
        if self.runs:
            ask()
            with suppress(asyncio.CancelledError):
                await self._task

    def check(self) -> None:
        """Raise what it crashed of, if it did."""
        if self._task.done() and not self._task.cancelled():
            self._task.result()

    def _arrives(self, kind: Kind, name: str) -> None:
        if kind is not LEASES:
            lease = self.world.api.objects.get((LEASES.plural, NAMESPACE, LEASE))
            self.world.laws.written(self.name, f"{kind.name} {name}", lease)
            self.world.check_leaders()


class World:
    """Everything there is, from one *seed*."""

    def __init__(self, seed: int, *, speakers: int = 1, compared: bool = True) -> None:
        self.seed, self.rng = seed, random.Random(seed)
        self.compared = compared  # each plan with a cold one: too dear for a thousand Services
        self.laws = self._books()
        self.api = self._api()
        self.net = UDP_AND_TCP
        self._furnish()
        if seed % 2:
            self.api.poison = Overloaded("the API server answered 500: a webhook is down")
        self.replicas = [Replica(self, name, speakers) for name in "ab"]
        self.laws.routed = self._routed

    def _books(self) -> Laws:
        """Return the books of what must hold."""
        return Laws()

    def _api(self) -> Cluster:
        return Cluster(self.laws)

    def ipam(self, replica: Replica) -> Open | None:
        """Return what opens the IPAM of an Eip for *replica*; None: the manager's own means."""
        return None

    def listens_at(self, name: str) -> ListenAddress | None:
        """Return where that replica hears heartbeats; None: there are none here."""
        return None

    def _furnish(self) -> None:
        for plural in ("eips", "bgpconfs", "bgppeers", "announcers"):
            self.api.put(CRDS, {"metadata": {"name": f"{plural}.pointsman.dev"}})
        for name in ("kube-system", "shop", NAMESPACE):
            self.api.put(NAMESPACES, {"metadata": {"name": name}})
        self.api.put(
            BGP_CONFS, {"metadata": {"name": "default", "generation": 1}, "spec": {"as": 64512}}
        )
        for name, address in ROUTERS.items():
            spec = {"address": address, "as": 64500}
            self.api.put(BGP_PEERS, {"metadata": {"name": name, "generation": 1}, "spec": spec})

    def check(self) -> None:
        """Judge the moment."""
        for replica in self.replicas:
            replica.check()
            for router in EVERY_ROUTER:
                self.laws.advertised(replica.name, replica.daemon.received(router))
        self.check_leaders()

    def _routed(self) -> set[str]:
        """Return what a speaker of the leader holds, while the leader reads it well."""
        return {
            _address(prefix)
            for replica in self.replicas
            if replica.leads
            for line, daemon in zip(
                (replica.line, *replica.lines), (replica.daemon, *replica.further), strict=True
            )
            if line.weather == Weather(latency_s=0.001)
            for _, prefix, _ in daemon.table
        }

    def check_leaders(self) -> None:
        self.laws.leading(replica.name for replica in self.replicas if replica.leads)

    def writes(self) -> list[tuple[str, str, str]]:
        """Return every write that was asked for so far, but for leases and the poisoned one."""
        return [
            request
            for request in self.api.requests
            if request[0] not in ("list", "watch", "get")
            and request[1] != LEASES.plural
            and request[2] != POISONED
        ]


@cache  # every second, of every path
def _address(prefix: str) -> str:
    network = ip_network(prefix)
    assert network.num_addresses == 1, f"{prefix} is no host route"
    return str(network.network_address)


def _next_hop(path: pb.Path) -> str:
    for attribute in path.pattrs:
        if attribute.HasField("next_hop"):
            return attribute.next_hop.next_hop
        if attribute.HasField("mp_reach"):
            return attribute.mp_reach.next_hops[0]
    raise AssertionError("a path without next hop")
