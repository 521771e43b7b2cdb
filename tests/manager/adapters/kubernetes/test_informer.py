"""An informer, a fake API server, a virtual clock."""

import asyncio
import random
from contextlib import asynccontextmanager

import pytest

from manager.adapters.kubernetes import codec
from manager.adapters.kubernetes.cache import Cache
from manager.adapters.kubernetes.client import BGP_PEERS, CRDS, NODES, Refused
from manager.adapters.kubernetes.informer import Informer, Pace
from pointsman.runtime.target import Unavailable
from tests.fakes.kube import FakeKube

pytestmark = [pytest.mark.looptime]


def node(name: str, **labels: str) -> dict:
    return {"metadata": {"name": name, "labels": labels}}


class Rig:
    """One informer on Nodes; counts the wakes."""

    def __init__(self, api: FakeKube, kind=NODES, parse=codec.node, **options) -> None:
        self.wakes = 0
        self.cache = Cache(key=lambda value: value.name, parse=parse, wake=self._wake)
        self.informer = Informer(api, kind, self.cache, random.Random(1), **options)

    def _wake(self) -> None:
        self.wakes += 1

    @asynccontextmanager
    async def running(self):
        task = asyncio.create_task(self.informer.run())
        await asyncio.sleep(0.5)
        yield self.cache
        task.cancel()


async def test_lists_in_pages_then_follows() -> None:
    api = FakeKube()
    for number in range(7):
        api.put(NODES, node(f"node{number}"))
    rig = Rig(api, pace=Pace(page=3))
    async with rig.running() as cache:
        assert cache.synced
        assert len(cache.items) == 7
        assert [verb for verb, *_ in api.requests] == ["list"] * 3 + ["watch"]
        api.put(NODES, node("node7"))
        api.remove(NODES, "node0")
        await asyncio.sleep(0.01)
        assert sorted(cache.items) == [f"node{number}" for number in range(1, 8)]


async def test_an_idle_day_costs_reconnects_and_no_wake() -> None:
    api = FakeKube()
    api.put(NODES, node("node1"))
    rig = Rig(api)
    async with rig.running():
        await asyncio.sleep(86_400)
    assert rig.wakes == 1
    assert len(api.requests) < 600


async def test_a_change_that_no_reader_can_see_wakes_nobody() -> None:
    api = FakeKube()
    rig = Rig(api)
    async with rig.running():
        wakes = rig.wakes
        api.put(NODES, node("node1"))
        await asyncio.sleep(0.1)
        api.put(NODES, node("node1") | {"status": {"nodeInfo": {"heartbeat": 7}}})
        await asyncio.sleep(0.1)
        assert rig.wakes == wakes + 1


async def test_too_old_a_watch_lists_again() -> None:
    api = FakeKube()
    api.put(NODES, node("node1"))
    rig = Rig(api)
    async with rig.running() as cache:
        api.fault = lambda verb, plural, name: Unavailable("away") if verb == "watch" else None
        api.cut_watches()
        await asyncio.sleep(0.01)
        api.remove(NODES, "node1")
        api.put(NODES, node("node2"))
        api.forget_history()
        api.fault = lambda verb, plural, name: None
        await asyncio.sleep(30)
        assert list(cache.items) == ["node2"]
        assert cache.unavailable is None


async def test_a_watch_goes_on_from_the_last_event() -> None:
    api = FakeKube()
    async with Rig(api).running():
        api.put(NODES, node("node1"))
        await asyncio.sleep(0.1)
        api.cut_watches()
        await asyncio.sleep(1)
        assert api.watched_from == [1, 2]


async def test_history_that_is_gone_is_no_trouble_to_tell(caplog) -> None:
    api = FakeKube()
    rig = Rig(api)
    async with rig.running() as cache:
        api.fault = lambda verb, plural, name: (
            Refused(410, "Expired", "too old") if verb == "watch" else None
        )
        api.cut_watches()
        await asyncio.sleep(2)
        assert cache.unavailable is None
        assert caplog.messages == []


async def test_a_forbidden_kind_is_unavailable_not_empty() -> None:
    api = FakeKube()
    api.put(NODES, node("node1"))
    rig = Rig(api)
    async with rig.running() as cache:
        refused = Refused(403, "Forbidden", "nodes is forbidden")
        api.fault = lambda verb, plural, name: refused
        api.cut_watches()
        await asyncio.sleep(60)
        assert list(cache.items) == ["node1"]
        assert cache.unavailable == (
            "nodes may not be read: nodes is forbidden; grant get, list and watch."
        )
        api.fault = lambda verb, plural, name: None
        await asyncio.sleep(15)
        assert cache.unavailable is None


async def test_a_kind_never_listed_is_not_in_sync() -> None:
    api = FakeKube()
    api.fault = lambda verb, plural, name: Refused(404, "NotFound", "not found")
    async with Rig(api).running() as cache:
        await asyncio.sleep(60)
        assert not cache.synced
        assert cache.unavailable


