"""Which errors of gRPC heal with time."""

import errno
import os
import socket
from pathlib import Path

import grpc
import pytest

from manager.adapters.gobgp.rpc import asked_to, channel_to, own_as
from pointsman.runtime.target import Unavailable

Code = grpc.StatusCode


def fail(code: grpc.StatusCode, words: str) -> None:
    nothing = grpc.aio.Metadata()
    with asked_to("advertise 3 paths"):
        raise grpc.aio.AioRpcError(code, nothing, nothing, words)


@pytest.mark.parametrize(
    ("code", "words", "shown"),
    [
        pytest.param(
            Code.UNAVAILABLE,
            "failed to connect to all addresses; last error: X: unix:/s: Connection refused",
            "Connection refused",
            id="away",
        ),
        pytest.param(Code.UNAVAILABLE, "Socket closed", "Socket closed", id="its own words"),
        pytest.param(Code.DEADLINE_EXCEEDED, "Deadline Exceeded", "no answer in time", id="frozen"),
        pytest.param(
            Code.INTERNAL, "Internal error from Core", "Internal error from Core", id="gone midway"
        ),
        pytest.param(Code.UNKNOWN, "server stopped", "server stopped", id="a zombie"),
    ],
)
def test_a_daemon_that_is_away_is_unavailable(
    code: grpc.StatusCode, words: str, shown: str
) -> None:
    with pytest.raises(Unavailable) as away:
        fail(code, words)
    assert str(away.value) == f"GoBGP did not advertise 3 paths: {shown}"


async def test_a_socket_that_is_not_there_or_that_nobody_reads_is_named_by_the_kernel(
    tmp_path: Path,
) -> None:
    """By the real library, whatever its version says around it."""
    nobody, gone = tmp_path / "nobody", tmp_path / "gone"
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(nobody))
    for place, number in ((nobody, errno.ECONNREFUSED), (gone, errno.ENOENT)):
        async with channel_to(place) as stub:
            with pytest.raises(Unavailable) as away:
                await own_as(stub)
        assert str(away.value) == f"GoBGP did not say who it is: {os.strerror(number)}"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        pytest.param(Code.INTERNAL, "cannot marshal", id="what it makes of it is a bug"),
        pytest.param(Code.INVALID_ARGUMENT, "no such family", id="our own mistake"),
    ],
)
def test_a_daemon_wrongly_asked_is_a_bug(code: grpc.StatusCode, words: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError, match=words):
        fail(code, words)
