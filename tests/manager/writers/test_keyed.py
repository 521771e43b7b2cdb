"""Whose write waits for whose: hung, refused and overloaded objects beside sound ones."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from manager.damping.pacing import Handfuls
from manager.writers.keyed import AT_ONCE, HUNG_AT_ONCE, MOST, KeyedWriter, WriteRequest
from manager.writers.outcome import Done, Failure, FailureKind, Outcome

pytestmark = [pytest.mark.looptime]
TIMEOUT_S = 5.0


def now() -> float:
    return asyncio.get_running_loop().time()


class Server:
    """Answers by name: *says* holds what is not simply written."""

    def __init__(self) -> None:
        self.says: dict[str, Outcome | float] = {}  # a number: answered after so many seconds
        self.latency_s = 0.01
        self.everybody: Outcome | None = None
        self.tried: list[tuple[float, str]] = []
        self.written: dict[str, float] = {}
        self.under_way: Counter[str] = Counter()
        self.most = 0

    async def write(self, key: str) -> Outcome:
        self.tried.append((now(), key))
        self.under_way[key] += 1
        self.most = max(self.most, self.under_way.total())
        try:
            says = self.says.get(key, self.everybody)
            if isinstance(says, float):
                await asyncio.sleep(min(says, TIMEOUT_S))
                if says > TIMEOUT_S:
                    return Failure(FailureKind.NO_ANSWER, "no answer in time")
                says = None
            await asyncio.sleep(self.latency_s)
            if says is None:
                self.written[key] = now()
                return Done.WRITTEN
            return says
        finally:
            self.under_way[key] -= 1

    def tries(self, prefix: str) -> int:
        return sum(key.startswith(prefix) for _, key in self.tried)


class Rig:
    def __init__(self, **options: Any) -> None:
        self.server, self.lies = Server(), 0
        self.writer = KeyedWriter[str](
            "Service",
            group_of=lambda key: key.partition("/")[0],
            watch_lags=self._lies,
            **options,
        )
        self._requests: dict[str, WriteRequest] = {}

    def _lies(self) -> None:
        self.lies += 1

    def hand(self, *keys: str, can_wait: bool = False, anew: bool = False) -> None:
        """Hand orders for *keys* that are not written yet, as a plan does at each step."""
        for key in keys:
            if anew or key not in self._requests:
                self._requests[key] = self.request(key, can_wait=can_wait)
        left = {key: self._requests[key] for key in keys if key not in self.server.written}
        self.writer.hand(left)

    def request(
        self, key: str, *, can_wait: bool = False, planned_from: object = None
    ) -> WriteRequest:
        return WriteRequest(
            lambda: self.server.write(key), planned_from=planned_from or key, can_wait=can_wait
        )

    async def until_written(self, key: str, within_s: float) -> float:
        """Return how long it took."""
        began = now()
        while key not in self.server.written:
            assert now() - began < within_s, f"{key} is not written after {within_s} s"
            await asyncio.sleep(0.02)
        return self.server.written[key] - began


@asynccontextmanager
async def running(**options: Any) -> AsyncIterator[Rig]:
    rig = Rig(**options)
    task = asyncio.create_task(rig.writer.run())
    try:
        yield rig
    finally:
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.result()


def poisoned(count: int, namespace: str = "aaa") -> list[str]:
    return [f"{namespace}/p{number:03}" for number in range(count)]


REFUSED = Failure(FailureKind.REFUSED, "a webhook says no")
ANSWERED_500 = Failure(FailureKind.OVERLOADED, "the API server answered 500: a webhook is down")
SLOW_DOWN = Failure(FailureKind.OVERLOADED, "the API server answered 429: slow down", 1.0)
HANGS = 3600.0


@pytest.mark.parametrize("says", [REFUSED, ANSWERED_500, SLOW_DOWN, HANGS], ids=str)
@pytest.mark.parametrize("count", [1, 7, 60, 200])
async def test_a_sound_object_that_comes_later_is_not_delayed(
    says: Outcome | float, count: int
) -> None:
    async with running() as rig:
        bad = poisoned(count)
        rig.server.says = dict.fromkeys(bad, says)
        rig.hand(*bad)
        await asyncio.sleep(12)
        rig.hand(*bad, "zzz/web")
        assert await rig.until_written("zzz/web", 2.0) < 1.2


@pytest.mark.parametrize("says", [REFUSED, ANSWERED_500, SLOW_DOWN, HANGS], ids=str)
async def test_a_sound_object_among_many_is_not_delayed_by_where_its_name_sorts(
    says: Outcome | float,
) -> None:
    async with running() as rig:
        bad = poisoned(60)
        rig.server.says = dict.fromkeys(bad, says)
        rig.hand(*bad, "zzz/web")
        assert await rig.until_written("zzz/web", 3.0) < 2.5


async def test_sound_objects_of_the_same_namespace_come_through() -> None:
    async with running() as rig:
        bad = [f"a/{number:03}" for number in range(0, 120, 2)]
        good = [f"a/{number:03}" for number in range(1, 120, 2)]
        rig.server.says = dict.fromkeys(bad, ANSWERED_500)
        rig.hand(*bad, *good)
        await asyncio.sleep(10)
        assert set(rig.server.written) == set(good)


async def test_one_poisonous_object_is_retried_alone_later_and_later() -> None:
    async with running() as rig:
        rig.server.says = {"a/bad": REFUSED}
        for _ in range(200):
            rig.hand("a/bad")
            rig.server.written.pop("a/good", None)
            rig.hand("a/bad", "a/good", anew=False)
            await asyncio.sleep(0.1)
        assert rig.server.tries("a/good") >= 190
        assert rig.server.tries("a/bad") == 5  # at 0, 1, 3, 7, 15 s
        assert rig.writer.stuck == {"a/bad": "a webhook says no"}
        rig.server.says.clear()
        await asyncio.sleep(20)
        assert "a/bad" in rig.server.written
        assert not rig.writer.stuck


async def test_hung_objects_do_not_fill_the_server_with_requests() -> None:
    async with running() as rig:
        bad = poisoned(500)
        rig.server.says = dict.fromkeys(bad, HANGS)
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


@pytest.mark.parametrize("count", [4, 5, 300])
async def test_an_outage_is_probed_not_stormed_and_its_end_is_noticed_soon(count: int) -> None:
    async with running() as rig:
        names = [f"a/{number:03}" for number in range(count)]
        rig.server.everybody = Failure(FailureKind.NO_ANSWER, "connection refused")
        rig.hand(*names)
        await asyncio.sleep(300)
        assert len(rig.server.tried) < 60
        rig.server.everybody = None
        while not rig.server.written:
            await asyncio.sleep(0.1)
        assert now() - 300 < 11
        await asyncio.sleep(1)  # with the first that passes all are due, whatever they waited for
        assert len(rig.server.written) == count


@pytest.mark.parametrize("count", [1, 2])
async def test_an_outage_that_few_objects_see_is_over_soon_for_them(count: int) -> None:
    async with running() as rig:
        names = poisoned(count)
        rig.server.everybody = Failure(FailureKind.NO_ANSWER, "connection refused")
        rig.hand(*names)
        await asyncio.sleep(600)
        rig.server.everybody = None
        await asyncio.sleep(16)
        assert len(rig.server.written) == count


async def test_a_server_that_asks_to_be_left_alone_is_asked_once_in_that_time() -> None:
    async with running() as rig:
        names = [f"a/{number:03}" for number in range(50)]
        rig.server.everybody = Failure(FailureKind.OVERLOADED, "429", 10.0)
        rig.hand(*names)
        await asyncio.sleep(1)
        before = len(rig.server.tried)
        assert before <= AT_ONCE
        await asyncio.sleep(100)
        assert 9 <= len(rig.server.tried) - before <= 11
        rig.server.everybody = None
        await asyncio.sleep(11)
        assert len(rig.server.written) == 50


async def test_the_newest_orders_count_and_one_object_is_written_by_one_at_a_time() -> None:
    async with running() as rig:
        said: list[str] = []
        flying = 0

        def request(word: str) -> WriteRequest:
            async def write() -> Outcome:
                nonlocal flying
                flying += 1
                assert flying == 1
                await asyncio.sleep(1)
                said.append(word)
                flying -= 1
                return Done.WRITTEN

            return WriteRequest(write)

        for word in ("first", "second", "third"):
            rig.writer.hand({"a/web": request(word)})
            await asyncio.sleep(0.2)
        await asyncio.sleep(3)
        assert said == ["first", "third"]
        rig.writer.hand({"a/web": request("never")})
        rig.writer.hand({})
        await asyncio.sleep(3)
        assert said == ["first", "third"]


async def test_a_conflict_waits_for_the_newer_object_and_no_longer() -> None:
    async with running() as rig:
        rig.server.says = {"a/web": Failure(FailureKind.CONFLICT, "modified")}
        old, new = object(), object()
        rig.writer.hand({"a/web": rig.request("a/web", planned_from=old)})
        await asyncio.sleep(0.1)
        rig.writer.hand({"a/web": rig.request("a/web", planned_from=old)})
        await asyncio.sleep(0.1)
        assert rig.server.tries("a/web") == 1
        rig.server.says.clear()
        rig.writer.hand({"a/web": rig.request("a/web", planned_from=new)})
        await asyncio.sleep(0.1)
        assert "a/web" in rig.server.written
        assert rig.lies == 0


async def test_conflicts_about_an_object_that_no_watch_changes_are_a_lie_of_the_watch() -> None:
    async with running() as rig:
        rig.server.says = {"a/web": Failure(FailureKind.CONFLICT, "modified")}
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
            rig.server.says = {"a/web": outcome}
            rig.writer.hand({"a/web": rig.request("a/web")})
            await asyncio.sleep(5)
        assert rig.server.tries("a/web") == 2
        assert not rig.writer.stuck


async def test_draining_sends_nothing_more_and_waits_for_what_is_under_way() -> None:
    async with running() as rig:
        rig.server.says = {"a/1": 2.0}
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
