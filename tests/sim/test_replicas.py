"""Two whole managers that hear each other: whatever becomes of one, routers lose no living node."""

import asyncio
from collections.abc import Callable

import pytest

from manager.adapters.kubernetes.client import EIPS, SERVICES
from pointsman.model.replicas import BASE_MED
from tests.sim.laws import addresses_of
from tests.sim.two_managers import (
    HOLD_S,
    LAN_NODES,
    ROUTER,
    Two,
    address_of,
    med_of,
    running,
    until,
)
from tests.sim.wires import Weather
from tests.sim.world import _address, now

# asyncio never sleeps while a task can run: looptime need not wait and see.
pytestmark = [pytest.mark.looptime(noop_cycles=1), pytest.mark.sim]

Fault = Callable[[Two], None]


def leader_frozen(two: Two) -> None:
    two.freeze(two.pair()[0])


def leader_without_api(two: Two) -> None:
    two.without_api(two.pair()[0])


def other_without_api(two: Two) -> None:
    two.without_api(two.pair()[1])


def both_without_api(two: Two) -> None:
    two.without_api(*two.pair())


def apart(two: Two) -> None:
    two.apart()


def apart_and_without_api(two: Two) -> None:
    two.apart()
    two.without_api(*two.pair())


def mended(two: Two) -> None:
    two.together()
    for one in two.world.replicas:
        two.thaw(one)


FAULTS = [
    leader_frozen,
    leader_without_api,
    other_without_api,
    both_without_api,
    apart,
    apart_and_without_api,
]


@pytest.mark.parametrize("fault", FAULTS)
async def test_no_route_of_a_living_node_changes(fault: Fault) -> None:
    async with running() as two:
        fault(two)
        await asyncio.sleep(40)
        mended(two)
        await asyncio.sleep(30)
        assert two.changes == []
        assert sum(one.leads for one in two.world.replicas) == 1


async def test_nor_when_the_leader_is_killed_and_starts_again() -> None:
    async with running() as two:
        first, _ = two.pair()
        await first.kill()
        await asyncio.sleep(60)
        first.start()
        await asyncio.sleep(60)
        assert two.changes == []


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_node_that_dies_meanwhile_leaves_all_the_same(fault: Fault) -> None:
    async with running() as two:
        fault(two)
        # Twice longer than a lease that is not renewed counts, for whom that matters.
        await asyncio.sleep(90 if fault in (leader_frozen, other_without_api) else 20)
        two.lan.nodes["node3"].alive = False
        living = frozenset({LAN_NODES["node1"], LAN_NODES["node2"]})
        took_s = await until("its end", lambda: set(two.hops().values()) == {living})
        assert took_s < 1.5
        mended(two)
        await asyncio.sleep(30)
        assert set(two.hops().values()) == {living}
        # On the way no router was without a living node, but where one prefers, step by step.
        assert all(hops for _, _, hops in two.changes)


async def test_the_leader_dies_with_its_node() -> None:
    """Its session stands for as long as the hold time, and says what is no longer so."""
    async with running() as two:
        first, second = two.pair()
        node = two.lan.nodes["node3"]
        await first.kill()
        node.alive = False
        living = frozenset({LAN_NODES["node1"], LAN_NODES["node2"]})
        took_s = await until("its end", lambda: set(two.hops().values()) == {living})
        assert took_s < 2.0
        assert LAN_NODES["node3"] in two.advertised_by(first.daemon, address_of(two, "web"))
        await asyncio.sleep(HOLD_S)
        two.lost.add(first.daemon.name)
        await asyncio.sleep(60)
        assert second.leads
        assert set(two.hops().values()) == {living}
        assert all(living & hops for _, _, hops in two.changes)


async def test_the_stale_one_is_quiet_and_endpoints_that_go_leave() -> None:
    async with running() as two:
        _, other = two.pair()
        web, api = address_of(two, "web"), address_of(two, "api")
        two.without_api(other)
        await until("quiet", lambda: other.daemon.received(ROUTER) == {}, most_s=60)
        assert two.changes == []
        two.users.endpoints("web", "node1")
        await until("fewer", lambda: two.hops()[web] == {LAN_NODES["node1"]}, most_s=1)
        two.with_api(other)
        await until("both", lambda: len(other.daemon.received(ROUTER)) == 2, most_s=60)
        assert {change[1] for change in two.changes} == {web}
        assert [change[2] for change in two.changes] == [frozenset({LAN_NODES["node1"]})]
        assert two.hops()[api] == frozenset(LAN_NODES.values())