async def test_a_dead_server_is_asked_less_and_less() -> None:
    api = FakeKube()
    api.fault = lambda verb, plural, name: Unavailable("connection refused")
    async with Rig(api).running():
        await asyncio.sleep(600)
    assert 50 < len(api.requests) < 160


async def test_a_server_that_always_says_410_is_not_hammered() -> None:
    api = FakeKube()
    gone = Refused(410, "Expired", "too old")
    api.fault = lambda verb, plural, name: gone if verb == "watch" else None
    async with Rig(api).running():
        await asyncio.sleep(600)
    assert len(api.requests) < 320


PEER = {"metadata": {"name": "tor-1"}, "spec": {"address": "192.0.2.1", "as": 64500}}


@pytest.mark.parametrize("gone", [False, True], ids=["being deleted", "deleted"])
async def test_a_crd_that_goes_takes_nothing_with_it(gone: bool) -> None:
    api = FakeKube()
    name = "bgppeers.pointsman.dev"
    api.put(CRDS, {"metadata": {"name": name}})
    api.put(BGP_PEERS, PEER)
    rig = Rig(api, BGP_PEERS, codec.bgp_peer, crd=name)
    async with rig.running() as cache:
        assert list(cache.items) == ["tor-1"]
        if gone:
            api.remove(CRDS, name)
        else:
            api.put(CRDS, {"metadata": {"name": name, "deletionTimestamp": "now"}})
        api.remove(BGP_PEERS, "tor-1")
        await asyncio.sleep(60)
        assert list(cache.items) == ["tor-1"]
        assert cache.unavailable


async def test_an_object_deleted_by_choice_is_gone() -> None:
    api = FakeKube()
    api.put(CRDS, {"metadata": {"name": "bgppeers.pointsman.dev"}})
    api.put(BGP_PEERS, PEER)
    rig = Rig(api, BGP_PEERS, codec.bgp_peer, crd="bgppeers.pointsman.dev")
    async with rig.running() as cache:
        api.remove(BGP_PEERS, "tor-1")
        await asyncio.sleep(1)
        assert not cache.items


@pytest.mark.parametrize("seed", range(20))
async def test_at_rest_the_cache_equals_the_server(seed: int) -> None:
    rng = random.Random(seed)
    api = FakeKube()
    api.latency_s = 0.02

    def fault(verb: str, plural: str, name: str) -> Exception | None:
        roll = rng.random()
        if roll < 0.1:
            return Unavailable("no answer")
        return Refused(410, "Expired", "too old") if roll < 0.15 and verb == "watch" else None

    api.fault = fault
    async with Rig(api, pace=Pace(page=2)).running() as cache:
        for _ in range(300):
            await asyncio.sleep(rng.expovariate(2))
            name = f"node{rng.randrange(6)}"
            if rng.random() < 0.3 and ("nodes", "", name) in api.objects:
                api.remove(NODES, name)
            else:
                api.put(NODES, node(name, step=str(rng.random())))
            if rng.random() < 0.1:
                api.cut_watches()
            if rng.random() < 0.05:
                api.forget_history()
        api.fault = lambda verb, plural, name: None
        await asyncio.sleep(60)
        assert cache.items == {
            raw["metadata"]["name"]: codec.node(raw) for raw in api.of(NODES).values()
        }


async def test_a_doubt_is_over_when_a_list_begun_after_it_was_read() -> None:
    api, confirmed_at = FakeKube(), list[float]()
    api.put(NODES, node("node1"))
    rig = Rig(api, confirmed=lambda: confirmed_at.append(asyncio.get_running_loop().time()))
    async with rig.running() as cache:
        api.latency_s = 1.0
        rig.informer.doubt()
        rig.informer.doubt()
        await asyncio.sleep(0.9)
        rig.informer.doubt()  # the list under way began too early
        await asyncio.sleep(1.0)
        early = rig.informer.certain, len(confirmed_at)
        await asyncio.sleep(2.0)
        assert [early, (rig.informer.certain, len(confirmed_at))] == [(False, 0), (True, 1)]
        api.put(NODES, node("node2"))
        await asyncio.sleep(2.0)
        assert sorted(cache.items) == ["node1", "node2"]
    assert [verb for verb, *_ in api.requests] == ["list", "watch", "list", "list", "watch"]


async def test_a_doubt_while_nothing_can_be_read_stays() -> None:
    api = FakeKube()
    rig = Rig(api)
    async with rig.running():
        api.fault = lambda verb, plural, name: Unavailable("away") if verb == "list" else None
        rig.informer.doubt()
        await asyncio.sleep(60)
        certain = [rig.informer.certain]
        api.fault = lambda verb, plural, name: None
        await asyncio.sleep(11)
        assert [*certain, rig.informer.certain] == [False, True]
