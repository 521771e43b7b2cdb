import asyncio
from collections.abc import Mapping

import pytest

from pointsman.model.delta import Delta
from pointsman.runtime.readback import ReadBack
from pointsman.runtime.target import Unavailable

pytestmark = [pytest.mark.looptime]


class Table:
    """A target that takes a second for everything, and may stop in the middle of an apply."""

    def __init__(self) -> None:
        self.rows: dict[str, int] = {}
        self.reads = 0
        self.breaks = False
        self.apply_s = 1.0

    async def observe(self) -> Mapping[str, int]:
        self.reads += 1
        read = dict(self.rows)
        await asyncio.sleep(1)
        return read

    async def apply(self, work: Delta[str, int]) -> None:
        for number, (key, value) in enumerate(sorted(work.put.items())):
            if self.breaks and number:
                raise Unavailable("gone midway")
            self.rows[key] = value
        await asyncio.sleep(self.apply_s)
        for key in work.drop:
            self.rows.pop(key, None)


class Rig:
    def __init__(self) -> None:
        self.table = Table()
        self.target = ReadBack(self.table, now=asyncio.get_running_loop().time, max_age_s=30.0)

    async def put(self, drop: str = "", **rows: int) -> None:
        await self.target.apply(Delta(rows, frozenset(drop)))

    async def sees(self) -> Mapping[str, int]:
        return await self.target.observe()


async def test_it_reads_once_and_counts_what_was_acknowledged() -> None:
    rig = Rig()
    await rig.put(a=1)
    assert await rig.sees() == {"a": 1}
    await rig.put(b=2, drop="a")
    assert await rig.sees() == {"b": 2} == rig.table.rows
    assert rig.table.reads == 1


async def test_it_reads_again_when_what_it_read_is_old() -> None:
    rig = Rig()
    await rig.sees()
    rig.table.rows["by somebody else"] = 3
    await asyncio.sleep(28)
    assert await rig.sees() == {}
    await asyncio.sleep(2)
    assert await rig.sees() == {"by somebody else": 3}


async def test_an_apply_does_not_make_an_old_reading_young() -> None:
    rig = Rig()
    await rig.sees()
    await asyncio.sleep(28)
    await rig.put(a=1)
    await asyncio.sleep(1)
    await rig.sees()
    assert rig.table.reads == 2


async def test_a_doubt_makes_it_read_again() -> None:
    rig = Rig()
    await rig.sees()
    rig.table.rows["by somebody else"] = 3
    rig.target.doubt()
    assert await rig.sees() == {"by somebody else": 3}


async def test_nothing_is_kept_of_an_apply_that_did_not_finish() -> None:
    rig = Rig()
    await rig.sees()
    rig.table.breaks = True
    with pytest.raises(Unavailable):
        await rig.put(a=1, b=2)
    assert await rig.sees() == {"a": 1}
    assert rig.table.reads == 2


async def test_nothing_is_kept_of_an_apply_that_was_cancelled() -> None:
    rig = Rig()
    await rig.sees()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await rig.put(a=1, drop="b")
    assert await rig.sees() == {"a": 1}
    assert rig.table.reads == 2


async def test_a_doubt_outlives_the_apply_it_came_in() -> None:
    rig = Rig()
    await rig.sees()
    async with asyncio.TaskGroup() as group:
        group.create_task(rig.put(a=1))
        await asyncio.sleep(0.5)
        rig.table.rows.clear()  # another process answers from here on
        rig.target.doubt()
    assert await rig.sees() == {}


async def test_a_doubt_outlives_the_reading_it_came_in() -> None:
    rig = Rig()
    rig.table.rows["a"] = 1
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(rig.sees())
        await asyncio.sleep(0.5)
        rig.table.rows.clear()
        rig.target.doubt()
    assert await reading == {"a": 1}
    assert await rig.sees() == {}


async def test_what_it_returns_is_the_callers() -> None:
    rig = Rig()
    mine = dict(await rig.sees())
    mine["x"] = 1
    await rig.put(a=1)
    assert mine == {"x": 1}
    assert await rig.sees() == {"a": 1}


