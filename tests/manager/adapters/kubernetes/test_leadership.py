"""Several replicas, one Lease, a virtual clock: never two that may both write."""

import asyncio
import logging
import random
from collections.abc import Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from manager.adapters.kubernetes.client import LEASES, Refused
from manager.adapters.kubernetes.fence import NotLeading
from manager.adapters.kubernetes.leadership import Leadership
from pointsman.model.names import LEASE
from pointsman.runtime.clock import Clock
from pointsman.runtime.target import Unavailable
from tests.fakes.kube import FakeKube

pytestmark = [pytest.mark.looptime]
NAMESPACE = "pointsman-system"


class Wire:
    """One replica's way to the API server: slow, lossy in both directions, or cut."""

    request_timeout_s = 5.0

    def __init__(self, api: FakeKube, rng: random.Random) -> None:
        self.api, self.rng = api, rng
        self.cut = False
        self.loss = self.latency_s = 0.0

    async def _carry(self, call: Callable):
        await self._pass()
        answer = await call()
        await self._pass()
        return answer

    async def _pass(self) -> None:
        await asyncio.sleep(self.rng.uniform(0, 2 * self.latency_s))
        if self.cut:
            await asyncio.sleep(3600)
        if self.rng.random() < self.loss:
            raise Unavailable("connection reset")

    async def get(self, *args):
        return await self._carry(lambda: self.api.get(*args))

    async def create(self, *args):
        return await self._carry(lambda: self.api.create(*args))

    async def patch(self, *args, **named):
        return await self._carry(lambda: self.api.patch(*args, **named))


class Replica:
    def __init__(self, api: FakeKube, name: str, *, seed: int = 0, ahead_s: float = 0.0) -> None:
        rng = random.Random(f"{name}{seed}")
        self.wire, self.wakes = Wire(api, rng), 0
        loop = asyncio.get_running_loop()
        noon = datetime(2026, 11, 22, 12, tzinfo=UTC) + timedelta(seconds=ahead_s)
        # Monotonic clocks of two machines share no zero.
        clock = Clock(
            monotonic=lambda: loop.time() + 7 * ahead_s,
            wall=lambda: noon + timedelta(seconds=loop.time()),
        )
        self.leadership = Leadership(
            self.wire,
            name=name,
            namespace=NAMESPACE,
            clock=clock,
            rng=rng,
            wake=self._wake,
            duration_s=15.0,
            version="1.2.3",
        )
        self.task = asyncio.create_task(self.leadership.run())

    def _wake(self) -> None:
        self.wakes += 1

    @property
    def leads(self) -> bool:
        return self.leadership.leading

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.wait([self.task])


@asynccontextmanager
async def replicas(api: FakeKube, *names: str, **options):
    rigs = [
        Replica(api, name, ahead_s=1000.0 * number, **options) for number, name in enumerate(names)
    ]
    yield rigs
    for rig in rigs:
        rig.task.cancel()


def holder(api: FakeKube) -> dict:
    spec: dict = api.of(LEASES)[f"{NAMESPACE}/{LEASE}"]["spec"]
    return spec


async def test_one_leads_and_the_other_sees_it_fresh() -> None:
    api = FakeKube()
    async with replicas(api, "a", "b") as (a, b):
        await asyncio.sleep(20)
        assert (a.leads, b.leads) == (True, False)
        assert (a.leadership.fresh, b.leadership.fresh) == (True, True)
        assert (a.leadership.holder, b.leadership.holder) == ("a", "a")
        assert (a.wakes, b.wakes) == (1, 0)
        a.leadership.fence.check()
        with pytest.raises(NotLeading):
            b.leadership.fence.check()
        spec = holder(api)
        assert (spec["leaseDurationSeconds"], spec["leaseTransitions"]) == (15, 0)
        assert len(spec["renewTime"]) == len("2026-11-22T12:00:00.000000Z")
        notes = api.of(LEASES)[f"{NAMESPACE}/{LEASE}"]["metadata"]["annotations"]
        assert notes == {"pointsman.dev/version": "1.2.3"}


async def test_a_killed_leader_is_followed_within_the_lease() -> None:
    api = FakeKube()
    async with replicas(api, "a", "b") as (a, b):
        await asyncio.sleep(20)
        a.wire.cut = True
        await asyncio.sleep(9)
        assert not b.leads
        await asyncio.sleep(8)
        assert (a.leads, b.leads) == (False, True)
        assert a.wakes == 2
        assert not a.leadership.fresh
        assert holder(api)["leaseTransitions"] == 1


