"""What is read of a daemon, when, and how another process is noticed."""

import asyncio
from dataclasses import replace

import pytest

from manager.planner.desired import SpeakerPlan
from manager.speakers.daemon_state import POLL_S
from manager.speakers.driver import AWAIT_BFD_S
from pointsman.model.table import Table
from tests.manager.dict_speaker import TOR, UP, WHO, key, speaker_plan
from tests.manager.speakers.driven import Rig, running

pytestmark = [pytest.mark.looptime]


async def test_unavailable_midway_makes_it_read_everything_again() -> None:
    async with running() as rig:
        await rig.converge(speaker_plan(key(0)))
        rig.speaker.away_after = 1
        rig.hand(speaker_plan(key(1), key(2)))
        await asyncio.sleep(0.1)
        rig.speaker.away = False
        rig.speaker.diary.clear()
        await asyncio.sleep(1)
        assert {"read exports", "read routes", "read neighbors"} <= set(rig.speaker.diary)
        assert rig.speaker.applied() == ["put routes", "drop routes"]
        assert rig.driver.reading.routes.keys() == {key(1), key(2)}


async def test_a_replaced_speaker_is_seen_as_empty_and_filled_anew() -> None:
    async with running() as rig:
        await rig.converge(speaker_plan(key(0)))
        rig.speaker.replace()
        rig.speaker.turned.set()  # its events are another process's now
        await asyncio.sleep(1)
        assert rig.speaker.applied() == ["start", "put exports", "put routes", "put neighbors"]


async def test_the_sign_counts_at_once_not_when_events_have_settled() -> None:
    async with running() as rig:
        await rig.converge(speaker_plan(key(0)))
        rig.hand(SpeakerPlan())
        rig.speaker.replace()
        rig.speaker.turned.set()
        await asyncio.sleep(0.01)
        assert rig.driver.reading.identity is None


async def test_a_replaced_speaker_that_gave_no_sign_refuses_and_is_filled_anew() -> None:
    async with running() as rig:
        await rig.converge(speaker_plan(key(0)))
        rig.speaker.replace()
        await rig.converge(speaker_plan(key(0), key(1)))
        await asyncio.sleep(1)
        assert rig.speaker.routes.contents.keys() == {key(0), key(1)}


async def test_a_settled_speaker_is_not_asked_anything() -> None:
    async with running() as rig:
        await rig.converge(speaker_plan(key(0)))
        rig.speaker.diary.clear()
        for _ in range(50):
            rig.hand(speaker_plan(key(0)))
            await asyncio.sleep(0.1)
        assert rig.speaker.diary == []


async def test_the_tables_are_read_again_beside_the_work_and_drift_wakes() -> None:
    async with running() as rig:
        await rig.converge(speaker_plan(key(0)))
        before, rig.speaker.diary[:] = rig.wakes, []
        await asyncio.sleep(POLL_S)
        assert {"read exports", "read routes", "read neighbors"} <= set(rig.speaker.diary)
        assert rig.wakes == before
        rig.hand(SpeakerPlan())  # or what is handed mends it
        rig.speaker.routes.contents.clear()  # somebody else's doing
        await asyncio.sleep(POLL_S)
        assert rig.wakes == before + 1
        assert rig.driver.reading.routes == {}


async def test_at_rest_what_is_held_is_what_was_planned_and_one_object() -> None:
    plan = speaker_plan(key(0), key(1))
    plan = replace(plan, routes=Table.of(plan.routes))
    async with running() as rig:
        await rig.converge(plan)
        seen = rig.driver.reading
        assert seen.routes is plan.routes
        await asyncio.sleep(20 * POLL_S)  # all was read again, several times
        rig.hand(plan)
        await rig.lose()
        rig.speaker.away = False
        await asyncio.sleep(POLL_S)
        assert rig.driver.reading.routes is plan.routes
        now = rig.driver.reading
        await asyncio.sleep(POLL_S)
        assert rig.driver.reading is now


