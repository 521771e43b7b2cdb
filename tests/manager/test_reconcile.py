"""One step: who is written to, in which order, and whose trouble stops whom."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any

import pytest

from manager.reconcile import ClusterTargets, Reconciler
from manager.snapshot import (
    EipName,
    Endpoint,
    EndpointSlice,
    Ingress,
    Node,
    NodeName,
    Observed,
    Resource,
    Settings,
    Snapshot,
)
from manager.voices import Voices
from pointsman.api import BgpConfSpec, BgpPeerSpec
from pointsman.model.address import Family
from pointsman.model.delta import Delta
from pointsman.model.record import Notice, Stated
from pointsman.model.route import PeerName
from pointsman.runtime.clock import Clock
from pointsman.runtime.target import Unavailable
from tests.manager.planner.addressing import cluster, eip, service
from tests.manager.speaking import DictSpeaker

pytestmark = [pytest.mark.looptime]
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
ADDRESS = "198.51.100.0"


class Book:
    """A target of the API: what stands there, and whether it answers."""

    def __init__(self, diary: list[str], name: str) -> None:
        self._diary, self._name = diary, name
        self.held: dict[Any, Any] = {}
        self.away = False

    async def observe(self) -> Mapping[Any, Any]:
        return dict(self.held)

    async def apply(self, work: Delta[Any, Any]) -> None:
        if self.away:
            raise Unavailable(f"{self._name} away")
        self._diary += [f"put {self._name}"] * bool(work.put)
        self._diary += [f"drop {self._name}"] * bool(work.drop)
        self.held |= work.put
        for key in work.drop:
            self.held.pop(key, None)

    async def sweep(self) -> None:
        self._diary.append("sweep")


class Heard:
    def __init__(self) -> None:
        self.notices: list[Notice] = []

    async def emit(self, notices: Sequence[Notice]) -> None:
        self.notices += notices


class Rig:
    """A reconciler among dictionaries. It is its own world and its own leader."""

    def __init__(self, **settings: Any) -> None:
        self.in_sync = self.certain = self.leading = True
        self.term, self.doubts, self.wakes = 1, 0, 0
        self.scene = scene()
        self.speaker = DictSpeaker()
        self.diary = self.speaker.diary
        self.services, self.statuses, self.announcers, self.speakers = (
            Book(self.diary, name) for name in ("services", "statuses", "announcers", "entries")
        )
        self.events = Heard()
        clock = Clock(monotonic=asyncio.get_running_loop().time, wall=lambda: NOON)
        self.voices = Voices([self.speaker], clock=clock, wake=self._wake)
        self.reconciler = Reconciler(
            self,
            leader=self,
            voices=self.voices,
            targets=ClusterTargets(
                services=self.services,
                statuses=self.statuses,
                announcers=self.announcers,
                speakers=self.speakers,
                events=self.events,
            ),
            settings=Settings(speaker_name="a", **settings),
            clock=clock,
            wake=self._wake,
        )

    def _wake(self) -> None:
        self.wakes += 1

    def doubt(self) -> None:
        self.doubts += 1
        self.certain = False

    def snapshot(
        self,
        *,
        observed: Observed,
        settings: Settings,
        taken_at: datetime | None,
        further: tuple[Observed, ...] = (),
    ) -> Snapshot:
        """Return the scene, with the addresses that were written into it."""
        services = {
            key: replace(one, ingress=tuple(map(Ingress, self.services.held[key].ingress)))
            if key in self.services.held
            else one
            for key, one in self.scene.services.items()
        }
        return replace(
            self.scene,
            services=services,
            observed=observed,
            further=further,
            settings=settings,
            taken_at=taken_at,
        )

    async def step(self) -> list[str]:
        """Run one step; return what was written and told, in order."""
        self.diary.clear()
        await self.reconciler.step()
        return [line for line in self.diary if line.split()[0] in ("put", "drop", "start")]

    async def settle(self) -> None:
        """Step until nothing is left to do."""
        self.certain = True
        for _ in range(6):
            self.term = 1
            if not await self.step():
                return
        raise AssertionError("it never rests")


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


async def settled() -> Rig:
    rig = Rig()
    await rig.step()
    await rig.settle()
    return rig


async def test_address_then_path_then_conditions() -> None:
    rig = Rig()
    assert await rig.step() == ["start", "put exports", "put neighbors"]  # no list yet
    assert rig.doubts == 1
    rig.certain = True
    first = await rig.step()
    assert first[0] == "put statuses"  # the finalizer
    second = await rig.step()
    assert second[0] == "put services"
    assert rig.services.held["a/web"].ingress == (ADDRESS,)
    assert "put routes" not in second
    third = await rig.step()
    assert third[0] == "put routes" or third[1] == "put routes"
    await rig.settle()
    assert [n.reason for n in rig.events.notices if n.kind == "Service"] == [
        "Allocated",
        "Announced",
    ]


async def test_nothing_happens_before_all_was_listed() -> None:
    rig = Rig()
    rig.in_sync = False
    assert await rig.step() == []
    assert rig.diary == []


async def test_at_rest_a_step_does_nothing_and_says_nothing() -> None:
    rig = await settled()
    told = len(rig.events.notices)
    assert await rig.step() == []
    assert len(rig.events.notices) == told


async def test_a_session_that_has_time_to_come_up_is_looked_at_when_that_is_over() -> None:
    rig = Rig()
    await rig.step()
    before = rig.wakes
    await asyncio.sleep(7.9)  # connectRetrySeconds is 5, and 3 on top
    assert rig.wakes == before
    await asyncio.sleep(0.2)
    assert rig.wakes == before + 1


async def test_who_does_not_lead_speaks_and_enters_but_writes_nothing_else() -> None:
    rig = await settled()
    other = Rig()
    other.leading = False
    other.services.held = dict(rig.services.held)
    assert await other.step() == ["start", "put exports", "put routes", "put neighbors"]
    assert not other.statuses.held
    assert not other.announcers.held
    assert other.doubts == 0
    assert not other.events.notices
    assert "sweep" not in other.diary


async def test_each_term_begins_with_a_doubt() -> None:
    rig = await settled()
    rig.services.held.clear()
    rig.term = 2
    assert "put services" not in await rig.step()
    assert rig.doubts == 2
    rig.certain = True
    assert "put services" in await rig.step()
    assert rig.doubts == 2


async def test_leadership_that_ends_while_the_speaker_is_read_stops_the_writing() -> None:
    rig = await settled()
    rig.announcers.held.clear()
    answer = rig.speaker.identity

    async def slow():
        rig.leading = False
        return await answer()

    rig.speaker.identity = slow  # type: ignore[method-assign]
    rig.voices.suspect()
    assert await rig.step() == []
    assert not rig.announcers.held


async def test_a_speaker_that_is_away_does_not_stop_the_writing() -> None:
    rig = await settled()
    rig.speaker.away = True
    rig.voices.suspect()
    late = service("a/late")
    rig.scene = replace(rig.scene, services={**rig.scene.services, late.key: late})
    with pytest.raises(Unavailable, match="the speaker does not answer"):
        await rig.step()
    assert rig.services.held["a/late"].ingress == ("198.51.100.1",)


async def test_an_api_that_is_away_does_not_stop_the_speaker() -> None:
    rig = await settled()
    rig.speaker.replace()
    rig.voices.suspect()
    rig.services.away = rig.statuses.away = rig.announcers.away = rig.speakers.away = True
    rig.statuses.held.clear()
    with pytest.raises(Unavailable, match="statuses away"):
        await rig.step()
    assert rig.speaker.routes.held


async def test_one_target_that_is_away_does_not_stop_the_next() -> None:
    rig = await settled()
    rig.statuses.away = True
    rig.statuses.held.clear()
    rig.announcers.held.clear()
    with pytest.raises(Unavailable, match="statuses away"):
        await rig.step()
    assert rig.announcers.held


async def test_the_end_of_a_want_of_sessions_is_written_in_handfuls() -> None:
    rig = Rig()
    many = [service(f"a/s{number:03}") for number in range(150)]
    wide = eip("public", "198.51.100.0/24", default=True)
    rig.scene = replace(
        scene(), services={one.key: one for one in many}, eips={EipName("public"): wide}
    )
    await rig.step()
    await rig.settle()
    calm = dict(rig.services.held)
    unheard = {"pointsman.dev/Announced": Stated("False", "NoSession", "no router hears of it")}
    rig.services.held = {
        key: replace(one, conditions=one.conditions | unheard) for key, one in calm.items()
    }
    left = []
    for _ in range(2):
        await rig.step()
        left.append(sum(rig.services.held[key] != one for key, one in calm.items()))
        await asyncio.sleep(1.1)
    assert left == [50, 0]


async def test_a_service_that_is_another_controllers_is_told_of_once() -> None:
    rig = await settled()
    theirs = replace(service("a/theirs"), ingress=(Ingress("203.0.113.9"),))
    rig.scene = replace(rig.scene, services={**rig.scene.services, theirs.key: theirs})
    before = len(rig.events.notices)
    for _ in range(3):
        await rig.step()
    told = rig.events.notices[before:]
    assert [(n.reason, n.name, n.warning) for n in told] == [("ForeignController", "theirs", True)]
    assert "a/theirs" not in rig.services.held


class Unspeakable(str):
    """A traffic policy that raises when it is compared."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        raise ZeroDivisionError("poison")

    __hash__ = str.__hash__


async def test_what_judging_an_object_raises_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rig = await settled()
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
    assert rig.speaker.routes.held
