"""One step: what is handed to whom, in which order it comes to stand, what waits for nothing."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from ipaddress import ip_address

import pytest

from manager import reconcile
from manager.planner.desired import Plan
from manager.planner.plan import Memo, plan
from manager.snapshot import (
    EipName,
    Ingress,
    ServiceKey,
    Snapshot,
)
from pointsman.model.names import ANNOUNCED
from pointsman.model.reservation import SourceReading
from tests.manager.planner.addresses.addressing import service
from tests.manager.reconcile_rig import ADDRESS, Rig

pytestmark = [pytest.mark.looptime]


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
    emitted = len(settled.events.emitted)
    assert await settled.step() == []
    assert len(settled.events.emitted) == emitted


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

    def slow(snapshot: Snapshot, *, memo: Memo) -> Plan:
        if ends == "leading":
            settled.leading = False
        else:
            settled.term += 1
        return plan(snapshot, memo=memo)

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


async def test_a_service_that_is_another_controllers_makes_one_event(settled: Rig) -> None:
    theirs = replace(service("a/theirs"), ingress=(Ingress("203.0.113.9"),))
    settled.scene = replace(settled.scene, services={**settled.scene.services, theirs.key: theirs})
    before = len(settled.events.emitted)
    for _ in range(3):
        await settled.step()
    emitted = settled.events.emitted[before:]
    found = [(event.reason, event.name, event.warning) for event in emitted]
    assert found == [("ForeignController", "theirs", True)]
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


async def test_only_a_leader_that_knows_everything_hands_anything_to_the_ipams(
    settled: Rig,
) -> None:
    await settled.step()
    settled.leading = False
    await settled.step()
    settled.leading, settled.certain = True, False
    await settled.step()
    terms = [term for _, term in settled.ipams.handed[-3:]]
    assert terms == [settled.term, None, None]


async def test_the_plan_sees_what_the_ipams_hold(settled: Rig) -> None:
    settled.ipams.held[EipName("public")] = reading = SourceReading()
    await settled.step()
    assert settled.reconciler.finished is not None
    assert settled.reconciler.finished.snapshot.sources == {EipName("public"): reading}
    assert settled.ipams.handed[-1][0] is settled.reconciler.finished.plan
