"""Which replicas are there, as their Leases say: on a virtual clock."""

import asyncio
from datetime import UTC, datetime
from ipaddress import ip_address

import pytest

from manager.adapters.kubernetes.client import LEASES, Refused
from manager.adapters.kubernetes.replica_leases import GONE_AFTER, PERIOD_S, ReplicaLeases
from manager.snapshot import ManagerReplica
from pointsman.model.names import HEARTBEAT, SPEAKER_PREFIX
from pointsman.runtime.clock import Clock
from pointsman.runtime.target import Unavailable
from pointsman.wire.heartbeat_keys import key_text
from tests.fakes.kube import FakeKube

pytestmark = [pytest.mark.looptime]
NAMESPACE = "pointsman-system"


@pytest.fixture
def api() -> FakeKube:
    return FakeKube()


def endpoint(name: str, *, key: bytes = bytes(32)) -> ManagerReplica:
    addresses = (ip_address("192.0.2.10"), ip_address("2001:db8:2::10"))
    return ManagerReplica(name, addresses, 7470, key_text(key))


def heard(one: "Replica") -> list[ManagerReplica]:
    return list(one.leases.managers)


class Replica:
    """The Leases of replicas, as one of them sees to them on a virtual clock."""

    def __init__(
        self, api: FakeKube, name: str, *, leads: bool, others: set[str], hears: bool = False
    ) -> None:
        loop = asyncio.get_running_loop()
        self.leads, self.wakes = leads, 0
        self.own: ManagerReplica | None = endpoint(name) if hears else None
        self.leases = ReplicaLeases(
            api,
            name=name,
            namespace=NAMESPACE,
            leading=lambda: self.leads,
            others=lambda: others,
            clock=Clock(monotonic=loop.time, wall=lambda: datetime.fromtimestamp(loop.time(), UTC)),
            wake=self.wake,
            own=lambda: self.own,
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


async def test_the_leader_learns_where_the_others_hear_heartbeats(api: FakeKube) -> None:
    leader = Replica(api, "m1", leads=True, others=set(), hears=True)
    standby = Replica(api, "m2", leads=False, others=set(), hears=True)
    await asyncio.sleep(2 * PERIOD_S)
    assert heard(leader) == [endpoint("m1"), endpoint("m2")]
    assert heard(standby) == [endpoint("m2")]  # it writes to no Announcer
    await standby.end()
    await asyncio.sleep((GONE_AFTER + 2) * PERIOD_S)
    assert heard(leader) == [endpoint("m1")]
    await leader.end()


async def test_a_new_key_is_published_within_a_second_and_the_leader_is_woken(
    api: FakeKube,
) -> None:
    leader = Replica(api, "m1", leads=True, others=set(), hears=True)
    standby = Replica(api, "m2", leads=False, others=set())
    await asyncio.sleep((GONE_AFTER + 3) * PERIOD_S)
    assert heard(leader) == [endpoint("m1")]
    before = leader.wakes
    standby.own = endpoint("m2", key=b"n" * 32)
    await asyncio.sleep(1.5)
    lease = api.of(LEASES)[f"{NAMESPACE}/{SPEAKER_PREFIX}m2"]
    assert key_text(b"n" * 32) in lease["metadata"]["annotations"][HEARTBEAT]
    await asyncio.sleep(PERIOD_S)
    assert heard(leader)[1:] == [standby.own]
    assert leader.wakes == before + 1
    standby.own = None
    await asyncio.sleep(2 * PERIOD_S)
    assert heard(leader) == [endpoint("m1")]
    await leader.end()
    await standby.end()


async def test_who_begins_to_lead_knows_all_after_a_while_and_looks_at_once(
    api: FakeKube,
) -> None:
    first = Replica(api, "m1", leads=True, others=set(), hears=True)
    second = Replica(api, "m2", leads=False, others=set(), hears=True)
    await asyncio.sleep(2 * PERIOD_S)
    first.leads, second.leads = False, True
    await asyncio.sleep(2.5)
    early = second.leases.managers_known
    await asyncio.sleep(PERIOD_S)
    assert heard(second) == [endpoint("m1"), endpoint("m2")]
    await asyncio.sleep(GONE_AFTER * PERIOD_S)
    assert (early, second.leases.managers_known) == (False, True)
    assert first.leases.managers_known is False
    await first.end()
    await second.end()


@pytest.mark.parametrize("fault", [Refused(403, "Forbidden", "no"), Unavailable("it is away")])
async def test_a_key_that_cannot_be_published_is_tried_once_a_period(
    api: FakeKube, fault: Exception
) -> None:
    api.fault = lambda verb, plural, name: fault
    standby = Replica(api, "m2", leads=False, others=set(), hears=True)
    await asyncio.sleep(0.5)
    standby.own = endpoint("m2", key=b"n" * 32)
    await asyncio.sleep(10 * PERIOD_S)
    assert 10 <= len(api.requests) <= 13
    await standby.end()


@pytest.mark.parametrize("since_s", [n / 7 for n in range(40)])
async def test_the_end_of_a_period_is_waited_for_and_not_asked_for(
    api: FakeKube, since_s: float
) -> None:
    """What is left of a period may be shorter than a clock can tell."""
    await asyncio.sleep(since_s)
    asked = 0

    def leading() -> bool:
        nonlocal asked
        asked += 1
        assert asked < 1000, "it goes round and round"
        return True

    clock = Clock(asyncio.get_running_loop().time, lambda: datetime.fromtimestamp(0, UTC))
    leases = ReplicaLeases(
        api,
        name="m1",
        namespace=NAMESPACE,
        leading=leading,
        others=set,
        clock=clock,
        wake=lambda: None,
    )
    running = asyncio.create_task(leases.run())
    await asyncio.sleep(5 * PERIOD_S)
    assert not running.done()
    running.cancel()
    await asyncio.wait([running])
