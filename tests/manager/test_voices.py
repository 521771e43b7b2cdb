"""Several speakers of one replica: each its own part, and none waits for another."""

import asyncio
from dataclasses import replace

from manager.planner.desired import Speech
from manager.snapshot import Observed
from manager.voices import Voices
from pointsman.model.route import RouteKey
from pointsman.runtime.clock import Clock
from pointsman.runtime.target import Unavailable
from tests.manager.speaking import TOR, UP, DictSpeaker, key, speech
from tests.manager.test_reconcile import NOON


class Rig:
    """Two speakers and what is told to both."""

    def __init__(self, *speakers: DictSpeaker) -> None:
        self.speakers = speakers or (DictSpeaker(), DictSpeaker())
        clock = Clock(monotonic=asyncio.get_running_loop().time, wall=lambda: NOON)
        self.voices = Voices(self.speakers, clock=clock, wake=lambda: None)

    async def say(self, *speeches: Speech) -> tuple[bool, list[str]]:
        """Return whether anybody was told anything, and what went wrong."""
        troubles: list[Unavailable] = []
        told = await self.voices.speak(speeches, await self.voices.look(), troubles)
        return told, [str(one) for one in troubles]


def second(*keys: RouteKey) -> Speech:
    return speech(*(replace(one, speaker=1) for one in keys))


async def test_each_speaker_is_told_its_part_and_knows_nothing_of_indexes() -> None:
    rig = Rig()
    assert await rig.say(speech(key(0)), second(key(1))) == (True, [])
    assert [list(one.routes.held) for one in rig.speakers] == [[key(0)], [key(1)]]
    first, other = await rig.voices.look()
    assert list(first.routes) == [key(0)]
    assert list(other.routes) == [replace(key(1), speaker=1)]
    assert await rig.say(speech(key(0)), second(key(1))) == (False, [])
    again = Rig(*rig.speakers)  # a manager that started anew reads what there is
    assert await again.say(speech(key(0)), second(key(1))) == (False, [])
    assert await rig.say(speech(key(0)), second()) == (True, [])
    assert [list(one.routes.held) for one in rig.speakers] == [[key(0)], []]


async def test_one_that_is_silent_stops_no_other_and_keeps_what_it_held() -> None:
    rig = Rig()
    await rig.say(speech(key(0)), second(key(1)))
    await rig.voices.look()
    for silent, speaks in ((0, 1), (1, 0)):
        rig.speakers[silent].away = True
        rig.voices.suspect()
        parts = [speech(key(2 + silent)), second(key(2 + silent))]
        told, troubles = await rig.say(*parts)
        assert told
        assert troubles == [f"{'the speaker' if silent == 0 else 'speaker 1'} does not answer"]
        assert list(rig.speakers[speaks].routes.held) == [key(2 + silent)]
        seen = (await rig.voices.look())[silent]
        assert not seen.fresh
        assert seen.routes
        rig.speakers[silent].away = False


async def test_one_that_goes_away_in_the_middle_is_a_trouble_of_its_own() -> None:
    rig = Rig()
    await rig.say(speech(key(0)), second(key(1)))
    observed = await rig.voices.look()
    rig.speakers[1].away = True
    troubles: list[Unavailable] = []
    parts = (speech(key(2)), second(key(2)))
    assert await rig.voices.speak(parts, observed, troubles)
    assert [str(one) for one in troubles] == ["away"]
    assert list(rig.speakers[0].routes.held) == [key(2)]


async def test_the_sessions_of_all_are_listened_to() -> None:
    rig = Rig()
    await rig.say(speech(key(0)), second(key(1)))
    listening = asyncio.create_task(rig.voices.listen())
    rig.speakers[1].reports = {TOR: UP}
    rig.speakers[1].turned.set()
    await asyncio.sleep(1)
    found: tuple[Observed, ...] = await rig.voices.look()
    assert [dict(one.sessions) for one in found] == [{}, {TOR: UP}]
    listening.cancel()
