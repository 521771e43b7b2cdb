"""What bad luck does to a world: random faults, one seed, all of them mended in time.

Refuses to check anything, and to break what never heals.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable

from tests.sim.wires import Weather
from tests.sim.world import Replica, World, now


class Luck:
    """Breaks one thing at a time, sometimes two, and mends each within a minute."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.rng = random.Random(f"{world.seed} luck")
        self.log: list[str] = []

    async def strike(self) -> None:
        """Break something at random, and return when it is mended."""
        replica = self.rng.choice(self.world.replicas)
        faults: list[Callable[[Replica], Awaitable[None]]] = [
            self._crash,
            self._crash,
            self._orderly_restart,
            self._sidecar_restart,
            self._sidecar_away,
            self._sidecar_frozen,
            self._sidecar_refuses,
            self._sidecar_swapped,
            self._slow_tables,
            self._late_watches,
            self._partition,
            self._bad_wire,
            self._hung_writes,
            self._hung_writes,
            self._no_leases,
            self._bad_line,
            self._bad_watches,
            self._bad_watches,
            self._compaction,
        ]
        fault = self.rng.choice(faults)
        self.log.append(f"{now():.1f} s: {fault.__name__.strip('_')} at {replica.name}")
        await fault(replica)

    async def _last(self, longest_s: float) -> None:
        await asyncio.sleep(self.rng.choice([0.2, 3.0, longest_s]) * self.rng.uniform(0.5, 1.0))

    async def _crash(self, replica: Replica) -> None:
        await replica.kill()
        await self._last(30.0)
        if not replica.runs:
            replica.start()

    async def _orderly_restart(self, replica: Replica) -> None:
        await replica.stop()
        await self._last(10.0)
        if not replica.runs:
            replica.start()

    async def _sidecar_restart(self, replica: Replica) -> None:
        replica.daemon.replace()

    async def _sidecar_away(self, replica: Replica) -> None:
        replica.daemon.kill()
        await self._last(60.0)
        replica.daemon.replace()

    async def _sidecar_frozen(self, replica: Replica) -> None:
        await self._line(replica, 60.0, Weather(latency_s=0.001, cut=True))

    async def _sidecar_refuses(self, replica: Replica) -> None:
        replica.daemon.port_taken = True
        replica.daemon.replace()
        await self._last(60.0)
        replica.daemon.port_taken = False

    async def _sidecar_swapped(self, replica: Replica) -> None:
        worse = Weather(latency_s=0.01, replaced=0.05, deaf=self.rng.random() < 0.5)
        await self._line(replica, 10.0, worse)

    async def _slow_tables(self, replica: Replica) -> None:
        await self._line(replica, 60.0, Weather(latency_s=0.01, reading_s=0.1))

    async def _late_watches(self, replica: Replica) -> None:
        await self._wire(replica, 30.0, Weather(lag_s=self.rng.choice([1.0, 5.0])))

    async def _partition(self, replica: Replica) -> None:
        await self._wire(replica, 60.0, Weather(cut=True))

    async def _bad_wire(self, replica: Replica) -> None:
        worse = Weather(latency_s=self.rng.choice([0.01, 1.0]), loss=0.2, conflicts=0.2)
        await self._wire(replica, 30.0, worse)

    async def _hung_writes(self, replica: Replica) -> None:
        """A webhook that takes its time: what is asked is done late, or not, and not answered."""
        await self._wire(replica, 40.0, Weather(hung=self.rng.choice([0.2, 0.6, 1.0])))

    async def _no_leases(self, replica: Replica) -> None:
        await self._wire(replica, 30.0, Weather(latency_s=1.0, leaseless=True))

    async def _bad_line(self, replica: Replica) -> None:
        worse = Weather(latency_s=self.rng.choice([0.001, 0.1]), loss=0.1)
        await self._line(replica, 30.0, worse)

    async def _bad_watches(self, replica: Replica) -> None:
        await self._wire(replica, 60.0, Weather(skipped=0.5, repeated=0.3))

    async def _compaction(self, replica: Replica) -> None:
        self.world.api.forget_history()

    async def _wire(self, replica: Replica, longest_s: float, worse: Weather) -> None:
        replica.wire.weather = worse
        await self._last(longest_s)
        replica.wire.weather = Weather()

    async def _line(self, replica: Replica, longest_s: float, worse: Weather) -> None:
        replica.line.weather = worse
        await self._last(longest_s)
        replica.line.weather = Weather(latency_s=0.001)
