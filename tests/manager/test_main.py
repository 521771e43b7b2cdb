"""A manager as main wires it: how it ends, and what it says while it waits."""

import asyncio

import pytest

from manager.adapters.kubernetes.client import LEASES
from pointsman.model.names import LEASE
from tests.sim.world import NAMESPACE, World

pytestmark = [pytest.mark.looptime(noop_cycles=1)]


async def leading(world: World):
    while not any(replica.leads for replica in world.replicas):
        await asyncio.sleep(0.1)
    return next(replica for replica in world.replicas if replica.leads)


def holder(world: World) -> str:
    name = world.api.objects[LEASES.plural, NAMESPACE, LEASE]["spec"]["holderIdentity"]
    return str(name)


async def test_told_to_stop_it_gives_the_lease_back_and_withdraws_nothing() -> None:
    world = World(1)
    first = await leading(world)
    await asyncio.sleep(5)
    peers = dict(first.daemon.peers)
    assert peers
    await first.stop()
    assert holder(world) == ""
    assert first.daemon.peers == peers
    assert not first.daemon.stopped
    written = len(world.writes())
    second = await leading(world)
    assert second is not first
    await second.stop()
    await asyncio.sleep(60)
    assert len(world.writes()) >= written
    assert not world.laws.broken


async def test_a_bug_ends_it_and_gives_the_lease_back() -> None:
    world = World(1)
    first = await leading(world)
    await asyncio.sleep(5)

    def hand(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    first.parts.speakers.hand = hand
    await asyncio.sleep(31)  # the resync, at the latest
    with pytest.raises(ExceptionGroup) as caught:
        first.check()
    assert caught.group_contains(ZeroDivisionError)
    assert not first.runs
    assert holder(world) != first.name
    for replica in world.replicas:
        if replica is not first:
            await replica.stop()
