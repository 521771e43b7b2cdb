"""Each replica's own entry, side by side in one list, and who takes away the dead ones."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from manager.adapters.kubernetes import codec
from manager.adapters.kubernetes.batch import FencedSink
from manager.adapters.kubernetes.cache import Cache
from manager.adapters.kubernetes.client import BGP_PEERS, LEASES, Refused
from manager.adapters.kubernetes.lease import Fence
from manager.adapters.kubernetes.replica_leases import PERIOD_S, SILENT_PERIODS, Presence
from manager.adapters.kubernetes.session_entries import Entries, SpeakerEntries, others
from manager.snapshot import BgpPeer
from pointsman.model.delta import Delta
from pointsman.model.names import SPEAKER_PREFIX
from pointsman.model.route import PeerName
from pointsman.runtime.clock import Clock
from tests.fakes.kube import FakeKube
from tests.manager.writing import sent

T = PeerName("t")
NAMESPACE = "pointsman-system"


class Replica:
    """One replica's part: a cache of BgpPeers as it saw them last, and what it writes."""

    def __init__(self, api: FakeKube, name: str, *, leads: bool = False) -> None:
        self.api, self.name, self.leads = api, name, leads
        self.peers = Cache[PeerName, BgpPeer](
            key=lambda r: PeerName(r.name), parse=codec.bgp_peer, wake=lambda: None
        )
        self.gone: frozenset[str] = frozenset()
        fence = Fence(lambda _: self.leads, 5.0)
        self.writes = SpeakerEntries(
            self.peers,
            api,
            fenced=FencedSink(api, fence),
            name=name,
            gone=lambda: self.gone,
        )

    def look(self) -> None:
        for raw in self.api.of(BGP_PEERS).values():
            self.peers.put(raw)

    async def say(self, state: str | None) -> None:
        mine: Entries = ({"name": self.name, "state": state},)
        work = Delta({T: mine}, frozenset()) if state else Delta({}, frozenset({T}))
        self.writes.hand(work)
        await sent(self.writes.writer)

    async def sweep(self) -> None:
        self.writes.sweep(leading=True)
        await sent(self.writes.sweeper)


@pytest.fixture
def api() -> FakeKube:
    made = FakeKube()
    condition = {"type": "Ready", "status": "True", "reason": "Ready", "message": "it is"}
    made.put(
        BGP_PEERS,
        {
            "metadata": {"name": "t"},
            "spec": {"address": "192.0.2.1", "as": 64500},
            "status": {"conditions": [condition], "observedGeneration": 1},
        },
    )
    return made


def status(api: FakeKube) -> dict[str, Any]:
    found: dict[str, Any] = api.of(BGP_PEERS)["t"]["status"]
    return found


def said(api: FakeKube) -> list[tuple[str, str]]:
    return [(one["name"], one["state"]) for one in status(api).get("speakers") or ()]


async def test_replicas_write_side_by_side_whatever_they_saw_last(api: FakeKube) -> None:
    one, two = Replica(api, "m1", leads=True), Replica(api, "m2")
    one.look()
    two.look()  # from here on its view is out of date
    await one.say("Active")
    await two.say("Established")
    await one.say("Established")
    assert said(api) == [("m1", "Established"), ("m2", "Established")]
    assert status(api)["conditions"][0]["type"] == "Ready"
    assert status(api)["observedGeneration"] == 1
    await two.say(None)
    assert said(api) == [("m1", "Established")]
    await one.say(None)
    assert "speakers" not in status(api)


async def test_what_stands_there_already_is_not_written_again(api: FakeKube) -> None:
    one = Replica(api, "m1")
    one.look()
    await one.say("Active")
    before = len(api.requests)
    await one.say("Active")
    assert len(api.requests) == before
    assert one.writes.observe() == {T: ({"name": "m1", "state": "Active"},)}


async def test_endless_conflicts_end_in_a_later_pass(api: FakeKube) -> None:
    one = Replica(api, "m1")
    one.look()
    api.fault = lambda verb, plural, name: (
        Refused(409, "Conflict", "again") if verb.startswith("patch") else None
    )
    await one.say("Active")
    assert said(api) == []


