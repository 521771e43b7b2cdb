"""A server that accepts and then says nothing more, as behind a frozen relay."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import yaml

from manager.adapters.kubernetes.client import NODES, KubeApi, connect
from pointsman.runtime.target import Unavailable

pytestmark = [pytest.mark.looptime]
ACCEPTED = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
)


@asynccontextmanager
async def server(tmp_path: Path, first_words: bytes) -> AsyncIterator[KubeApi]:
    handlers: list[asyncio.Task[None]] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        handlers.append(task)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(first_words)
        await reader.read()
        writer.close()
        await writer.wait_closed()

    listening = await asyncio.start_server(handle, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
    }
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(document))
    async with connect(path) as api:
        yield api
    listening.close()
    await asyncio.wait(handlers)


async def read_on(api: KubeApi) -> None:
    async with api.watch(NODES, {}, version="1", timeout_s=240) as events:
        async for event in events:
            pytest.fail(f"nobody sent {event}")


async def test_a_watch_that_falls_silent_ends_soon_after_it_should_have(tmp_path: Path) -> None:
    began = asyncio.get_running_loop().time()
    async with server(tmp_path, ACCEPTED) as api:
        with pytest.raises(Unavailable, match="did not watch nodes in time"):
            await read_on(api)
    assert 255 <= asyncio.get_running_loop().time() - began < 260


async def test_a_request_is_abandoned_in_time(tmp_path: Path) -> None:
    began = asyncio.get_running_loop().time()
    async with server(tmp_path, b"") as api:
        with pytest.raises(Unavailable, match="did not GET /api/v1/nodes/node1 in time"):
            await api.get(NODES, "", "node1")
    assert 5 <= asyncio.get_running_loop().time() - began < 7


async def test_an_answer_cut_in_the_middle_is_no_answer(tmp_path: Path) -> None:
    half = b'HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{"kind"'
    async with server(tmp_path, half) as api:
        with pytest.raises(Unavailable, match="no answer from the API server"):
            await api.get(NODES, "", "node1")
