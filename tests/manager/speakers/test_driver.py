"""What is applied to a speaker, in which order, and what counts while it does not answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_network

import pytest

from manager.planner.desired import Speech
from manager.speakers import parts
from manager.speakers.availability import GRACE_S, SESSIONS_UNKNOWN_S
from manager.speakers.daemon_state import POLL_S
from manager.speakers.driver import AWAIT_BFD_S, PROBE_S, SpeakerDriver
from pointsman.model.route import PeerName, SessionReport
from pointsman.runtime.clock import Clock
from pointsman.runtime.target import Unavailable
from tests.manager.dict_speaker import OTHER, TOR, UP, WHO, DictSpeaker, key, speaker_plan

pytestmark = [pytest.mark.looptime]
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
STEP_S = 0.5  # until a speaker that answers has done what it was handed


class Rig:
    """A driver, run by the test; its loop hands it one thing at a time."""

    def __init__(self) -> None:
        self.speaker, self.wakes = DictSpeaker(), 0
        clock = Clock(monotonic=asyncio.get_running_loop().time, wall=lambda: NOON)
        self.driver = SpeakerDriver(self.speaker, clock=clock, wake=self._wake)

    def _wake(self) -> None:
        self.wakes += 1

    def hand(self, what: Speech) -> None:
        """Hand *what* as a step of the reconciler does that sees what is read now."""
        self.driver.hand(what, self.driver.reading)

    async def converge(self, what: Speech) -> list[str]:
        """Hand *what*; return what was applied."""
        self.hand(what)
        await asyncio.sleep(STEP_S)
        return self.speaker.applied()

    async def lose(self) -> None:
        """Let the speaker go away; its events say so."""
        self.speaker.away = True
        self.speaker.turned.set()
        await asyncio.sleep(STEP_S)


@asynccontextmanager
async def running(rig: Rig | None = None) -> AsyncIterator[Rig]:
    rig = rig or Rig()
    task = asyncio.create_task(rig.driver.run())
    await asyncio.sleep(1)
    try:
        yield rig
    finally:
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.result()


async def test_an_empty_speaker_is_started_then_gets_each_thing_after_what_it_refers_to() -> None:
    async with running() as rig:
        applied = await rig.converge(speaker_plan(key(0), key(1)))
        assert applied == ["start", "put exports", "put routes", "put routes", "put neighbors"]
        assert await rig.converge(speaker_plan(key(0), key(1))) == []


async def test_what_moves_is_never_gone() -> None:
    async with running() as rig:
        await rig.converge(speaker_plan(key(0, hop=11)))
        assert await rig.converge(speaker_plan(key(0, hop=12))) == ["put routes", "drop routes"]


async def test_a_peer_leaves_after_its_paths_and_its_rule_after_the_peer() -> None:
    async with running() as rig:
        await rig.converge(speaker_plan(key(0)))
        applied = await rig.converge(speaker_plan(peers=False))
        assert applied == ["drop routes", "drop neighbors", "drop exports"]


async def test_without_identity_nothing_is_done() -> None:
    async with running() as rig:
        await rig.converge(speaker_plan(key(0)))
        assert await rig.converge(Speech()) == []
        assert list(rig.speaker.routes.contents) == [key(0)]


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


async def test_another_identity_takes_two_passes() -> None:
    rig = Rig()
    rig.speaker.is_now = OTHER
    async with running(rig):
        applied = await rig.converge(speaker_plan(key(0)))
        await asyncio.sleep(1)
        assert applied[0] == "start"
        assert rig.speaker.is_now == WHO
        assert list(rig.speaker.routes.contents) == [key(0)]


async def test_a_refusal_is_shown_until_it_starts() -> None:
    async with running() as rig:
        before = rig.wakes
        for words in ("no such port", "no such port", "no such address"):
            rig.speaker.refusal = words
            await rig.converge(speaker_plan(key(0)))
            seen = rig.driver.reading
            assert (seen.refused, seen.fresh, seen.identity) == (words, True, None)
        assert rig.wakes == before + 2  # for each that is news
        rig.speaker.refusal = ""
        await rig.converge(speaker_plan(key(0)))
        assert rig.driver.reading.refused == ""


async def test_a_speaker_that_goes_away_right_after_its_start_gets_nothing_more() -> None:
    async with running() as rig:
        rig.speaker.away_after = 2  # answers who it is and the start, no more
        assert await rig.converge(speaker_plan(key(0))) == ["start"]
        assert not rig.driver.reading.fresh


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


async def test_a_plan_drops_only_what_it_knew_of() -> None:
    async with running() as rig:
        await rig.converge(speaker_plan(key(0)))
        old = rig.driver.reading
        await rig.converge(speaker_plan(key(0), key(1)))
        rig.driver.hand(speaker_plan(), old)  # made before key 1 was there
        await asyncio.sleep(STEP_S)
        assert rig.speaker.routes.contents.keys() == {key(1)}
        rig.speaker.applied()
        assert await rig.converge(speaker_plan()) == ["drop routes"]


async def test_what_is_handed_counts_as_on_its_way_until_it_is_there() -> None:
    async with running() as rig:
        await rig.converge(speaker_plan(key(0)))
        rig.speaker.routes.hangs = True
        rig.hand(speaker_plan(key(0), key(1)))
        assert rig.driver.reading.putting == {ip_network("198.51.100.1/32")}
        await asyncio.sleep(1)
        assert rig.driver.reading.putting == {ip_network("198.51.100.1/32")}
        assert list(rig.driver.reading.routes) == [key(0)]
        rig.hand(speaker_plan(key(0)))  # given up, but the daemon may have it by now
        assert rig.driver.reading.putting == {ip_network("198.51.100.1/32")}
        rig.speaker.routes.hangs = False
        await asyncio.sleep(STEP_S)
        assert not rig.driver.reading.putting
        assert key(1) in rig.driver.reading.routes


async def test_a_newer_plan_is_taken_up_between_two_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "AT_ONCE", 10)
    async with running() as rig:
        await rig.converge(speaker_plan(key(0)))
        many = [key(number) for number in range(1, 101)]
        rig.hand(speaker_plan(key(0), *many))
        await asyncio.sleep(0.15)  # of a second that they take
        rig.hand(speaker_plan(*many))
        await asyncio.sleep(0.15)
        applied = rig.speaker.applied()
        assert applied.index("drop routes") <= 30
        await asyncio.sleep(2)
        assert rig.speaker.routes.contents.keys() == set(many)


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
        rig.hand(Speech())
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
        rig.hand(Speech())  # or what is handed mends it
        rig.speaker.routes.contents.clear()  # somebody else's doing
        await asyncio.sleep(POLL_S)
        assert rig.wakes == before + 1
        assert rig.driver.reading.routes == {}


async def test_a_table_that_takes_long_is_read_less_often() -> None:
    async with running() as rig:
        await rig.converge(speaker_plan(key(0)))
        rig.speaker.routes.read_s = 2.0
        rig.speaker.diary.clear()
        await asyncio.sleep(20 * POLL_S)
        assert rig.speaker.diary.count("sessions") >= 18
        assert 4 <= rig.speaker.diary.count("read routes") <= 6  # every 100 s or so


async def test_without_any_sign_another_process_is_found_by_asking_now_and_then() -> None:
    async with running() as rig:
        await rig.converge(speaker_plan(key(0)))
        rig.hand(Speech())
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
