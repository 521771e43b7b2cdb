"""An API server that is a script: it answers lists and watches with what a test wrote down."""

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
