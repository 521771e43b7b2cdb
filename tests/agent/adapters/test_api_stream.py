"""Streams no well-behaved API server sends: the adapter's view stays right on all of them."""

import asyncio
from typing import Any

import pytest

from pointsman.runtime.target import Unavailable
from tests.agent.adapters.scripted import (
    PUT,
    Bench,
    Script,
    announcer,
    bench,
    event,
    listed,
    script,
)
from tests.agent.standin import PATIENCE_S

__all__ = ["bench", "script"]  # fixtures


async def test_nothing_is_known_before_the_first_list(script: Script, bench: Bench) -> None:
    script.lists = [listed(1)]
    with pytest.raises(Unavailable):
        await bench.adapter.assignment()
    await bench.sees(None)
    assert await bench.adapter.assignment() is None


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        pytest.param([event("MODIFIED", announcer(6, "b"))], "b", id="a plain event"),
        pytest.param(
            [event("MODIFIED", announcer(6, "b"))[:40], event("MODIFIED", announcer(6, "b"))[40:]],
            "b",
            id="an event in two pieces",
        ),
        pytest.param(
            [event("MODIFIED", announcer(6, "b")) + event("MODIFIED", announcer(7, "c"))],
            "c",
            id="two events in one piece",
        ),
        pytest.param(
            [event("MODIFIED", announcer(6, "b" * 200_000))], "b" * 200_000, id="a very long line"
        ),
        pytest.param([event("DELETED", announcer(6, "a"))], None, id="deleted"),
        pytest.param(
            [event("DELETED", announcer(6, "a")), event("ADDED", announcer(7))], "", id="made again"
        ),
        pytest.param(
            [event("MODIFIED", announcer(6, "b")), event("MODIFIED", announcer(4, "old"))],
            "b",
            id="an older one comes late",
        ),
        pytest.param(
            [event("MODIFIED", announcer(6, "b")), event("DELETED", announcer(5, "a"))],
            "b",
            id="a deletion from before comes late",
        ),
        pytest.param(
            [event("DELETED", announcer(9, name="node2")), event("MODIFIED", announcer(6, "b"))],
            "b",
            id="another node's object is passed over",
        ),
        pytest.param(
            [b"\n\n", event("BOOKMARK", announcer(8)), event("MODIFIED", announcer(9, "b"))],
            "b",
            id="blank lines and bookmarks",
        ),
    ],
)
async def test_events_leave_the_right_view(
    script: Script, bench: Bench, chunks: list[bytes], expected: str | None
) -> None:
    script.lists = [listed(5, announcer(5, "a"))]
    script.streams = [chunks]
    await bench.sees(expected)
    await asyncio.sleep(0.05)  # and it stays so when the stream is over
    assert await bench.shown() == expected


async def test_a_stream_that_ends_is_taken_up_where_it_was(script: Script, bench: Bench) -> None:
    script.lists = [listed(5, announcer(5, "a"))]
    script.streams = [[event("MODIFIED", announcer(6, "b"))], [event("BOOKMARK", announcer(9))], []]
    for asked in ("watch 5", "watch 6", "watch 9"):
        await bench.asked(asked)
    assert script.asked.count("list") == 1


@pytest.mark.parametrize(
    "chunks",
    [
        pytest.param(
            [event("ERROR", {"kind": "Status", "code": 410, "message": "too old"})], id="410 inside"
        ),
        pytest.param([b"<html>gateway</html>\n"], id="not JSON"),
        pytest.param([b"[1]\n"], id="JSON, but no event"),
        pytest.param([event("MODIFIED", announcer(6, "b"))[:30]], id="cut in the middle"),
        pytest.param([b'{"type": "MODIFIED"}\n'], id="an event about nothing"),
    ],
)
async def test_a_stream_that_breaks_is_listed_anew(
    script: Script, bench: Bench, chunks: list[bytes]
) -> None:
    script.lists = [listed(5, announcer(5, "a")), listed(8, announcer(8, "z"))]
    script.streams = [chunks, [event("MODIFIED", announcer(9, "y"))]]
    await bench.sees("a")
    if chunks[0].endswith(b"\n"):
        await bench.asked("watch 8")
    await bench.sees("y")


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(404, id="the CRD isn't there"),
        pytest.param(403, id="not allowed"),
        pytest.param(500, id="an internal error"),
        pytest.param("<html>", id="not JSON"),
        pytest.param({"items": None}, id="no list"),
        pytest.param([], id="not even an object"),
    ],
)
async def test_a_list_that_fails_is_unavailable_never_empty(
    script: Script, bench: Bench, answer: Any
) -> None:
    script.lists = [answer, answer, listed(5, announcer(5, "a"))]
    await bench.asked("list")
    assert await bench.shown() == "unavailable"
    await bench.sees("a")


async def test_the_answer_to_a_write_is_what_the_next_one_starts_from(
    script: Script, bench: Bench
) -> None:
    script.lists = [listed(5, announcer(5))]
    script.patched = announcer(7, "1")
    await bench.sees("")
    await bench.adapter.apply(PUT)
    assert await bench.shown() == "1"
    assert script.bodies[0]["metadata"] == {"resourceVersion": "5"}
    await bench.adapter.apply(PUT)
    assert script.bodies[1]["metadata"] == {"resourceVersion": "7"}


async def test_a_conflict_reads_again_before_it_gives_up(script: Script, bench: Bench) -> None:
    script.lists = [listed(5, announcer(5)), listed(9, announcer(9, "other"))]
    script.patched = 409
    await bench.sees("")
    with pytest.raises(Unavailable, match="409"):
        await bench.adapter.apply(PUT)
    assert await bench.shown() == "other"


async def test_a_list_from_before_a_write_does_not_undo_it(script: Script, bench: Bench) -> None:
    script.lists = [listed(5, announcer(5)), listed(8, announcer(8, "stale"))]
    script.patched = announcer(9, "1")
    script.streams = [[event("ERROR", {"message": "too old"})]]
    await bench.sees("")
    script.slow = asyncio.Event()
    async with asyncio.timeout(PATIENCE_S):
        while script.asked.count("list") < 2:
            await asyncio.sleep(0.01)
    await bench.adapter.apply(PUT)
    script.slow.set()
    await bench.asked("watch 8")
    assert await bench.shown() == "1"


@pytest.mark.parametrize("code", [403, 404, 422, 429, 500, 503])
async def test_a_refused_write_heals_with_time(script: Script, bench: Bench, code: int) -> None:
    script.lists = [listed(5, announcer(5))]
    script.patched = code
    await bench.sees("")
    with pytest.raises(Unavailable, match=f"no: {code}"):
        await bench.adapter.apply(PUT)
    assert await bench.shown() == ""


async def test_nothing_is_sent_while_the_object_is_missing(script: Script, bench: Bench) -> None:
    script.lists = [listed(5)]
    await bench.sees(None)
    await bench.adapter.apply(PUT)
    assert script.bodies == []
