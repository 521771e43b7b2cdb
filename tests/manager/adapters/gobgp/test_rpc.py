"""Which errors of gRPC heal with time."""

import grpc
import pytest

from manager.adapters.gobgp.rpc import asked_to
from pointsman.runtime.target import Unavailable

Code = grpc.StatusCode


def fail(code: grpc.StatusCode, words: str) -> None:
    nothing = grpc.aio.Metadata()
    with asked_to("advertise 3 paths"):
        raise grpc.aio.AioRpcError(code, nothing, nothing, words)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        pytest.param(Code.UNAVAILABLE, "connection refused", id="away"),
        pytest.param(Code.DEADLINE_EXCEEDED, "Deadline Exceeded", id="frozen"),
        pytest.param(Code.INTERNAL, "Internal error from Core", id="gone while we sent"),
        pytest.param(Code.UNKNOWN, "server stopped", id="a zombie"),
    ],
)
def test_a_daemon_that_is_away_is_unavailable(code: grpc.StatusCode, words: str) -> None:
    with pytest.raises(Unavailable, match=f"did not advertise 3 paths: {words}"):
        fail(code, words)


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
