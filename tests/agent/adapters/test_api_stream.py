"""Streams no well-behaved API server sends: the adapter's view stays right on all of them.

The server here is a script: it answers lists and watches with what the test wrote down.
"""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from agent.adapters import api
from agent.adapters.api import ApiAnnouncer
from agent.adapters.kubeconfig import Access
from agent.planner.desired import Report
from agent.snapshot import NodeName
from pointsman.model.delta import Delta
from pointsman.runtime.clock import Clock
from pointsman.runtime.target import Unavailable
from tests.agent.standin import PATIENCE_S

NODE = NodeName("node1")
CLOCK = Clock(time.monotonic, lambda: datetime(2026, 11, 23, tzinfo=UTC))
PUT: Delta[NodeName, Report | None] = Delta(put={NODE: Report("1")}, drop=frozenset())


def announcer(version: int, agent: str = "", name: str = NODE) -> dict[str, Any]:
    status = {"agentVersion": agent, "interfaces": [], "conditions": []} if agent else {}
    return {"metadata": {"name": name, "resourceVersion": str(version)}, "status": status}


def event(kind: str, thing: dict[str, Any]) -> bytes:
    return json.dumps({"type": kind, "object": thing}).encode() + b"\n"


@dataclass
class Script:
    """What the server answers, and what it was asked."""

    lists: list[Any] = field(default_factory=list)  # the last one is given for ever
    streams: list[list[bytes]] = field(default_factory=list)  # one per watch, then silence
    patched: Any = None  # the answer to a PATCH: an object, or an HTTP status
    asked: list[str] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)
    hold: asyncio.Event = field(default_factory=asyncio.Event)
    slow: asyncio.Event | None = None  # a list is read now and told when this is set

    async def get(self, request: web.Request) -> web.StreamResponse:
        if "watch" not in request.query:
            self.asked.append("list")
            answer = self.lists.pop(0) if len(self.lists) > 1 else self.lists[0]
            if self.slow:
                await self.slow.wait()
            return web.Response(text=answer) if isinstance(answer, str) else answered(answer)
        self.asked.append(f"watch {request.query['resourceVersion']}")
        response = web.StreamResponse()
        await response.prepare(request)
        if not self.streams:
            await self.hold.wait()
            return response
        for chunk in self.streams.pop(0):
            await response.write(chunk)
            await asyncio.sleep(0.01)
        return response

    async def patch(self, request: web.Request) -> web.StreamResponse:
        self.bodies.append(await request.json())
        return answered(self.patched)


def answered(answer: Any) -> web.Response:
    if isinstance(answer, int):
        return web.json_response({"message": f"no: {answer}"}, status=answer)
    return web.json_response(answer)


def listed(version: int, *items: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"resourceVersion": str(version)}, "items": list(items)}


@dataclass
class Bench:
    script: Script
    adapter: ApiAnnouncer
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    async def sees(self, expected: str | None) -> None:
        """Wait until the adapter shows a status of agent *expected*; None: no object."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                if await self.shown() == expected:
                    return
                await self.woken.wait()
                self.woken.clear()

    async def shown(self) -> str | None:
        try:
            found = await self.adapter.observe()
        except Unavailable:
            return "unavailable"
        if NODE not in found:
            return None
        report = found[NODE]
        return report.version if report else ""

    async def asked(self, what: str) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while what not in self.script.asked:
                await asyncio.sleep(0.01)


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
async def bench(script: Script, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    monkeypatch.setattr(api, "RECONNECT_S", 0.02)
    app = web.Application()
    app.router.add_get(api.PATH, script.get)
    app.router.add_patch(f"{api.PATH}/{NODE}/status", script.patch)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    access = Access(f"http://127.0.0.1:{runner.addresses[0][1]}")
    async with aiohttp.ClientSession() as session:
        adapter = ApiAnnouncer(session, access, node=NODE, clock=CLOCK, chance=random.Random(1))
        made = Bench(script, adapter)
        watching = asyncio.create_task(adapter.watch(made.woken.set))
        yield made
        watching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await watching
    script.hold.set()
    await runner.cleanup()


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
async def test_events(
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
