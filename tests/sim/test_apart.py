"""Targets do not wait for each other: one is hung, slow or refusing, the others go on at once.

The whole manager, on a virtual clock. What is measured is how long a withdrawal takes to the
router, and a new Service to its address, with the fault and without.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from manager.adapters.kubernetes.client import EIPS, SERVICES, Overloaded, Refused
from pointsman.runtime.target import Unavailable
from tests.sim.laws import addresses_of
from tests.sim.test_calls import NODE_NAMES, Cluster
from tests.sim.wires import Weather
from tests.sim.world import World, now

pytestmark = [pytest.mark.looptime(noop_cycles=1), pytest.mark.sim]

SOON_S = 0.3
Fault = Callable[[Cluster], None]


@asynccontextmanager
async def settled(*, speakers: int = 1, lawful: bool = True) -> AsyncIterator[Cluster]:
    """Give a cluster with one manager and three Services."""
    made = Cluster(World(2, speakers=speakers))
    await made.world.replicas[1].stop()
    for name in ("web", "other", "third"):
        made.endpoints(name, *NODE_NAMES)
        made.create(name)
    await asyncio.sleep(30)
    assert len(made.daemon.received("192.0.2.1")) == 3
    try:
        yield made
        assert not (lawful and made.world.laws.broken)
        made.manager.check()
    finally:
        await made.manager.stop()


async def withdrawal_s(cluster: Cluster, name: str, *nodes: str) -> float:
    """Return how long it takes until the router has *name* by *nodes* only."""
    hops = {f"192.0.2.{11 + NODE_NAMES.index(node)}" for node in nodes}
    began = now()
    cluster.endpoints(name, *nodes)
    while cluster.hops(name) != hops:
        await asyncio.sleep(0.01)
        assert now() - began < 60, "it never comes"
    return now() - began


def hung(prefix: str) -> Fault:
    """Writes of Services whose names begin with *prefix* are not answered."""

    def fault(cluster: Cluster) -> None:
        patch = cluster.api.patch

        async def hangs(kind: Any, namespace: str, name: str, **named: Any) -> Any:
            if kind is SERVICES and name.startswith(prefix):
                await asyncio.sleep(3600)
            return await patch(kind, namespace, name, **named)

        cluster.api.patch = hangs  # type: ignore[method-assign]

    return fault


def answered(error: Exception, plural: str = "services") -> Fault:
    def fault(cluster: Cluster) -> None:
        cluster.api.fault = lambda verb, kind, name: (
            error
            if kind == plural and verb.startswith("patch") and not name.startswith("zz")
            else None
        )

    return fault


def slow(cluster: Cluster) -> None:
    cluster.manager.wire.weather = Weather(latency_s=2.0)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(hung("p"), id="writes hang"),
        pytest.param(answered(Refused(422, "Invalid", "no")), id="writes are refused"),
        pytest.param(answered(Overloaded("500")), id="writes are answered 500"),
        pytest.param(answered(Overloaded("429", 5.0)), id="writes are answered 429"),
        pytest.param(answered(Unavailable("reset")), id="writes are cut off"),
        pytest.param(answered(Overloaded("500"), "eips"), id="statuses are answered 500"),
    ],
)
async def test_a_withdrawal_waits_for_no_write(fault: Fault) -> None:
    async with settled() as cluster:
        fault(cluster)
        for number in range(60):
            cluster.create(f"p{number:02}")
        await asyncio.sleep(1)
        for turn in range(8):
            nodes = NODE_NAMES[: 1 + turn % 2]
            assert await withdrawal_s(cluster, "web", *nodes) < SOON_S
            await asyncio.sleep(0.7)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(hung("p"), id="hang"),
        pytest.param(answered(Refused(422, "Invalid", "no")), id="are refused"),
        pytest.param(answered(Overloaded("500")), id="are answered 500"),
        pytest.param(answered(Overloaded("429", 1.0)), id="are answered 429"),
    ],
)
async def test_a_new_service_has_its_address_soon_while_the_writes_of_sixty(
    fault: Fault,
) -> None:
    async with settled() as cluster:
        fault(cluster)
        for number in range(60):
            cluster.create(f"p{number:02}")
        await asyncio.sleep(8)
        began = now()
        cluster.endpoints("zz", *NODE_NAMES)
        cluster.create("zz")
        while not addresses_of(cluster.api.objects["services", "shop", "zz"]):
            await asyncio.sleep(0.05)
            assert now() - began < 60
        assert now() - began < 2


async def test_a_slow_api_server_delays_no_withdrawal() -> None:
    async with settled() as cluster:
        patch = cluster.api.patch

        async def late(kind: Any, namespace: str, name: str, **named: Any) -> Any:
            if kind is SERVICES:
                await asyncio.sleep(3.0)
            return await patch(kind, namespace, name, **named)

        cluster.api.patch = late  # type: ignore[method-assign]
        for number in range(100):
            cluster.create(f"n{number:02}")
        for turn in range(8):
            assert await withdrawal_s(cluster, "web", *NODE_NAMES[: 1 + turn % 2]) < SOON_S
            await asyncio.sleep(0.5)


@pytest.mark.parametrize("sick", [0, 1])
async def test_a_speaker_that_hangs_delays_no_other_and_no_write(sick: int) -> None:
    async with settled(speakers=2) as cluster:
        manager = cluster.manager
        line = (manager.line, *manager.lines)[sick]
        line.weather = Weather(latency_s=0.001, cut=True)
        for turn in range(8):
            began = now()
            name = f"late{turn}"
            cluster.endpoints(name, *NODE_NAMES)
            cluster.create(name)
            while not addresses_of(cluster.api.objects["services", "shop", name]):
                await asyncio.sleep(0.02)
                assert now() - began < 60
            assert now() - began < SOON_S
            if sick:
                assert await withdrawal_s(cluster, "web", *NODE_NAMES[: 1 + turn % 2]) < SOON_S
            await asyncio.sleep(1.5)


async def test_a_hung_grant_is_not_given_to_somebody_else() -> None:
    """Its request may yet be stored. Who comes next gets the next address."""
    async with settled() as cluster:
        hung("p")(cluster)
        cluster.create("p0")
        await asyncio.sleep(1)
        cluster.create("zz")
        await asyncio.sleep(20)
        (given,) = addresses_of(cluster.api.objects["services", "shop", "zz"])
        assert given == "198.18.0.4"  # three are held, one is on its way


async def test_a_restored_store_is_noticed_within_seconds_and_costs_few_writes() -> None:
    """A watch from a version that is yet to come is accepted, and says nothing."""
    async with settled(lawful=False) as cluster:  # no law foresees what a restore forgets
        backup = cluster.api.snapshot()
        cluster.create("after-the-backup")
        for name in ("web", "other"):
            cluster.endpoints(name, "node1")
        for number in range(300):  # versions run on
            cluster.api.edit(EIPS, "public", lambda raw: raw["metadata"].update(labels={"a": "b"}))
            if number % 100 == 0:
                await asyncio.sleep(1)
        await asyncio.sleep(5)
        before = len(cluster.world.writes())
        cluster.api.restore(backup)
        await asyncio.sleep(12)
        assert cluster.hops("web") == {f"192.0.2.{number}" for number in (11, 12, 13)}
        assert len(cluster.daemon.received("192.0.2.1")) == 3
        cluster.create("new")
        cluster.endpoints("new", *NODE_NAMES)
        await asyncio.sleep(5)
        assert len(cluster.hops("new")) == 3
        assert len(cluster.world.writes()) - before < 40
