"""A request without an answer: the words say where it went and why, and name no object of ours."""

import socket
from collections.abc import AsyncIterator

import aiohttp
import pytest

from pointsman.runtime.tls import verifying
from pointsman.runtime.unanswered import unanswered


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def unused_port(family: int, host: str) -> int:
    with socket.socket(family) as sock:
        sock.bind((host, 0))
        return int(sock.getsockname()[1])


async def why(session: aiohttp.ClientSession, url: str) -> str:
    with pytest.raises(aiohttp.ClientError) as refused:
        await session.get(url, ssl=verifying())
    return unanswered(refused.value)


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_port_where_nobody_listens_has_its_sentence(
    session: aiohttp.ClientSession, scheme: str
) -> None:
    port = unused_port(socket.AF_INET, "127.0.0.1")
    assert await why(session, f"{scheme}://127.0.0.1:{port}/") == (
        f"127.0.0.1:{port}: Connection refused"
    )


async def test_nobody_listens_in_ipv6(session: aiohttp.ClientSession) -> None:
    port = unused_port(socket.AF_INET6, "::1")
    assert await why(session, f"https://[::1]:{port}/") == f"[::1]:{port}: Connection refused"


async def test_a_name_that_nobody_knows(session: aiohttp.ClientSession) -> None:
    text = await why(session, "https://api.invalid:6443/")  # RFC 6761 section 6.4
    assert text.startswith("api.invalid:6443: ")
    assert "object at 0x" not in text


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (TimeoutError(), "TimeoutError"),
        (aiohttp.ServerDisconnectedError(), "Server disconnected"),
        (ConnectionResetError(104, "Connection reset by peer"),
         "[Errno 104] Connection reset by peer"),
        (OSError("two\nlines"), "two lines"),
    ],
)  # fmt: skip
def test_anything_else_speaks_for_itself(error: Exception, text: str) -> None:
    assert unanswered(error) == text