async def test_the_leader_takes_away_the_entries_of_the_gone_and_no_others(api: FakeKube) -> None:
    one, two, three = Replica(api, "m1", leads=True), Replica(api, "m2"), Replica(api, "m3")
    for replica in (one, two, three):
        replica.look()
        await replica.say("Established")
    one.look()
    assert others(one.peers.items.values(), "m1") == {"m2", "m3"}
    await one.sweep()
    assert len(said(api)) == 3
    one.gone = frozenset({"m2"})
    await one.sweep()
    assert said(api) == [("m1", "Established"), ("m3", "Established")]


class Present:
    """Presence of one replica on a virtual clock."""

    def __init__(self, api: FakeKube, name: str, *, leads: bool, others: set[str]) -> None:
        loop = asyncio.get_running_loop()
        self.leads, self.wakes = leads, 0
        self.presence = Presence(
            api,
            name=name,
            namespace=NAMESPACE,
            leading=lambda: self.leads,
            others=lambda: others,
            clock=Clock(monotonic=loop.time, wall=lambda: datetime.fromtimestamp(loop.time(), UTC)),
            wake=self.wake,
        )
        self.task = loop.create_task(self.presence.run())

    def wake(self) -> None:
        self.wakes += 1

    async def end(self) -> None:
        self.task.cancel()
        await asyncio.wait([self.task])


@pytest.mark.looptime
async def test_a_standby_is_there_as_long_as_it_renews(api: FakeKube) -> None:
    leader = Present(api, "m1", leads=True, others={"m2"})
    standby = Present(api, "m2", leads=False, others=set())
    await asyncio.sleep(20 * PERIOD_S)
    assert leader.presence.gone == frozenset()
    assert list(api.of(LEASES)) == [f"{NAMESPACE}/{SPEAKER_PREFIX}m2"]  # a leader needs none
    await standby.end()
    await asyncio.sleep((SILENT_PERIODS - 1) * PERIOD_S)
    assert leader.presence.gone == frozenset()
    assert api.of(LEASES)
    await asyncio.sleep(3 * PERIOD_S)
    assert leader.presence.gone == {"m2"}
    assert leader.wakes == 1
    await leader.end()


@pytest.mark.looptime
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
    leader = Present(api, "m1", leads=True, others=entries)
    standby = Present(api, "m2", leads=False, others=set())
    third = Present(api, "m3", leads=False, others=set())
    await asyncio.sleep(2 * PERIOD_S)
    await standby.end()
    await asyncio.sleep((SILENT_PERIODS - 1) * PERIOD_S)
    assert f"{NAMESPACE}/{SPEAKER_PREFIX}m2" in api.of(LEASES)
    await asyncio.sleep(3 * PERIOD_S)
    kept = ("pointsman-manager", "somebody-else", f"{SPEAKER_PREFIX}m3")
    assert set(api.of(LEASES)) == {f"{NAMESPACE}/{name}" for name in kept}
    back = Present(api, "m2", leads=False, others=set())
    await asyncio.sleep(3 * PERIOD_S)
    assert f"{NAMESPACE}/{SPEAKER_PREFIX}m2" in api.of(LEASES)
    assert leader.presence.gone == frozenset()
    for replica in (leader, third, back):
        await replica.end()


@pytest.mark.looptime
async def test_who_turns_leader_leaves_no_lease_of_a_standby(api: FakeKube) -> None:
    one = Present(api, "m1", leads=False, others=set())
    await asyncio.sleep(PERIOD_S / 2)
    assert list(api.of(LEASES)) == [f"{NAMESPACE}/{SPEAKER_PREFIX}m1"]
    one.leads = True
    await asyncio.sleep(2 * PERIOD_S)
    assert list(api.of(LEASES)) == []
    assert one.presence.gone == frozenset()
    await one.end()


@pytest.mark.looptime
async def test_a_lease_that_is_renewed_just_now_is_not_removed(api: FakeKube) -> None:
    """Between the look and the removal its replica came back."""
    stale = {"metadata": {"name": f"{SPEAKER_PREFIX}m2", "namespace": NAMESPACE}}
    api.put(LEASES, stale | {"spec": {"renewTime": "1"}})

    def renew(verb: str, plural: str, name: str) -> None:
        if verb == "delete":
            api.put(LEASES, stale | {"spec": {"renewTime": "2"}})

    api.fault = renew
    leader = Present(api, "m1", leads=True, others=set())
    await asyncio.sleep((SILENT_PERIODS + 1.5) * PERIOD_S)
    assert ("delete", "leases", f"{SPEAKER_PREFIX}m2") in api.requests
    assert list(api.of(LEASES)) == [f"{NAMESPACE}/{SPEAKER_PREFIX}m2"]
    assert not leader.task.done()
    await leader.end()


