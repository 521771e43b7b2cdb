"""A request without an answer: the words say where it went and why, and name no object of ours."""

import asyncio
import errno
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


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("ftp://user:s3cret@sso.example.com/?s3cret", "it redirects to ftp://…@sso.example.com/?…"),
        ("mailto:user:s3cret@example.com", "it redirects to mailto:…"),
        ("http://user:s3cret@x\x1b[2J:99999/", "it redirects to http://… - Server attempted"),
        ("//[s3cret", "it redirects to //… - Server attempted"),
        ("/again?s3cret", "it redirects without end"),
    ],
)
async def test_a_redirect_that_cannot_be_followed_shows_no_secret(
    location: str, words: str, session: aiohttp.ClientSession
) -> None:
    async def redirect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = (
            f"HTTP/1.1 302 Found\r\nConnection: close\r\nContent-Length: 0\r\nLocation: {location}"
        )
        writer.write(f"{head}\r\n\r\n".encode())
        writer.close()

    server = await asyncio.start_server(redirect, "127.0.0.1", 0)
    text = await why(session, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
    server.close()
    assert text.startswith(words)
    assert "s3cret" not in text


async def test_a_server_that_speaks_no_tls(session: aiohttp.ClientSession) -> None:
    """OpenSSL's number is none of the kernel's: 1 is not "Operation not permitted"."""

    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(plain, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    text = await why(session, f"https://127.0.0.1:{port}/")
    server.close()
    assert text == (
        f"127.0.0.1:{port}: no TLS comes about: the answer is none; does the URL begin with http?"
    )


async def test_a_name_that_nobody_knows(session: aiohttp.ClientSession) -> None:
    text = await why(session, "https://api.invalid:6443/")  # RFC 6761 section 6.4
    assert text.startswith("api.invalid:6443: ")
    assert "object at 0x" not in text


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (TimeoutError(), "no answer in time"),
        (aiohttp.ServerDisconnectedError(), "Server disconnected"),
        (ConnectionResetError(errno.ECONNRESET, "asyncio's own sentence"),
         "Connection reset by peer"),
        (OSError("two\nlines"), "two lines"),
    ],
)  # fmt: skip
def test_anything_else_speaks_for_itself(error: Exception, text: str) -> None:
    assert unanswered(error) == text
