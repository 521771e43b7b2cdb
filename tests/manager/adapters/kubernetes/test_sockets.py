"""When the sockets to an API server are read."""

import asyncio
import json
import time
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.client_proto import ResponseHandler

from manager.adapters.kubernetes.client import NODES, connect
from standin.in_process import serving
from standin.server import Api
from tests.manager.adapters.kubernetes.standin_cluster import kubeconfig


async def test_what_comes_in_a_while_wakes_us_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, names, woken = Api(), [f"node{n}" for n in range(60)], 0
    received = ResponseHandler.data_received

    def counted(self: ResponseHandler, data: bytes) -> None:
        nonlocal woken
        woken += bool(data)  # it calls this itself, too, with nothing
        received(self, data)

    async def one_by_one(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        for name in names:
            event = {"type": "MODIFIED", "object": {"metadata": {"name": name}}}
            await answer.write(json.dumps(event).encode() + b"\n")
            await asyncio.sleep(0.005)
        return answer

    monkeypatch.setattr(ResponseHandler, "data_received", counted)
    server.handle = one_by_one  # type: ignore[method-assign]
    async with serving(server) as url, connect(kubeconfig(tmp_path / "k", url)) as api:
        began = time.monotonic()
        async with api.watch(NODES, {}, version="1", timeout_s=60) as events:
            heard = [event["object"]["metadata"]["name"] async for event in events]
        pauses = (time.monotonic() - began) / NODES.gather_s
    assert heard == names
    assert woken <= pauses + 3  # the headers, the first event, the end
