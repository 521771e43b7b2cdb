"""Whose write waits for whose: hung, refused and overloaded objects beside sound ones."""

import asyncio

import pytest

from manager.damping.pacing import Handfuls
from manager.writers.keyed import AT_ONCE, HUNG_AT_ONCE, MOST, WriteRequest
from manager.writers.outcome import Done, Failure, FailureKind, Outcome
from tests.manager.writers.keyed_rig import (
    ANSWERED_500,
    HANGS,
    REFUSED,
    SLOW_DOWN,
    Rig,
    now,
    poisoned,
    running,
)

pytestmark = [pytest.mark.looptime]


@pytest.mark.parametrize("answers", [REFUSED, ANSWERED_500, SLOW_DOWN, HANGS], ids=str)
@pytest.mark.parametrize("count", [1, 7, 60, 200])
async def test_a_sound_object_that_comes_later_is_not_delayed(
    answers: Outcome | float, count: int
) -> None:
    async with running() as rig:
        bad = poisoned(count)
        rig.server.answers = dict.fromkeys(bad, answers)
        rig.hand(*bad)
        await asyncio.sleep(12)
        rig.hand(*bad, "zzz/web")
        assert await rig.until_written("zzz/web", 2.0) < 1.2


@pytest.mark.parametrize("answers", [REFUSED, ANSWERED_500, SLOW_DOWN, HANGS], ids=str)
async def test_a_sound_object_among_many_is_not_delayed_by_where_its_name_sorts(
    answers: Outcome | float,
) -> None:
    async with running() as rig:
        bad = poisoned(60)
        rig.server.answers = dict.fromkeys(bad, answers)
        rig.hand(*bad, "zzz/web")
        assert await rig.until_written("zzz/web", 3.0) < 2.5


async def test_sound_objects_of_the_same_namespace_come_through() -> None:
    async with running() as rig:
        bad = [f"a/{number:03}" for number in range(0, 120, 2)]
        good = [f"a/{number:03}" for number in range(1, 120, 2)]
        rig.server.answers = dict.fromkeys(bad, ANSWERED_500)
        rig.hand(*bad, *good)
        await asyncio.sleep(10)
        assert set(rig.server.written) == set(good)


async def test_hung_objects_do_not_fill_the_server_with_requests() -> None:
    async with running() as rig:
        bad = poisoned(500)
        rig.server.answers = dict.fromkeys(bad, HANGS)
        rig.hand(*bad)
        await asyncio.sleep(4)
        assert rig.server.most <= MOST
        await asyncio.sleep(60)
        assert rig.server.under_way.total() <= HUNG_AT_ONCE


async def test_a_slow_server_gets_more_than_a_handful_at_once_and_a_quick_one_no_more() -> None:
    async with running() as rig:
        names = [f"a/{number:03}" for number in range(200)]
        rig.hand(*names)
        await asyncio.sleep(10)
        assert len(rig.server.written) == 200
        assert rig.server.most <= AT_ONCE
        rig.server.written.clear()
        rig.server.latency_s = 2.0
        began = now()
        rig.hand(*names)
        while len(rig.server.written) < 200:
            await asyncio.sleep(0.1)
        assert now() - began < 12  # eight at a time would take 50
        assert rig.server.most <= MOST


async def test_the_newest_requests_count_and_one_object_is_written_by_one_at_a_time() -> None:
    async with running() as rig:
        written: list[str] = []
        flying = 0

        def request(label: str) -> WriteRequest:
            async def write() -> Outcome:
                nonlocal flying
                flying += 1
                assert flying == 1
                await asyncio.sleep(1)
                written.append(label)
                flying -= 1
                return Done.WRITTEN

            return WriteRequest(write)

        for label in ("first", "second", "third"):
            rig.writer.hand({"a/web": request(label)})
            await asyncio.sleep(0.2)
        await asyncio.sleep(3)
        assert written == ["first", "third"]
        rig.writer.hand({"a/web": request("never")})
        rig.writer.hand({})
        await asyncio.sleep(3)
        assert written == ["first", "third"]


async def test_a_conflict_waits_for_the_newer_object_and_no_longer() -> None:
    async with running() as rig:
        rig.server.answers = {"a/web": Failure(FailureKind.CONFLICT, "modified")}
        old, new = object(), object()
        rig.writer.hand({"a/web": rig.request("a/web", planned_from=old)})
        await asyncio.sleep(0.1)
        rig.writer.hand({"a/web": rig.request("a/web", planned_from=old)})
        await asyncio.sleep(0.1)
        assert rig.server.tries("a/web") == 1
        rig.server.answers.clear()
        rig.writer.hand({"a/web": rig.request("a/web", planned_from=new)})
        await asyncio.sleep(0.1)
        assert "a/web" in rig.server.written
        assert rig.lies == 0


async def test_conflicts_about_an_object_that_no_watch_changes_are_a_lie_of_the_watch() -> None:
    async with running() as rig:
        rig.server.answers = {"a/web": Failure(FailureKind.CONFLICT, "modified")}
        for _ in range(50):
            rig.writer.hand({"a/web": rig.request("a/web", planned_from="the same")})
            await asyncio.sleep(0.1)
        assert rig.server.tries("a/web") == 3  # at 0, 1, 3 s
        assert rig.lies == 1


async def test_what_can_wait_goes_after_the_rest_and_no_faster_than_its_pace() -> None:
    async with running(pace=Handfuls()) as rig:
        rig.server.latency_s = 0.001
        slow = [f"a/{number:03}" for number in range(250)]
        requests = {key: rig.request(key, can_wait=True) for key in slow}
        rig.writer.hand({**requests, "z/urgent": rig.request("z/urgent")})
        await asyncio.sleep(0.9)
        assert rig.server.tried[0][1] == "z/urgent"
        assert len(rig.server.written) == 101
        await asyncio.sleep(1)
        assert len(rig.server.written) == 201
        await asyncio.sleep(1)
        assert len(rig.server.written) == 251


async def test_what_was_not_sent_is_forgotten_and_what_a_fence_stops_is_no_trouble() -> None:
    async with running() as rig:
        for outcome in (Done.PASSED, Done.FENCED):
            rig.server.answers = {"a/web": outcome}
            rig.writer.hand({"a/web": rig.request("a/web")})
            await asyncio.sleep(5)
        assert rig.server.tries("a/web") == 2
        assert not rig.writer.stuck


async def test_draining_sends_nothing_more_and_waits_for_what_is_under_way() -> None:
    async with running() as rig:
        rig.server.answers = {"a/1": 2.0}
        rig.hand("a/1", "a/2")
        await asyncio.sleep(0.5)
        began = now()
        draining = asyncio.create_task(rig.writer.drain(5.0))
        await asyncio.sleep(0)
        rig.hand("a/1", "a/3")
        await draining
        assert "a/1" in rig.server.written
        assert now() - began == pytest.approx(1.5, abs=0.1)
        await asyncio.sleep(5)
        assert rig.server.tries("a/3") == 0


async def test_a_bug_in_a_write_ends_the_writer() -> None:
    async def bug() -> Outcome:
        raise ZeroDivisionError

    rig = Rig()
    task = asyncio.create_task(rig.writer.run())
    rig.writer.hand({"a/web": WriteRequest(bug)})
    await asyncio.wait([task], timeout=5)
    with pytest.raises(ExceptionGroup):
        task.result()