@pytest.mark.looptime
async def test_a_new_leader_waits_before_it_takes_anybody_for_gone(api: FakeKube) -> None:
    new = Present(api, "m2", leads=False, others={"m1"})
    await asyncio.sleep(10 * PERIOD_S)
    new.leads = True  # m1 led until now, so it never had a Lease of this kind
    await asyncio.sleep(2 * PERIOD_S)
    assert new.presence.gone == frozenset()
    await asyncio.sleep((SILENT_PERIODS + 1) * PERIOD_S)
    assert new.presence.gone == {"m1"}
    await new.end()


@pytest.mark.looptime
async def test_an_api_that_is_away_makes_nobody_gone_who_renews(api: FakeKube) -> None:
    leader = Present(api, "m1", leads=True, others={"m2"})
    standby = Present(api, "m2", leads=False, others=set())
    await asyncio.sleep(2 * PERIOD_S)
    api.fault = lambda verb, plural, name: Refused(503, "Unavailable", "away")
    await asyncio.sleep(20 * PERIOD_S)
    api.fault = lambda verb, plural, name: None
    assert leader.presence.gone == frozenset()
    await leader.end()
    await standby.end()


def test_the_entries_of_further_speakers_are_their_replicas() -> None:
    status = {"speakers": [{"name": "m1"}, {"name": "m1/1"}, {"name": "m2/1"}]}
    peer = codec.bgp_peer({"metadata": {"name": "t"}, "spec": {}, "status": status})
    assert others([peer], "m1") == {"m2"}


async def test_the_entries_of_all_speakers_of_a_replica_come_and_go_together(api: FakeKube) -> None:
    one, other = Replica(api, "m1", leads=True), Replica(api, "m2")
    for rig in (one, other):
        rig.look()
        two: Entries = ({"name": rig.name, "state": "x"}, {"name": f"{rig.name}/1", "state": "x"})
        rig.writes.hand(Delta({T: two}, frozenset()))
        await sent(rig.writes.writer)
    one.look()
    assert len(one.writes.observe()[T]) == 2
    await one.say(None)
    (raw,) = api.of(BGP_PEERS).values()
    assert [entry["name"] for entry in raw["status"]["speakers"]] == ["m2", "m2/1"]
    one.look()
    one.gone = frozenset({"m2"})
    await one.sweep()
    (raw,) = api.of(BGP_PEERS).values()
    assert "speakers" not in raw["status"]


@pytest.mark.looptime
async def test_two_managers_of_one_name_give_way_and_say_so(
    api: FakeKube, caplog: pytest.LogCaptureFixture
) -> None:
    """Each would undo the other's entry at every look, for ever."""
    twins, states = (Replica(api, "m1"), Replica(api, "m1")), ("Active", "Established")
    writes, early = 0, 0
    for tick in range(1800):  # half an hour of looks
        for one, state in zip(twins, states, strict=True):
            before = str(status(api).get("speakers"))
            one.look()
            if one.writes.observe() != {T: ({"name": "m1", "state": state},)}:
                await one.say(state)
            writes += str(status(api).get("speakers")) != before
        if tick < 20:
            early = writes
        await asyncio.sleep(1)
    assert early <= 8
    assert early < writes <= 24
    (entry,) = status(api)["speakers"]
    assert "Two managers run with the name m1" in entry["contested"]
    warned = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
    assert len(warned) == 2
    assert all("Give every manager a --name of its own" in line for line in warned)


async def test_an_entry_that_was_edited_once_is_repaired_at_once(api: FakeKube) -> None:
    one = Replica(api, "m1")
    one.look()
    await one.say("Active")
    for edited in ([{"name": "m1", "state": "Idle"}], None):  # changed, then taken away
        raw = api.of(BGP_PEERS)["t"]
        api.put(BGP_PEERS, {**raw, "status": {**raw["status"], "speakers": edited}})
        one.look()
        await one.say("Active")
        assert said(api) == [("m1", "Active")]
        assert "contested" not in status(api)["speakers"][0]
