"""The last assignment, where the API says nothing: on a virtual clock."""

import asyncio

import pytest

from agent.remembered import PATIENCE_S, RememberedAnnouncer
from agent.snapshot import Assignment, NodeName
from pointsman.runtime.target import Unavailable
from tests.fakes.announcer import FakeAnnouncer

pytestmark = pytest.mark.looptime
STORED, NEW = Assignment(3), Assignment(4)


class FakeMemory:
    """The port ``Memory``."""

    def __init__(self, assignment: Assignment | None) -> None:
        self.stored, self.writes = assignment, 0

    def recall(self) -> Assignment | None:
        return self.stored

    def remember(self, assignment: Assignment) -> None:
        self.stored, self.writes = assignment, self.writes + 1


def remembering(memory: FakeMemory) -> tuple[RememberedAnnouncer, FakeAnnouncer]:
    api = FakeAnnouncer(NodeName("node1"))
    api.confirmed = False
    return RememberedAnnouncer(api, memory, asyncio.get_running_loop().time), api


async def test_an_api_that_says_nothing_is_waited_for_and_then_done_without() -> None:
    known, api = remembering(FakeMemory(STORED))
    wakes: list[float] = []
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    watching = asyncio.create_task(known.watch(lambda: wakes.append(loop.time() - began_s)))
    with pytest.raises(Unavailable) as early:
        await known.assignment()
    assert early.value.retry_after_s == pytest.approx(PATIENCE_S)
    await asyncio.sleep(PATIENCE_S + 0.1)
    assert wakes == [0.0, pytest.approx(PATIENCE_S)]
    assert (await known.assignment(), known.confirmed) == (STORED, False)
    api.assign(NEW)
    assert (await known.assignment(), known.confirmed) == (NEW, True)
    watching.cancel()


async def test_what_the_api_says_is_remembered_once_and_so_is_that_it_says_nothing() -> None:
    memory = FakeMemory(None)
    known, api = remembering(memory)
    api.assign(NEW)
    for _ in range(3):
        await known.assignment()
    assert (memory.stored, memory.writes) == (NEW, 1)
    api.delete()
    assert await known.assignment() is None
    assert (memory.stored, memory.writes) == (Assignment(), 2)


async def test_what_was_stored_and_still_stands_is_not_written_again() -> None:
    memory = FakeMemory(STORED)
    known, api = remembering(memory)
    api.assign(STORED)
    assert await known.assignment() == STORED
    assert memory.writes == 0


async def test_without_either_nothing_is_known() -> None:
    known, _ = remembering(FakeMemory(None))
    await asyncio.sleep(2 * PATIENCE_S)
    with pytest.raises(Unavailable):
        await known.assignment()
