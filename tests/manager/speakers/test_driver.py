"""What is applied to a speaker, and in which order."""

import asyncio
from ipaddress import ip_network

import pytest

from manager.planner.desired import SpeakerPlan
from manager.speakers import parts
from tests.manager.dict_speaker import OTHER, WHO, key, speaker_plan
from tests.manager.speakers.driven import STEP_S, Rig, running

pytestmark = [pytest.mark.looptime]


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
        assert await rig.converge(SpeakerPlan()) == []
        assert list(rig.speaker.routes.contents) == [key(0)]


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
