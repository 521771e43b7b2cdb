"""One step: what is handed to whom, in which order it comes to stand, what waits for nothing."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any

import pytest

from manager import reconcile
from manager.planner.desired import Plan
from manager.planner.plan import plan
from manager.reconcile import ClusterTargets, Reconciler
from manager.snapshot import (
    Endpoint,
    EndpointSlice,
    Ingress,
    Node,
    NodeName,
    Observed,
    Resource,
    ServiceKey,
    Settings,
    Snapshot,
)
from manager.speakers.group import SpeakerGroup
from pointsman.api import BgpConfSpec, BgpPeerSpec
from pointsman.model.address import Address, Family
from pointsman.model.delta import Delta
from pointsman.model.names import ANNOUNCED
from pointsman.model.record import EventRecord
from pointsman.model.route import PeerName
from pointsman.runtime.clock import Clock
from tests.manager.dict_speaker import DictSpeaker
from tests.manager.planner.addresses.addressing import cluster, eip, service

pytestmark = [pytest.mark.looptime]
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
ADDRESS = "198.51.100.0"


class Book:
    """What stands in the API of one kind; what it is handed stands there at once."""

    def __init__(self, diary: list[str], name: str) -> None:
        self._diary, self._name = diary, name
        self.contents: dict[Any, Any] = {}
        self.handed: list[Delta[Any, Any]] = []
        self.pending: dict[Any, Any] = {}
        self.loosening: frozenset[Any] = frozenset()
        self.hangs = False

    def observe(self) -> Mapping[Any, Any]:
        return dict(self.contents)

    def hand(self, work: Delta[Any, Any], *, term: int = 0) -> None:
        self.handed.append(work)
        if self.hangs:
            return
        self._diary += [f"put {self._name}"] * bool(work.put)
        self._diary += [f"drop {self._name}"] * bool(work.drop)
        self.contents |= work.put
        for key in work.drop:
            self.contents.pop(key, None)

    def sweep(self, *, leading: bool) -> None:
        self._diary += ["sweep"] * leading


class EmittedEvents:
    def __init__(self) -> None:
        self.emitted: list[EventRecord] = []

    def emit(self, events: Sequence[EventRecord]) -> None:
        self.emitted += events


class Rig:
    """A reconciler among dictionaries. It is its own world and its own leader."""

    def __init__(self, **settings: Any) -> None:
        self.in_sync = self.certain = self.leading = True
        self.term, self.doubts, self.wakes = 1, 0, 0
        self.scene = scene()
        self.speaker = DictSpeaker()
        self.diary = self.speaker.diary
        self.services, self.statuses, self.announcers, self.entries = (
            Book(self.diary, name) for name in ("services", "statuses", "announcers", "entries")
        )
        self.events = EmittedEvents()
        clock = Clock(monotonic=asyncio.get_running_loop().time, wall=lambda: NOON)
        self.speakers = SpeakerGroup([self.speaker], clock=clock, wake=self._wake)
        self.reconciler = Reconciler(
            self,
            leader=self,
            speakers=self.speakers,
            targets=ClusterTargets(
                services=self.services,
                statuses=self.statuses,
                announcers=self.announcers,
                entries=self.entries,
                events=self.events,
            ),
            settings=Settings(speaker_name="a", **settings),
            clock=clock,
            wake=self._wake,
        )
        self.task = asyncio.create_task(self.speakers.run())

    def _wake(self) -> None:
        self.wakes += 1

    def doubt(self) -> None:
        self.doubts += 1
        self.certain = False

    def snapshot(
        self,
        *,
        speakers: tuple[Observed, ...],
        settings: Settings,
        taken_at: datetime | None,
        pending: Mapping[ServiceKey, tuple[Address, ...]] | None = None,
    ) -> Snapshot:
        """Return the scene, with the addresses that were written into it."""
        services = {
            key: replace(one, ingress=tuple(map(Ingress, self.services.contents[key].ingress)))
            if key in self.services.contents
            else one
            for key, one in self.scene.services.items()
        }
        return replace(
            self.scene,
            services=services,
            speakers=speakers,
            pending=pending or {},
            settings=settings,
            taken_at=taken_at,
        )

    async def step(self) -> list[str]:
        """Run one step; return what was written and told, in order."""
        await asyncio.sleep(0.3)
        self.diary.clear()
        await self.reconciler.step()
        await asyncio.sleep(0.3)
        return [line for line in self.diary if line.split()[0] in ("put", "drop", "start")]

    async def settle(self) -> None:
        """Step until nothing is left to do."""
        self.certain = True
        for _ in range(8):
            self.term = 1
            if not await self.step():
                return
        raise AssertionError("it never rests")


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    made = Rig()
    yield made
    made.task.cancel()
    await asyncio.wait([made.task])


@pytest.fixture
async def settled(rig: Rig) -> Rig:
    await rig.step()
    await rig.settle()
    return rig


def scene() -> Snapshot:
    """Return a cluster of one node, one router, one Eip and one Service."""
    made = cluster(eip("public", "198.51.100.0/28", default=True), service("a/web"))
    conf = Resource("default", BgpConfSpec.model_validate({"as": 64512}))
    peer = Resource("tor", BgpPeerSpec.model_validate({"address": "192.0.2.1", "as": 64500}))
    node = Node(NodeName("n1"), internal_ips=(ip_address("192.0.2.11"),))
    ends = EndpointSlice("a", "web-1", "web", Family.IPV4, (Endpoint(NodeName("n1"), True),))
    return replace(
        made,
        nodes={node.name: node},
        endpoint_slices=(ends,),
        bgp_confs={"default": conf},
        bgp_peers={PeerName("tor"): peer},
    )


async def test_address_then_path_then_conditions(rig: Rig) -> None:
    assert await rig.step() == ["start", "put exports", "put neighbors"]  # no list yet
    assert rig.doubts == 1
    rig.certain = True
    first = await rig.step()
    assert "put statuses" in first  # the finalizer
    assert "put services" not in first
    second = await rig.step()
    assert "put services" in second
    assert rig.services.contents["a/web"].ingress == (ADDRESS,)
    assert "put routes" not in second
    third = await rig.step()
    assert "put routes" in third
    assert ANNOUNCED not in rig.services.contents["a/web"].conditions
    await rig.step()
    assert rig.services.contents["a/web"].conditions[ANNOUNCED].status == "True"
    await rig.settle()


async def test_nothing_happens_before_all_was_listed(rig: Rig) -> None:
    rig.in_sync = False
    assert await rig.step() == []
    assert not rig.services.handed


async def test_nothing_is_written_before_every_speaker_was_read_or_is_silent_for_long(
    rig: Rig,
) -> None:
    rig.speaker.away = True
    rig.speakers.recheck_identity()
    rig.certain, rig.term = True, 0
    early = Rig()
    early.task.cancel()  # its speaker is never read
    early.term = 0
    assert await early.step() == []
    assert not any(early.statuses.handed)
    await asyncio.sleep(5)
    assert "put statuses" in await early.step()


async def test_at_rest_a_step_does_nothing_and_says_nothing(settled: Rig) -> None:
    told = len(settled.events.emitted)
    assert await settled.step() == []
    assert len(settled.events.emitted) == told


async def test_a_session_that_has_time_to_come_up_is_looked_at_when_that_is_over(rig: Rig) -> None:
    await rig.step()
    before = rig.wakes
    await asyncio.sleep(7.6)  # connectRetrySeconds is 5, and 3 on top
    assert rig.wakes == before
    await asyncio.sleep(0.2)
    assert rig.wakes == before + 1


async def test_who_does_not_lead_speaks_and_enters_but_writes_nothing_else(settled: Rig) -> None:
    other = Rig()
    other.leading = False
    other.services.contents = dict(settled.services.contents)
    assert await other.step() == ["start", "put exports", "put routes", "put neighbors"]
    assert not other.statuses.contents
    assert not other.announcers.contents
    assert other.doubts == 0
    assert not other.events.emitted
    assert "sweep" not in other.diary
    assert other.services.handed  # the slots are emptied: nothing of a former term is left
    assert not any(other.services.handed)
    other.task.cancel()


async def test_each_term_begins_with_a_doubt(settled: Rig) -> None:
    settled.services.contents.clear()
    settled.term = 2
    assert "put services" not in await settled.step()
    assert settled.doubts == 2
    settled.certain = True
    assert "put services" in await settled.step()
    assert settled.doubts == 2


@pytest.mark.parametrize("ends", ["leading", "the term"])
async def test_leadership_that_ends_while_a_plan_is_made_stops_the_writing(
    settled: Rig, ends: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled.announcers.contents.clear()

    def slow(snapshot: Snapshot) -> Plan:
        if ends == "leading":
            settled.leading = False
        else:
            settled.term += 1
        return plan(snapshot)

    monkeypatch.setattr(reconcile, "plan", slow)
    assert await settled.step() == []
    assert not settled.announcers.contents


async def test_a_speaker_that_is_away_does_not_stop_the_writing(settled: Rig) -> None:
    settled.speaker.away = True
    settled.speaker.turned.set()
    late = service("a/late")
    settled.scene = replace(settled.scene, services={**settled.scene.services, late.key: late})
    await settled.step()
    assert settled.services.contents["a/late"].ingress == ("198.51.100.1",)


async def test_writers_that_get_nowhere_do_not_stop_the_speaker(settled: Rig) -> None:
    settled.speaker.replace()
    settled.speaker.turned.set()
    for book in (settled.services, settled.statuses, settled.announcers, settled.entries):
        book.hangs = True
    await settled.step()
    assert settled.speaker.routes.contents


async def test_an_address_on_its_way_to_a_service_is_given_to_nobody_else(settled: Rig) -> None:
    settled.services.hangs = True
    settled.services.pending = {ServiceKey("a/first"): (ip_address("198.51.100.1"),)}
    news = {one.key: one for one in (service("a/early"), service("a/first"))}
    settled.scene = replace(settled.scene, services={**settled.scene.services, **news})
    await settled.step()
    work = settled.services.handed[-1]
    found = {key: record.ingress for key, record in work.put.items()}
    assert found == {"a/early": ("198.51.100.2",), "a/first": ("198.51.100.1",)}


async def test_a_service_that_is_another_controllers_is_told_of_once(settled: Rig) -> None:
    theirs = replace(service("a/theirs"), ingress=(Ingress("203.0.113.9"),))
    settled.scene = replace(settled.scene, services={**settled.scene.services, theirs.key: theirs})
    before = len(settled.events.emitted)
    for _ in range(3):
        await settled.step()
    told = settled.events.emitted[before:]
    assert [(n.reason, n.name, n.warning) for n in told] == [("ForeignController", "theirs", True)]
    assert "a/theirs" not in settled.services.contents


class Unspeakable(str):
    """A traffic policy that raises when it is compared."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        raise ZeroDivisionError("poison")

    __hash__ = str.__hash__


async def test_what_judging_an_object_raises_is_logged_once(
    settled: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    rig = settled
    good = rig.scene
    broken = replace(service("a/web"), policy=Unspeakable())  # type: ignore[arg-type]
    with caplog.at_level(logging.ERROR):
        for scene_now in (replace(good, services={broken.key: broken}), good):
            rig.scene = scene_now
            for _ in range(3):
                await rig.step()
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert [record.message for record in errors] == ["Service a/web could not be judged"]
    assert errors[0].exc_info
    assert rig.speaker.routes.contents
