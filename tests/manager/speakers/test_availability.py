"""What counts while a speaker does not answer, and what happens by time alone."""

import asyncio

import pytest

from manager.speakers.availability import GRACE_S, SESSIONS_UNKNOWN_S
from manager.speakers.daemon_state import POLL_S
from manager.speakers.driver import PROBE_S
from pointsman.model.route import PeerName, SessionReport
from pointsman.runtime.target import Unavailable
from tests.manager.dict_speaker import TOR, UP, key, speaker_plan
from tests.manager.speakers.driven import Rig, running

pytestmark = [pytest.mark.looptime]


async def test_what_was_never_read_is_handed_nothing_and_known_only_by_its_absence() -> None:
    rig = Rig()
    rig.speaker.away = True
    assert (rig.driver.reading.known, rig.driver.reading.fresh) == (False, False)
    async with running(rig):
        rig.hand(speaker_plan(key(0)))
        assert not rig.driver.reading.known
        await asyncio.sleep(SESSIONS_UNKNOWN_S)
        seen = rig.driver.reading
        assert (seen.known, seen.fresh, seen.sessions_unknown) == (True, False, True)
        assert rig.wakes >= 1  # somebody may wait for an address
        rig.hand(speaker_plan(key(0)))
        rig.speaker.away = False
        await asyncio.sleep(SESSIONS_UNKNOWN_S)
        assert rig.driver.reading.fresh
        assert rig.speaker.applied() == []


async def test_the_last_reading_of_a_speaker_that_is_away_counts_for_a_grace() -> None:
    rig = Rig()
    rig.speaker.reports = {TOR: UP}
    async with running(rig):
        await rig.converge(speaker_plan(key(0)))
        assert rig.driver.reading.fresh
        await rig.lose()
        away = rig.driver.reading
        assert (away.fresh, away.sessions_unknown) == (False, False)
        assert list(away.routes) == [key(0)]
        assert dict(away.sessions) == {TOR: UP}
        await asyncio.sleep(SESSIONS_UNKNOWN_S)
        assert (rig.driver.reading.sessions_unknown, dict(rig.driver.reading.sessions)) == (
            True,
            {},
        )
        await asyncio.sleep(GRACE_S - SESSIONS_UNKNOWN_S - 2)
        assert rig.driver.reading.routes.keys() == {key(0)}
        await asyncio.sleep(2)
        late = rig.driver.reading
        assert (late.fresh, dict(late.routes)) == (False, {})
        rig.speaker.away = False
        await asyncio.sleep(5)
        back = rig.driver.reading
        assert (back.fresh, list(back.routes)) == (True, [key(0)])
        assert dict(back.sessions) == {TOR: UP}


async def test_silence_and_sessions_that_are_down_have_an_age() -> None:
    rig = Rig()
    leaf = PeerName("leaf")
    rig.speaker.reports = {TOR: SessionReport("Active"), leaf: UP}
    async with running(rig):
        await rig.converge(speaker_plan(key(0)))
        await asyncio.sleep(3)
        seen = rig.driver.reading
        assert seen.silent_s is None
        assert seen.sessions[TOR].down_s == pytest.approx(3, abs=1.5)
        assert seen.sessions[leaf].down_s is None
        wakes = rig.wakes
        await asyncio.sleep(61)
        assert rig.wakes == wakes  # an age is no news
        assert rig.driver.reading.sessions[TOR].down_s == pytest.approx(64, abs=1.5)
        await rig.lose()
        await asyncio.sleep(2)
        assert rig.driver.reading.silent_s == pytest.approx(2, abs=1.5)
        await asyncio.sleep(70)
        assert rig.driver.reading.silent_s == pytest.approx(72, abs=1.5)
        rig.speaker.away = False
        await asyncio.sleep(6)
        assert rig.driver.reading.silent_s is None


async def test_a_speaker_that_hangs_is_noticed_though_nothing_is_to_be_done() -> None:
    """It gives no sign, and answers late: its silence began when it was asked."""
    rig = Rig()
    rig.speaker.reports = {TOR: UP}
    async with running(rig):
        await rig.converge(speaker_plan(key(0)))
        await asyncio.sleep(20)
        asked_at: list[float] = []

        async def hang() -> None:
            asked_at.append(asyncio.get_running_loop().time())
            await asyncio.sleep(SESSIONS_UNKNOWN_S)
            raise Unavailable("it hangs")

        rig.speaker.probe = hang  # type: ignore[method-assign]
        rig.speaker.away = True
        wakes = rig.wakes
        await asyncio.sleep(SESSIONS_UNKNOWN_S + PROBE_S + 0.5)
        assert len(asked_at) == 1
        seen = rig.driver.reading
        assert (seen.fresh, seen.sessions_unknown, dict(seen.sessions)) == (False, True, {})
        age = asyncio.get_running_loop().time() - asked_at[0]
        assert seen.silent_s == pytest.approx(age, abs=0.01)
        assert rig.wakes > wakes


async def test_a_session_that_was_up_is_down_from_now_on() -> None:
    rig = Rig()
    async with running(rig):
        for report, age in ((SessionReport("Active"), 40), (UP, None), (SessionReport("Idle"), 9)):
            rig.speaker.reports = {TOR: report}
            rig.speaker.turned.set()
            await rig.converge(speaker_plan(key(0)))
            await asyncio.sleep(age or 1)
            wanted = None if age is None else pytest.approx(age, abs=1.5)
            assert rig.driver.reading.sessions[TOR].down_s == wanted


async def test_another_daemon_begins_at_zero() -> None:
    rig = Rig()
    rig.speaker.reports = {TOR: SessionReport("Active")}
    async with running(rig):
        await rig.converge(speaker_plan(key(0)))
        await asyncio.sleep(50)
        assert rig.driver.reading.sessions[TOR].down_s == pytest.approx(50, abs=1.5)
        rig.speaker.replace()
        rig.speaker.reports = {TOR: SessionReport("Active")}
        rig.speaker.turned.set()
        await asyncio.sleep(5)
        assert rig.driver.reading.sessions[TOR].down_s == pytest.approx(5, abs=1.5)


async def test_what_silence_comes_to_wakes_by_itself() -> None:
    async with running() as rig:
        await rig.converge(speaker_plan(key(0)))
        await rig.lose()
        await asyncio.sleep(1)
        before = rig.wakes
        await asyncio.sleep(SESSIONS_UNKNOWN_S)
        assert rig.wakes == before + 1
        await asyncio.sleep(GRACE_S - SESSIONS_UNKNOWN_S)
        assert rig.wakes == before + 2
        assert not rig.driver.reading.routes


async def test_nothing_is_dropped_on_suspicion() -> None:
    async with running() as rig:
        await rig.converge(speaker_plan(key(0), key(1)))
        await rig.lose()
        await asyncio.sleep(GRACE_S)
        rig.hand(speaker_plan(key(0)))  # planned of a speaker that seemed to hold nothing
        rig.speaker.away = False
        await asyncio.sleep(6)
        assert "drop routes" not in rig.speaker.applied()
        assert await rig.converge(speaker_plan(key(0))) == ["drop routes"]


async def test_it_outlives_a_speaker_that_is_away() -> None:
    rig = Rig()
    rig.speaker.reports = {TOR: UP}
    async with running(rig):
        await rig.converge(speaker_plan(key(0)))
        rig.speaker.away = True
        await asyncio.sleep(2 * POLL_S)
        rig.speaker.away = False
        await asyncio.sleep(2 * POLL_S)
        assert rig.driver.reading.sessions == {TOR: UP}