async def test_what_it_returned_never_changes() -> None:
    rig = Rig()
    await rig.put(a=1)
    seen = await rig.sees()
    await rig.put(b=2, drop="a")
    rig.table.rows["by somebody else"] = 3
    await rig.target.refresh()
    assert seen == {"a": 1}


async def test_what_did_not_change_is_the_same_object() -> None:
    rig = Rig()
    await rig.put(a=1)
    seen = await rig.sees()
    assert await rig.sees() is seen
    await rig.target.refresh()
    assert await rig.sees() is seen
    await asyncio.sleep(30)  # it is old now
    assert await rig.sees() is seen
    rig.target.doubt()
    assert await rig.sees() is seen
    assert rig.table.reads == 4


async def test_what_has_become_what_was_wanted_is_that_object() -> None:
    rig = Rig()
    rig.table.rows["a"] = 1
    seen, wanted, newer = await rig.sees(), {"a": 1}, {"a": 1}
    assert rig.target.adopt(seen, wanted) is wanted
    assert await rig.sees() is wanted
    assert rig.target.adopt(wanted, newer) is wanted  # compared already
    await rig.target.refresh()
    assert rig.target.adopt(seen, newer) is seen  # read before, and not what is known
    assert rig.target.adopt(wanted, newer) is newer
    assert await rig.sees() is newer
    await rig.put(b=2)
    after = await rig.sees()
    assert rig.target.adopt(after, {"a": 1}) is after
    assert after == {"a": 1, "b": 2}
    await rig.put(b=3)
    planned = {"a": 1, "b": 3}
    assert rig.target.adopt(await rig.sees(), planned) is planned


async def test_refreshing_makes_nobody_wait_and_says_what_drifted() -> None:
    rig = Rig()
    await rig.put(a=1)
    await rig.sees()
    assert not await rig.target.refresh()
    rig.table.rows["by somebody else"] = 3
    async with asyncio.TaskGroup() as group:
        drifted = group.create_task(rig.target.refresh())
        await asyncio.sleep(0.5)
        before = asyncio.get_running_loop().time()
        assert await rig.sees() == {"a": 1}
        assert asyncio.get_running_loop().time() == before
    assert drifted.result()
    assert await rig.sees() == {"a": 1, "by somebody else": 3}
    assert rig.table.reads == 3


async def test_what_is_told_while_refreshing_counts() -> None:
    rig = Rig()
    await rig.put(a=1, b=1)
    await rig.sees()
    async with asyncio.TaskGroup() as group:
        refreshing = group.create_task(rig.target.refresh())
        await asyncio.sleep(0.1)  # it has read, and nobody knows yet
        rig.table.rows["by somebody else"] = 3
        group.create_task(_quickly(rig, Delta({"a": 2, "c": 2}, frozenset("b"))))
    assert not refreshing.result()
    assert await rig.sees() == {"a": 2, "c": 2}
    assert await rig.target.refresh()
    assert await rig.sees() == {"a": 2, "c": 2, "by somebody else": 3} == rig.table.rows


async def _quickly(rig: Rig, work: Delta[str, int]) -> None:
    rig.table.apply_s = 0.5
    await rig.target.apply(work)
    rig.table.apply_s = 1


async def test_a_refresh_that_ends_within_an_apply_is_dropped() -> None:
    rig = Rig()
    await rig.put(a=1)
    await rig.sees()
    async with asyncio.TaskGroup() as group:
        refreshing = group.create_task(rig.target.refresh())
        await asyncio.sleep(0.5)
        group.create_task(rig.put(b=2))  # ends later than the reading
    assert not refreshing.result()
    assert await rig.sees() == {"a": 1, "b": 2}
    assert rig.table.reads == 2


@pytest.mark.parametrize("known", [True, False])
async def test_a_doubt_is_stronger_than_a_refresh(*, known: bool) -> None:
    rig = Rig()
    await rig.put(a=1)
    if known:
        await rig.sees()
    async with asyncio.TaskGroup() as group:
        refreshing = group.create_task(rig.target.refresh())
        await asyncio.sleep(0.5)
        rig.table.rows.clear()
        rig.target.doubt()
    assert not refreshing.result()
    assert await rig.sees() == {}