async def test_a_quiet_one_speaks_again_when_the_other_is_gone() -> None:
    async with running() as two:
        first, other = two.pair()
        two.without_api(other)
        await until("quiet", lambda: other.daemon.received(ROUTER) == {}, most_s=60)
        await first.kill()
        took_s = await until("speech", lambda: len(other.daemon.received(ROUTER)) == 2)
        assert took_s < 1.5
        assert two.changes == []  # the gobgpd of the first went on


async def test_a_frozen_leader_writes_nothing_when_it_goes_on() -> None:
    """What it decided before waits in it; the law `written` watches every write that arrives."""
    async with running() as two:
        first, second = two.pair()
        two.freeze(first)
        two.users.create("later")
        two.users.endpoints("later", "node1")
        await until("another leader", lambda: second.leads)
        await until("its address", lambda: len(second.daemon.received(ROUTER)) == 3)
        two.thaw(first)
        await until("both", lambda: len(first.daemon.received(ROUTER)) == 3)
        assert second.leads
        assert {address for _, address, _ in two.changes} == {address_of(two, "later")}


async def test_a_frozen_one_is_outbid_only_where_it_would_mislead() -> None:
    async with running() as two:
        first, second = two.pair()
        web, api = address_of(two, "web"), address_of(two, "api")
        two.freeze(first)
        await asyncio.sleep(30)
        two.users.endpoints("web", "node1")
        await until("fewer", lambda: two.hops()[web] == {LAN_NODES["node1"]}, most_s=1)

        def meds(address: str) -> set[int]:
            paths = second.daemon.routers[ROUTER].received.items()
            return {med_of(p) for (_, prefix, _), p in paths if _address(prefix) == address}

        assert (meds(web), meds(api)) == ({BASE_MED - 1}, {BASE_MED})
        two.thaw(first)
        await until("the base", lambda: meds(web) == {BASE_MED})
        assert two.hops()[web] == {LAN_NODES["node1"]}
        assert {address for _, address, _ in two.changes} == {web}


async def test_an_address_that_the_other_still_advertises_is_given_to_nobody() -> None:
    async with running() as two:
        first, other = two.pair()
        web, api = address_of(two, "web"), address_of(two, "api")
        two.world.api.edit(EIPS, "public", lambda raw: raw["spec"].update(addresses=[web, api]))
        await asyncio.sleep(1)
        two.users.create("next")
        two.users.endpoints("next", "node1")
        await asyncio.sleep(5)
        other.wire.weather = Weather(lag_s=4.0)  # its watches are late; it is heard all the time
        two.world.api.remove(SERVICES, "web", "shop")
        await until("its withdrawal", lambda: web not in first.daemon.received(ROUTER), most_s=1)
        assert web in other.daemon.received(ROUTER)

        def given() -> bool:
            return addresses_of(two.world.api.objects["services", "shop", "next"]) == (web,)

        took_s = await until("its address", lambda: given() or web not in two.hops())
        assert not given()
        assert took_s > 1
        await until("its address", given, most_s=3)


async def test_a_manager_that_starts_while_a_node_is_dead_does_not_bring_it_back() -> None:
    """Kubernetes calls the node Ready all the while; no process that starts now ever heard it."""
    async with running() as two:
        first, second = two.pair()
        two.lan.nodes["node3"].alive = False
        living = frozenset({LAN_NODES["node1"], LAN_NODES["node2"]})
        await until("its end", lambda: set(two.hops().values()) == {living})
        await asyncio.sleep(5)
        for one in (first, second):
            await one.kill()
            one.start()
            began_s, before = now(), len(two.changes)
            await asyncio.sleep(60)
            assert set(two.hops().values()) == {living}
            late = [change for change in two.changes[before:] if change[0] > began_s + 5]
            assert late == []
        two.lan.nodes["node3"].alive = True
        every = frozenset(LAN_NODES.values())
        await until("its return", lambda: set(two.hops().values()) == {every})
