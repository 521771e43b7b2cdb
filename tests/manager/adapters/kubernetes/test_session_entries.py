"""Each replica's own entry, side by side in one list, and who takes away the dead ones."""

import asyncio
from typing import Any

import pytest

from manager.adapters.kubernetes import codec
from manager.adapters.kubernetes.batch import FencedSink
from manager.adapters.kubernetes.cache import Cache
from manager.adapters.kubernetes.client import BGP_PEERS, Refused
from manager.adapters.kubernetes.fence import Fence
from manager.adapters.kubernetes.session_entries import SpeakerEntries, others
from manager.snapshot import BgpPeer
from pointsman.model.delta import Delta
from pointsman.model.record import Entries
from pointsman.model.route import PeerName
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

    async def write_entry(self, state: str | None) -> None:
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


def entries_of(api: FakeKube) -> list[tuple[str, str]]:
    return [(one["name"], one["state"]) for one in status(api).get("speakers") or ()]


async def test_replicas_write_side_by_side_whatever_they_saw_last(api: FakeKube) -> None:
    one, two = Replica(api, "m1", leads=True), Replica(api, "m2")
    one.look()
    two.look()  # from here on its view is out of date
    await one.write_entry("Active")
    await two.write_entry("Established")
    await one.write_entry("Established")
    assert entries_of(api) == [("m1", "Established"), ("m2", "Established")]
    assert status(api)["conditions"][0]["type"] == "Ready"
    assert status(api)["observedGeneration"] == 1
    await two.write_entry(None)
    assert entries_of(api) == [("m1", "Established")]
    await one.write_entry(None)
    assert "speakers" not in status(api)


async def test_what_stands_there_already_is_not_written_again(api: FakeKube) -> None:
    one = Replica(api, "m1")
    one.look()
    await one.write_entry("Active")
    before = len(api.requests)
    await one.write_entry("Active")
    assert len(api.requests) == before
    assert one.writes.observe() == {T: ({"name": "m1", "state": "Active"},)}


async def test_endless_conflicts_end_in_a_later_pass(api: FakeKube) -> None:
    one = Replica(api, "m1")
    one.look()
    api.fault = lambda verb, plural, name: (
        Refused(409, "Conflict", "again") if verb.startswith("patch") else None
    )
    await one.write_entry("Active")
    assert entries_of(api) == []


async def test_the_leader_takes_away_the_entries_of_the_gone_and_no_others(api: FakeKube) -> None:
    one, two, three = Replica(api, "m1", leads=True), Replica(api, "m2"), Replica(api, "m3")
    for replica in (one, two, three):
        replica.look()
        await replica.write_entry("Established")
    one.look()
    assert others(one.peers.items.values(), "m1") == {"m2", "m3"}
    await one.sweep()
    assert len(entries_of(api)) == 3
    one.gone = frozenset({"m2"})
    await one.sweep()
    assert entries_of(api) == [("m1", "Established"), ("m3", "Established")]


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
    await one.write_entry(None)
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
                await one.write_entry(state)
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
    await one.write_entry("Active")
    for edited in ([{"name": "m1", "state": "Idle"}], None):  # changed, then taken away
        raw = api.of(BGP_PEERS)["t"]
        api.put(BGP_PEERS, {**raw, "status": {**raw["status"], "speakers": edited}})
        one.look()
        await one.write_entry("Active")
        assert entries_of(api) == [("m1", "Active")]
        assert "contested" not in status(api)["speakers"][0]


async def test_entries_are_read_again_only_where_a_peer_changed(api: FakeKube) -> None:
    one = Replica(api, "m1")
    one.look()
    await one.write_entry("Established")
    before = one.writes.observe()
    assert before[T]
    assert one.writes.observe() is before
    api.put(BGP_PEERS, api.of(BGP_PEERS)["t"] | {"spec": {"address": "192.0.2.2", "as": 64500}})
    one.look()
    assert one.writes.observe() is before  # of the peer another word, of ours the same
