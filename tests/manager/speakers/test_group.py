"""Several speakers of one replica: each its own part, and none waits for another."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from manager.planner.desired import SpeakerPlan
from manager.speakers.group import SpeakerGroup
from pointsman.model.route import RouteKey
from pointsman.runtime.clock import Clock
from tests.manager.dict_speaker import TOR, UP, DictSpeaker, key, speaker_plan

pytestmark = [pytest.mark.looptime]
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


class Rig:
    """Two speakers and what both are handed."""

    def __init__(self, *speakers: DictSpeaker) -> None:
        self.speakers = speakers or (DictSpeaker(), DictSpeaker())
        clock = Clock(monotonic=asyncio.get_running_loop().time, wall=lambda: NOON)
        self.group = SpeakerGroup(self.speakers, clock=clock, wake=lambda: None)

    async def converge(self, *plans: SpeakerPlan, within_s: float = 0.5) -> bool:
        """Hand each its part; return whether anything was applied."""
        self.group.hand(plans, self.group.readings)
        await asyncio.sleep(within_s)
        return bool(sum(len(one.applied()) for one in self.speakers))


@asynccontextmanager
async def running(*speakers: DictSpeaker) -> AsyncIterator[Rig]:
    rig = Rig(*speakers)
    task = asyncio.create_task(rig.group.run())
    await asyncio.sleep(1)
    yield rig
    task.cancel()
    await asyncio.wait([task])


def second(*keys: RouteKey) -> SpeakerPlan:
    return speaker_plan(*(replace(one, speaker=1) for one in keys))


async def test_each_speaker_holds_its_part_and_knows_nothing_of_indexes() -> None:
    async with running() as rig:
        assert await rig.converge(speaker_plan(key(0)), second(key(1)))
        assert [list(one.routes.contents) for one in rig.speakers] == [[key(0)], [key(1)]]
        first, other = rig.group.readings
        assert list(first.routes) == [key(0)]
        assert list(other.routes) == [replace(key(1), speaker=1)]
        assert not await rig.converge(speaker_plan(key(0)), second(key(1)))
    async with running(*rig.speakers) as again:  # a manager that started anew reads what there is
        assert not await again.converge(speaker_plan(key(0)), second(key(1)))
        assert await again.converge(speaker_plan(key(0)), second())
        assert [list(one.routes.contents) for one in rig.speakers] == [[key(0)], []]


@pytest.mark.parametrize("away", [0, 1])
@pytest.mark.parametrize("hangs", [False, True])
async def test_one_that_is_away_or_hangs_delays_no_other_and_keeps_its_reading(
    away: int, hangs: bool
) -> None:
    async with running() as rig:
        await rig.converge(speaker_plan(key(0)), second(key(1)))
        sick, well = rig.speakers[away], rig.speakers[1 - away]
        if hangs:
            sick.routes.hangs = sick.hangs = True
        else:
            sick.away = True
        rig.group.recheck_identity()
        await rig.converge(speaker_plan(key(2)), second(key(2)), within_s=0.1)
        assert list(well.routes.contents) == [key(2)]
        for number in (3, 4, 5):
            await rig.converge(speaker_plan(key(number)), second(key(number)), within_s=0.1)
            assert list(well.routes.contents) == [key(number)]
        assert rig.group.readings[away].routes


async def test_the_sessions_of_all_are_followed() -> None:
    async with running() as rig:
        await rig.converge(speaker_plan(key(0)), second(key(1)))
        for one in rig.speakers:
            one.reports = {TOR: UP}
            one.turned.set()
        await asyncio.sleep(1)
        assert [one.sessions for one in rig.group.readings] == [{TOR: UP}, {TOR: UP}]