async def test_the_lease_read_afresh_says_who_leads() -> None:
    api = FakeKube()
    async with replicas(api, "a", "b") as (a, b):
        await asyncio.sleep(20)
        assert await a.leadership.confirm()
        assert not await b.leadership.confirm()
        a.wire.cut = True  # it believes to lead for seconds yet, and cannot know it
        began_s = asyncio.get_running_loop().time()
        assert not await a.leadership.confirm()
        assert asyncio.get_running_loop().time() - began_s <= 5.1
        await asyncio.sleep(17)
        a.wire.cut = False
        assert not await a.leadership.confirm()
        assert await b.leadership.confirm()


async def test_a_clean_shutdown_hands_over_at_once() -> None:
    api = FakeKube()
    async with replicas(api, "a", "b") as (a, b):
        await asyncio.sleep(20)
        await a.stop()
        assert holder(api)["holderIdentity"] == ""
        await asyncio.sleep(1.1)
        assert b.leads


async def test_a_release_waits_for_the_write_under_way_and_admits_no_other() -> None:
    api = FakeKube()
    async with replicas(api, "a") as (a,):
        await asyncio.sleep(1)
        with a.leadership.fence.sending():
            stopping = asyncio.create_task(a.stop())
            await asyncio.sleep(2)
            assert holder(api)["holderIdentity"] == "a"
            with pytest.raises(NotLeading):
                a.leadership.fence.check()
        await stopping
        assert holder(api)["holderIdentity"] == ""


async def test_a_standby_releases_nothing() -> None:
    api = FakeKube()
    async with replicas(api, "a", "b") as (_, b):
        await asyncio.sleep(20)
        await b.stop()
        assert holder(api)["holderIdentity"] == "a"


async def test_a_restarted_process_continues_under_its_name() -> None:
    api = FakeKube()
    async with replicas(api, "a") as (a,):
        await asyncio.sleep(3)
        a.wire.cut = True
        again = Replica(api, "a", seed=2)
        await asyncio.sleep(0.1)
        assert again.leads
        a.wire.cut = False
        await asyncio.sleep(12)
        assert (a.leads, again.leads) == (False, True)
        again.task.cancel()


async def test_a_missing_namespace_is_said_once_and_waited_for(caplog) -> None:
    api = FakeKube()
    api.missing_namespaces.add(NAMESPACE)
    with caplog.at_level(logging.INFO):
        async with replicas(api, "a") as (a,):
            await asyncio.sleep(60)
            assert not a.leads
            assert caplog.messages == [
                f"Lease {NAMESPACE}/pointsman-manager cannot be created: "
                f'namespaces "{NAMESPACE}" not found. '
                f"Create namespace {NAMESPACE}, or name another with --namespace."
            ]
            api.missing_namespaces.clear()
            await asyncio.sleep(2)
            assert a.leads


async def test_a_lease_deleted_by_hand_is_made_again() -> None:
    api = FakeKube()
    async with replicas(api, "a") as (a,):
        await asyncio.sleep(3)
        api.remove(LEASES, LEASE, NAMESPACE)
        await asyncio.sleep(10)
        assert a.leads


async def test_forbidden_is_said() -> None:
    api = FakeKube()
    api.fault = lambda verb, plural, name: Refused(403, "Forbidden", "no")
    async with replicas(api, "a") as (a,):
        await asyncio.sleep(10)
        assert not a.leads


@pytest.mark.parametrize("seed", range(12))
async def test_never_two_that_may_both_write(seed: int) -> None:
    rng = random.Random(seed)
    api = FakeKube()
    led: set[str] = set()
    async with replicas(api, "a", "b", "c", seed=seed) as rigs:
        for rig in rigs:
            rig.wire.latency_s = rng.choice([0.0, 0.05, 0.5, 2.0])
        for _ in range(1_000):
            await asyncio.sleep(rng.uniform(0.01, 0.6))
            leaders = [rig for rig in rigs if rig.leads]
            assert len(leaders) <= 1
            led |= {rig.leadership.holder for rig in leaders}
            if rng.random() < 0.02:
                rig = rng.choice(rigs)
                rig.wire.cut = not rig.wire.cut
            if rng.random() < 0.02:
                rng.choice(rigs).wire.loss = rng.choice([0.0, 0.1, 0.6])
        for rig in rigs:
            rig.wire.cut, rig.wire.loss, rig.wire.latency_s = False, 0.0, 0.0
        await asyncio.sleep(40)
        assert sum(rig.leads for rig in rigs) == 1
        assert all(rig.leadership.fresh for rig in rigs)
    assert len(led) > 1  # the run was worth something
