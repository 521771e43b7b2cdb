"""What a speaker is told, in which order, and what counts while it does not answer."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from manager.planner.desired import Speech
from manager.ports import Refused
from manager.voice import GRACE_S, POLL_S, RIPEN_S, UNHEARD_S, Voice
from pointsman.runtime.clock import Clock
from pointsman.runtime.target import Unavailable
from tests.manager.speaking import OTHER, TOR, UP, WHO, DictSpeaker, key, speech

pytestmark = [pytest.mark.looptime]
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


class Rig:
    def __init__(self) -> None:
        self.speaker, self.wakes = DictSpeaker(), 0
        clock = Clock(monotonic=asyncio.get_running_loop().time, wall=lambda: NOON)
        self.voice = Voice(self.speaker, clock=clock, wake=self._wake)

    def _wake(self) -> None:
        self.wakes += 1

    async def say(self, what: Speech) -> list[str]:
        """Look and speak, as a step of the reconciler does; return what was told."""
        await self.voice.look()
        await self.voice.speak(what)
        return self.speaker.told()

    async def lose(self) -> None:
        """Let the speaker go away, as its events tell."""
        self.speaker.away = True
        self.speaker.turned.set()
        await asyncio.sleep(0.01)

    @asynccontextmanager
    async def listening(self):
        task = asyncio.create_task(self.voice.listen())
        await asyncio.sleep(1)
        yield
        task.cancel()


async def test_an_empty_speaker_is_started_then_told_each_thing_after_what_it_refers_to() -> None:
    rig = Rig()
    told = await rig.say(speech(key(0), key(1)))
    assert told == ["start", "put exports", "put routes", "put routes", "put neighbors"]
    assert await rig.say(speech(key(0), key(1))) == []
    assert not await rig.voice.speak(speech(key(0), key(1)))


async def test_what_moves_is_never_gone() -> None:
    rig = Rig()
    await rig.say(speech(key(0, hop=11)))
    assert await rig.say(speech(key(0, hop=12))) == ["put routes", "drop routes"]


async def test_a_peer_leaves_after_its_paths_and_its_rule_after_the_peer() -> None:
    rig = Rig()
    await rig.say(speech(key(0)))
    told = await rig.say(speech(peers=False))
    assert told == ["drop routes", "drop neighbors", "drop exports"]


async def test_without_identity_nothing_is_said() -> None:
    rig = Rig()
    await rig.say(speech(key(0)))
    assert await rig.say(Speech()) == []
    assert list(rig.speaker.routes.held) == [key(0)]


async def test_another_identity_takes_two_passes() -> None:
    rig = Rig()
    rig.speaker.is_now = OTHER
    with pytest.raises(Unavailable, match="comes back"):
        await rig.say(speech(key(0)))
    rig.speaker.told()
    assert (await rig.say(speech(key(0))))[0] == "start"
    assert rig.speaker.is_now == WHO


async def test_a_refusal_is_shown_until_it_starts() -> None:
    rig = Rig()
    for words in ("no such port", "no such port", "no such address"):
        rig.speaker.refusal = words
        with pytest.raises(Refused, match=words):
            await rig.say(speech(key(0)))
        seen = await rig.voice.look()
        assert (seen.refused, seen.fresh, seen.identity) == (words, True, None)
    assert rig.wakes == 2  # for each that is news
    rig.speaker.refusal = ""
    await rig.say(speech(key(0)))
    assert (await rig.voice.look()).refused == ""


async def test_a_speaker_that_goes_away_right_after_its_start_is_told_nothing() -> None:
    rig = Rig()
    await rig.voice.look()
    rig.speaker.silent_after = 1  # answers the start, no more
    with pytest.raises(Unavailable, match="right after it was started"):
        await rig.voice.speak(speech(key(0)))
    assert rig.speaker.told() == ["start"]


async def test_unavailable_midway_makes_it_read_everything_again() -> None:
    rig = Rig()
    await rig.say(speech(key(0)))
    await rig.voice.look()
    rig.speaker.silent_after = 1
    with pytest.raises(Unavailable):
        await rig.voice.speak(speech(key(1), key(2)))
    rig.speaker.away = False
    rig.speaker.diary.clear()
    seen = await rig.voice.look()
    assert {"read exports", "read routes", "read neighbors"} <= set(rig.speaker.diary)
    assert seen.routes.keys() == {key(0), key(1)}
    assert await rig.say(speech(key(1), key(2))) == ["put routes", "drop routes"]


async def test_cancelled_midway_makes_it_read_everything_again() -> None:
    rig = Rig()
    await rig.say(speech(key(0)))
    await rig.voice.look()
    speaking = asyncio.create_task(rig.voice.speak(speech(key(1))))
    await asyncio.sleep(0.005)
    speaking.cancel()
    await asyncio.wait([speaking])
    assert rig.speaker.told() == ["put routes"]
    assert await rig.say(speech(key(1))) == ["drop routes"]


async def test_silence_keeps_what_was_last_said_for_a_grace() -> None:
    rig = Rig()
    rig.speaker.reports = {TOR: UP}
    await rig.say(speech(key(0)))
    async with rig.listening():
        assert (await rig.voice.look()).fresh
        await rig.lose()
        silent = await rig.voice.look()
        assert (silent.fresh, list(silent.routes), dict(silent.sessions)) == (False, [key(0)], {})
        assert not silent.unheard
        await asyncio.sleep(GRACE_S - 1)
        assert (await rig.voice.look()).routes.keys() == {key(0)}
        await asyncio.sleep(2)
        late = await rig.voice.look()
        assert (late.fresh, dict(late.routes)) == (False, {})
        rig.speaker.away = False
        back = await rig.voice.look()
        assert (back.fresh, list(back.routes)) == (True, [key(0)])


async def test_what_silence_comes_to_wakes_by_itself() -> None:
    rig = Rig()
    await rig.say(speech(key(0)))
    async with rig.listening():
        await rig.lose()
        await asyncio.sleep(1)
        before = rig.wakes
        assert not (await rig.voice.look()).unheard
        await asyncio.sleep(UNHEARD_S)
        assert rig.wakes == before + 1
        assert (await rig.voice.look()).unheard
        await asyncio.sleep(GRACE_S - UNHEARD_S)
        assert rig.wakes == before + 2
        assert not (await rig.voice.look()).routes
        rig.speaker.away = False
        assert not (await rig.voice.look()).unheard


async def test_a_replaced_speaker_is_seen_as_empty_and_told_anew() -> None:
    rig = Rig()
    await rig.say(speech(key(0)))
    async with rig.listening():
        rig.speaker.replace()
        rig.speaker.turned.set()  # its events are another process's now
        await asyncio.sleep(1)
        assert (await rig.voice.look()).routes == {}
        told = await rig.say(speech(key(0)))
        assert told == ["start", "put exports", "put routes", "put neighbors"]


async def test_the_sign_counts_at_once_not_when_events_have_settled() -> None:
    rig = Rig()
    await rig.say(speech(key(0)))
    async with rig.listening():
        rig.speaker.replace()
        rig.speaker.turned.set()
        await asyncio.sleep(0.01)
        assert (await rig.voice.look()).identity is None


async def test_a_replaced_speaker_that_gave_no_sign_refuses_and_is_told_anew() -> None:
    rig = Rig()
    await rig.say(speech(key(0)))
    await rig.voice.look()
    rig.speaker.replace()
    with pytest.raises(Unavailable, match="not started"):
        await rig.say(speech(key(0), key(1)))
    told = await rig.say(speech(key(0), key(1)))
    assert told[:2] == ["start", "put exports"]
    assert rig.speaker.routes.held.keys() == {key(0), key(1)}


async def test_a_settled_speaker_is_not_asked_anything() -> None:
    rig = Rig()
    await rig.say(speech(key(0)))
    await rig.voice.look()
    rig.speaker.diary.clear()
    for _ in range(50):
        await rig.voice.look()
        await asyncio.sleep(0.1)
    assert rig.speaker.diary == []


async def test_the_tables_are_read_again_beside_the_work_and_drift_wakes() -> None:
    rig = Rig()
    await rig.say(speech(key(0)))
    async with rig.listening():
        await rig.voice.look()
        before, rig.speaker.diary[:] = rig.wakes, []
        await asyncio.sleep(POLL_S)
        assert {"read exports", "read routes", "read neighbors"} <= set(rig.speaker.diary)
        assert rig.wakes == before
        rig.speaker.routes.held.clear()  # somebody else's doing
        await asyncio.sleep(POLL_S)
        assert rig.wakes == before + 1
        rig.speaker.diary.clear()
        assert (await rig.voice.look()).routes == {}
        assert rig.speaker.diary == []


async def test_a_table_that_takes_long_is_read_less_often() -> None:
    rig = Rig()
    await rig.say(speech(key(0)))
    async with rig.listening():
        await rig.voice.look()
        rig.speaker.routes.read_s = 2.0
        rig.speaker.diary.clear()
        await asyncio.sleep(20 * POLL_S)
        assert rig.speaker.diary.count("sessions") >= 18
        assert 4 <= rig.speaker.diary.count("read routes") <= 6  # every 100 s or so


async def test_without_any_sign_another_process_is_found_by_asking_now_and_then() -> None:
    rig = Rig()
    await rig.say(speech(key(0)))
    async with rig.listening():
        await rig.voice.look()
        before = rig.wakes
        rig.speaker.replace()
        await asyncio.sleep(POLL_S)
        assert rig.wakes > before
        assert (await rig.voice.look()).identity is None


async def test_a_turned_session_is_no_reason_to_read_every_path() -> None:
    rig = Rig()
    await rig.say(speech(key(0)))
    async with rig.listening():
        await rig.voice.look()
        rig.speaker.diary.clear()
        rig.speaker.turned.set()
        await asyncio.sleep(1)
        await rig.voice.look()
    assert "sessions" in rig.speaker.diary
    assert "read routes" not in rig.speaker.diary


async def test_a_session_that_turns_is_read_and_wakes() -> None:
    rig = Rig()
    await rig.say(speech(key(0)))
    async with rig.listening():
        before = rig.wakes
        rig.speaker.reports = {TOR: UP}
        rig.speaker.turned.set()
        await asyncio.sleep(1)
        assert rig.wakes > before
        assert (await rig.voice.look()).sessions == {TOR: UP}


async def test_bfd_that_comes_up_after_its_session_is_seen_soon_and_not_asked_for_again() -> None:
    rig = Rig()
    rig.speaker.reports = {TOR: replace(UP, bfd_state="Down")}
    await rig.say(speech(key(0)))
    async with rig.listening():
        rig.speaker.turned.set()
        await asyncio.sleep(1)
        rig.speaker.reports = {TOR: replace(UP, bfd_state="Up")}
        await asyncio.sleep(RIPEN_S)
        assert (await rig.voice.look()).sessions[TOR].bfd_state == "Up"
        rig.speaker.reports = {TOR: replace(UP, bfd_state="Down")}  # a router that stopped it
        await asyncio.sleep(POLL_S)
        rig.speaker.diary.clear()
        await asyncio.sleep(4 * POLL_S)
        assert rig.speaker.diary.count("sessions") == 4


async def test_counts_are_read_seldom_and_wake_only_when_they_changed() -> None:
    rig = Rig()
    rig.speaker.reports = {TOR: UP}
    await rig.say(speech(key(0)))
    async with rig.listening():
        before, rig.speaker.diary[:] = rig.wakes, []
        await asyncio.sleep(10 * POLL_S)
        assert rig.wakes == before
        assert rig.speaker.diary.count("sessions") == 10


async def test_listening_outlives_a_speaker_that_is_away() -> None:
    rig = Rig()
    rig.speaker.reports = {TOR: UP}
    await rig.say(speech(key(0)))
    async with rig.listening():
        rig.speaker.away = True
        await asyncio.sleep(2 * POLL_S)
        rig.speaker.away = False
        await asyncio.sleep(2 * POLL_S)
        assert (await rig.voice.look()).sessions == {TOR: UP}
