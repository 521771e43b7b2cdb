"""When what failed is tried again, and when the server is taken to fail."""

import asyncio

import pytest

from manager.writers.keyed import AT_ONCE
from manager.writers.outcome import Failure, FailureKind
from tests.manager.writers.keyed_rig import (
    REFUSED,
    now,
    poisoned,
    running,
)

pytestmark = [pytest.mark.looptime]


async def test_one_poisonous_object_is_retried_alone_later_and_later() -> None:
    async with running() as rig:
        rig.server.answers = {"a/bad": REFUSED}
        for _ in range(200):
            rig.hand("a/bad")
            rig.server.written.pop("a/good", None)
            rig.hand("a/bad", "a/good", anew=False)
            await asyncio.sleep(0.1)
        assert rig.server.tries("a/good") >= 190
        assert rig.server.tries("a/bad") == 5  # at 0, 1, 3, 7, 15 s
        assert rig.writer.stuck == {"a/bad": "a webhook says no"}
        rig.server.answers.clear()
        await asyncio.sleep(20)
        assert "a/bad" in rig.server.written
        assert not rig.writer.stuck


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
