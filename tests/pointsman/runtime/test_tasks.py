"""A task that is ended is gone afterwards, and what it crashed of is not swallowed."""

import asyncio

import pytest

from pointsman.runtime.tasks import ended

pytestmark = pytest.mark.looptime


async def test_a_task_that_runs_is_gone_when_it_was_ended() -> None:
    task = asyncio.create_task(asyncio.sleep(1000))
    await ended(task)
    assert task.cancelled()


async def test_what_a_task_crashed_of_goes_through() -> None:
    async def crashes() -> None:
        raise ZeroDivisionError

    task = asyncio.create_task(crashes())
    await asyncio.sleep(1)
    with pytest.raises(ZeroDivisionError):
        await ended(task)
