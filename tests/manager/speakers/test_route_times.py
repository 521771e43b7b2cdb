"""How long after its cause a plan's paths were all in the speaker."""

import asyncio

import pytest

from manager.speakers.route_times import RouteTimes

pytestmark = [pytest.mark.looptime]


async def test_the_time_runs_from_the_oldest_cause_to_the_last_path() -> None:
    measured: list[float] = []
    times = RouteTimes()
    times.tell = measured.append
    times.caused_at = asyncio.get_running_loop().time()
    times.handed(changes=True)
    await asyncio.sleep(2)
    times.caused_at = asyncio.get_running_loop().time()
    times.handed(changes=True)  # a newer plan, before all of the first is there
    await asyncio.sleep(3)
    times.done()
    times.done()  # nothing was owed
    assert measured == [5]


async def test_what_changes_no_path_and_what_nothing_caused_is_not_measured() -> None:
    measured: list[float] = []
    times = RouteTimes()
    times.tell = measured.append
    times.caused_at = asyncio.get_running_loop().time()
    times.handed(changes=False)
    times.done()
    times.caused_at = None  # a resync
    times.handed(changes=True)
    times.done()
    assert measured == []