async def test_what_was_there_before_becomes_what_is_planned() -> None:
    planned = speaker_plan(key(0), key(1))
    planned = replace(planned, routes=Table.of(planned.routes))
    rig = Rig()
    rig.speaker.is_now = WHO
    rig.speaker.routes.contents = dict(planned.routes)
    async with running(rig):
        assert rig.driver.reading.routes == planned.routes
        assert rig.driver.reading.routes is not planned.routes
        rig.hand(planned)
        assert rig.driver.reading.routes is planned.routes


async def test_a_table_that_takes_long_is_read_less_often() -> None:
    async with running() as rig:
        await rig.converge(speaker_plan(key(0)))
        rig.speaker.routes.read_s = 2.0
        rig.speaker.diary.clear()
        await asyncio.sleep(20 * POLL_S)
        assert rig.speaker.diary.count("sessions") >= 18
        assert 4 <= rig.speaker.diary.count("read routes") <= 6  # every 100 s or so


async def test_after_a_large_change_the_tables_are_read_at_the_next_quiet_moment() -> None:
    async with running() as rig:
        await rig.converge(speaker_plan(key(0)))
        rig.speaker.routes.read_s = 2.0
        await asyncio.sleep(2 * POLL_S)  # after that, not before 100 s have passed
        for hops, reads in ((range(3), 0), (range(3, 7), 1)):
            rig.hand(speaker_plan(*(key(n, hop) for n in range(250) for hop in hops)))
            await asyncio.sleep(12)
            rig.speaker.diary.clear()
            await asyncio.sleep(POLL_S + 3)
            assert rig.speaker.diary.count("read routes") == reads


async def test_without_any_sign_another_process_is_found_by_asking_now_and_then() -> None:
    async with running() as rig:
        await rig.converge(speaker_plan(key(0)))
        rig.hand(SpeakerPlan())
        before = rig.wakes
        rig.speaker.replace()
        await asyncio.sleep(POLL_S + 1)
        assert rig.wakes > before
        assert rig.driver.reading.identity is None


async def test_a_turned_session_is_no_reason_to_read_every_path() -> None:
    async with running() as rig:
        await rig.converge(speaker_plan(key(0)))
        rig.speaker.diary.clear()
        rig.speaker.turned.set()
        await asyncio.sleep(1)
    assert "sessions" in rig.speaker.diary
    assert "read routes" not in rig.speaker.diary


async def test_a_session_that_turns_is_read_and_wakes() -> None:
    async with running() as rig:
        await rig.converge(speaker_plan(key(0)))
        before = rig.wakes
        rig.speaker.reports = {TOR: UP}
        rig.speaker.turned.set()
        await asyncio.sleep(1)
        assert rig.wakes > before
        assert rig.driver.reading.sessions == {TOR: UP}


async def test_bfd_that_comes_up_after_its_session_is_seen_soon_and_not_asked_for_again() -> None:
    rig = Rig()
    rig.speaker.reports = {TOR: replace(UP, bfd_state="Down")}
    async with running(rig):
        await rig.converge(speaker_plan(key(0)))
        rig.speaker.turned.set()
        await asyncio.sleep(1)
        rig.speaker.reports = {TOR: replace(UP, bfd_state="Up")}
        await asyncio.sleep(AWAIT_BFD_S)
        assert rig.driver.reading.sessions[TOR].bfd_state == "Up"
        rig.speaker.reports = {TOR: replace(UP, bfd_state="Down")}  # a router that stopped it
        await asyncio.sleep(POLL_S)
        rig.speaker.diary.clear()
        await asyncio.sleep(4 * POLL_S)
        assert rig.speaker.diary.count("sessions") == 4


async def test_counts_are_read_seldom_and_wake_only_when_they_changed() -> None:
    rig = Rig()
    rig.speaker.reports = {TOR: UP}
    async with running(rig):
        await rig.converge(speaker_plan(key(0)))
        before, rig.speaker.diary[:] = rig.wakes, []
        await asyncio.sleep(10 * POLL_S)
        assert rig.wakes == before
        assert rig.speaker.diary.count("sessions") == 10
