"""Looking whether an assignment stands: two are asked, silence says nothing."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from agent.looks import LOOK_S, Looked, Looks
from agent.snapshot import Assignment, NodeName
from pointsman.runtime.target import Unavailable
from tests.fakes.announcer import FakeAnnouncer
from tests.fakes.heartbeats import FakeHeartbeats

pytestmark = pytest.mark.looptime
EXECUTED, NEWER = Assignment(3), Assignment(4)


async def refused() -> Assignment | None:
    raise Unavailable("the API server did not answer")


async def never() -> None:
    await asyncio.Event().wait()


async def at_once() -> None:
    return None


async def newer() -> Assignment | None:
    return NEWER


async def frozen() -> Assignment | None:
    await asyncio.Event().wait()
    return None


@pytest.mark.parametrize(
    ("api", "leader", "found", "took_s"),
    [
        pytest.param(newer, never, Looked(NEWER), 0.0, id="the API knows"),
        pytest.param(refused, at_once, Looked(EXECUTED), 0.0, id="a leader knows"),
        pytest.param(frozen, at_once, Looked(EXECUTED), 0.0, id="a leader, beside a frozen API"),
        pytest.param(refused, never, None, LOOK_S, id="neither"),
        pytest.param(frozen, never, None, LOOK_S, id="neither, and nothing is refused"),
    ],
)
async def test_the_first_that_knows_is_believed(
    api: Callable[[], Awaitable[Assignment | None]],
    leader: Callable[[], Awaitable[None]],
    found: Looked | None,
    took_s: float,
) -> None:
    announcer, heartbeats = FakeAnnouncer(NodeName("node1")), FakeHeartbeats()
    announcer.assign(EXECUTED)
    announcer.read, heartbeats.vouch = api, leader
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    assert await Looks(announcer, heartbeats).look() == found
    assert loop.time() - began_s == pytest.approx(took_s)
    assert len(asyncio.all_tasks()) == 1, "nobody goes on asking"
