"""What the machine refused, in the kernel's words, whatever a library said in its place.

The real libraries of the Python that runs, on 3.11 and 3.13 alike.
"""

import asyncio
import errno
import os
import socket
from collections.abc import Awaitable, Callable

import aiohappyeyeballs
import aiohttp
import pytest

from pointsman.runtime.os_errors import os_error_text
from pointsman.runtime.unanswered import unanswered

AWAY = "192.0.2.1"  # RFC 5737: nobody's address, so not this machine's either
REFUSED = os.strerror(errno.ECONNREFUSED)


@pytest.fixture
def port() -> int:
    """A port where nobody listens, in either family."""
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as sock:
        return int(sock.getsockname()[1])


async def open_stream(port: int) -> None:
    await asyncio.open_connection("127.0.0.1", port)


async def connect_a_socket(port: int) -> None:
    with socket.socket() as sock:
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))


async def connect_by_a_pool(port: int) -> None:
    """As aiohttp does, with a name that has two addresses."""
    both = [
        (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", port, 0, 0)),
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)),
    ]
    await aiohappyeyeballs.start_connection(both)


@pytest.mark.parametrize("connect", [open_stream, connect_a_socket, connect_by_a_pool])
async def test_a_refused_connection_is_refused_whoever_dialled(
    connect: Callable[[int], Awaitable[None]], port: int
) -> None:
    with pytest.raises(OSError) as refused:
        await connect(port)
    assert os_error_text(refused.value) == REFUSED


async def test_an_address_that_is_not_ours_has_its_reason() -> None:
    with pytest.raises(OSError) as refused, socket.socket() as sock:
        sock.bind((AWAY, 0))
    assert os_error_text(refused.value) == os.strerror(errno.EADDRNOTAVAIL)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        pytest.param(OSError(errno.EACCES, "own words"), os.strerror(errno.EACCES), id="a number"),
        pytest.param(
            FileNotFoundError(errno.ENOENT, "x", "/a"), os.strerror(errno.ENOENT), id="a file"
        ),
        pytest.param(
            OSError("Multiple exceptions: [Errno 111] Connect call failed ('::1', 1, 0, 0), "
                    "[Errno 101] Connect call failed ('127.0.0.1', 1)"),
            f"{REFUSED}, {os.strerror(errno.ENETUNREACH)}", id="several addresses, several reasons",
        ),
        pytest.param(
            OSError("[Errno 111] one, [Errno 111] other"), REFUSED, id="the same reason twice"
        ),
        pytest.param(socket.gaierror(-2, "Name unknown"), "Name unknown", id="no such name"),
        pytest.param(TimeoutError(), "no answer in time", id="too late"),
        pytest.param(TimeoutError("timed out"), "timed out", id="too late, in words"),
        pytest.param(OSError("a\nb"), "a b", id="words alone"),
        pytest.param(OSError(), "OSError", id="nothing"),
    ],
)  # fmt: skip
def test_what_a_library_says_of_it(error: OSError, text: str) -> None:
    assert os_error_text(error) == text


async def test_a_server_with_two_addresses_that_refuse_for_two_reasons(port: int) -> None:
    """The whole way: what aiohttp raises becomes the end of a sentence."""

    class Both(aiohttp.abc.AbstractResolver):
        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
        ) -> list[aiohttp.abc.ResolveResult]:
            return [
                aiohttp.abc.ResolveResult(
                    hostname=host, host=address, port=port, family=kind, proto=6, flags=0
                )
                for kind, address in (
                    (socket.AF_INET6, "::1"),
                    (socket.AF_INET, "255.255.255.255"),  # RFC 919: no stream goes there
                )
            ]

        async def close(self) -> None:
            pass

    connector = aiohttp.TCPConnector(resolver=Both())
    async with aiohttp.ClientSession(connector=connector) as session:
        with pytest.raises(aiohttp.ClientError) as away:
            await session.get(f"http://api.example:{port}/")
    text = unanswered(away.value)
    assert text.startswith(f"api.example:{port}: {REFUSED}, ")
    assert "Errno" not in text
    assert "Multiple" not in text
