"""Which replicas are there, as their Leases say: on a virtual clock."""

import asyncio
from datetime import UTC, datetime

import pytest

from manager.adapters.kubernetes.client import LEASES, Refused
from manager.adapters.kubernetes.replica_leases import GONE_AFTER, PERIOD_S, ReplicaLeases
from pointsman.model.names import SPEAKER_PREFIX
from pointsman.runtime.clock import Clock
from tests.fakes.kube import FakeKube

pytestmark = [pytest.mark.looptime]
NAMESPACE = "pointsman-system"


@pytest.fixture
def api() -> FakeKube:
    return FakeKube()


class Replica:
    """The Leases of replicas, as one of them sees to them on a virtual clock."""

    def __init__(self, api: FakeKube, name: str, *, leads: bool, others: set[str]) -> None:
        loop = asyncio.get_running_loop()
        self.leads, self.wakes = leads, 0
        self.leases = ReplicaLeases(
            api,
            name=name,
            namespace=NAMESPACE,
            leading=lambda: self.leads,
            others=lambda: others,
            clock=Clock(monotonic=loop.time, wall=lambda: datetime.fromtimestamp(loop.time(), UTC)),
            wake=self.wake,
        )
        self.task = loop.create_task(self.leases.run())

    def wake(self) -> None:
        self.wakes += 1

    async def end(self) -> None:
        self.task.cancel()
        await asyncio.wait([self.task])


async def test_a_standby_is_there_as_long_as_it_renews(api: FakeKube) -> None:
    leader = Replica(api, "m1", leads=True, others={"m2"})
    standby = Replica(api, "m2", leads=False, others=set())
    await asyncio.sleep(20 * PERIOD_S)
    assert leader.leases.gone == frozenset()
    assert list(api.of(LEASES)) == [f"{NAMESPACE}/{SPEAKER_PREFIX}m2"]  # a leader needs none
    await standby.end()
    await asyncio.sleep((GONE_AFTER - 1) * PERIOD_S)
    assert leader.leases.gone == frozenset()
    assert api.of(LEASES)
    await asyncio.sleep(3 * PERIOD_S)
    assert leader.leases.gone == {"m2"}
    assert leader.wakes == 1
    await leader.end()


@pytest.mark.parametrize(
    "entries",
    [
        pytest.param({"m2"}, id="it has entries in a BgpPeer"),
        pytest.param(set(), id="there is no BgpPeer"),
    ],
)
async def test_a_lease_goes_with_its_replica(api: FakeKube, entries: set[str]) -> None:
    for name in ("pointsman-manager", "somebody-else"):
        api.put(LEASES, {"metadata": {"name": name, "namespace": NAMESPACE}})
    leader = Replica(api, "m1", leads=True, others=entries)
    standby = Replica(api, "m2", leads=False, others=set())
    third = Replica(api, "m3", leads=False, others=set())
    await asyncio.sleep(2 * PERIOD_S)
    await standby.end()
    await asyncio.sleep((GONE_AFTER - 1) * PERIOD_S)
    assert f"{NAMESPACE}/{SPEAKER_PREFIX}m2" in api.of(LEASES)
    await asyncio.sleep(3 * PERIOD_S)
    retained = ("pointsman-manager", "somebody-else", f"{SPEAKER_PREFIX}m3")
    assert set(api.of(LEASES)) == {f"{NAMESPACE}/{name}" for name in retained}
    back = Replica(api, "m2", leads=False, others=set())
    await asyncio.sleep(3 * PERIOD_S)
    assert f"{NAMESPACE}/{SPEAKER_PREFIX}m2" in api.of(LEASES)
    assert leader.leases.gone == frozenset()
    for replica in (leader, third, back):
        await replica.end()


async def test_who_turns_leader_leaves_no_lease_of_a_standby(api: FakeKube) -> None:
    one = Replica(api, "m1", leads=False, others=set())
    await asyncio.sleep(PERIOD_S / 2)
    assert list(api.of(LEASES)) == [f"{NAMESPACE}/{SPEAKER_PREFIX}m1"]
    one.leads = True
    await asyncio.sleep(2 * PERIOD_S)
    assert list(api.of(LEASES)) == []
    assert one.leases.gone == frozenset()
    await one.end()


async def test_a_lease_that_is_renewed_just_now_is_not_removed(api: FakeKube) -> None:
    """Between the look and the removal its replica came back."""
    stale = {"metadata": {"name": f"{SPEAKER_PREFIX}m2", "namespace": NAMESPACE}}
    api.put(LEASES, stale | {"spec": {"renewTime": "1"}})

    def renew(verb: str, plural: str, name: str) -> None:
        if verb == "delete":
            api.put(LEASES, stale | {"spec": {"renewTime": "2"}})

    api.fault = renew
    leader = Replica(api, "m1", leads=True, others=set())
    await asyncio.sleep((GONE_AFTER + 1.5) * PERIOD_S)
    assert ("delete", "leases", f"{SPEAKER_PREFIX}m2") in api.requests
    assert list(api.of(LEASES)) == [f"{NAMESPACE}/{SPEAKER_PREFIX}m2"]
    assert not leader.task.done()
    await leader.end()


async def test_a_new_leader_waits_before_it_takes_anybody_for_gone(api: FakeKube) -> None:
    new = Replica(api, "m2", leads=False, others={"m1"})
    await asyncio.sleep(10 * PERIOD_S)
    new.leads = True  # m1 led until now, so it never had a Lease of this kind
    await asyncio.sleep(2 * PERIOD_S)
    assert new.leases.gone == frozenset()
    await asyncio.sleep((GONE_AFTER + 1) * PERIOD_S)
    assert new.leases.gone == {"m1"}
    await new.end()


async def test_an_api_that_is_away_makes_nobody_gone_who_renews(api: FakeKube) -> None:
    leader = Replica(api, "m1", leads=True, others={"m2"})
    standby = Replica(api, "m2", leads=False, others=set())
    await asyncio.sleep(2 * PERIOD_S)
    api.fault = lambda verb, plural, name: Refused(503, "Unavailable", "away")
    await asyncio.sleep(20 * PERIOD_S)
    api.fault = lambda verb, plural, name: None
    assert leader.leases.gone == frozenset()
    await leader.end()
    await standby.end()
