"""Talking to gobgpd: the channel, and which of its errors heal with time.

gobgpd answers nearly everything with UNKNOWN and a text (measured, 4.8), so its state is
read before it is changed, and only four texts are known here.
"""

from __future__ import annotations

import errno
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import grpc

from pointsman.gobgp_api import gobgp_pb2 as pb
from pointsman.gobgp_api.gobgp_pb2_grpc import GoBgpServiceStub
from pointsman.runtime.target import Unavailable

if TYPE_CHECKING:  # a name for mypy only
    from pointsman.gobgp_api.gobgp_pb2_grpc import GoBgpServiceAsyncStub

Stub: TypeAlias = "GoBgpServiceAsyncStub"

ANSWER_WITHIN_S = 5.0  # one small question
TABLE_WITHIN_S = 30.0  # a whole table; 100,000 paths take 1.1 s (measured)
PATHS_A_SECOND = 2000  # a slow machine; 49,000 are usual (measured)

HEALS_WITH_TIME = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,  # away, or being replaced
        grpc.StatusCode.DEADLINE_EXCEEDED,  # frozen
        grpc.StatusCode.CANCELLED,  # the connection went while we waited
    }
)
REPLACED_SOON = (
    "server stopped",  # a zombie after StopBgp: its parent replaces the process
    "hasn't started yet",  # replaced since we asked: it waits for StartBgp
    "BGP server is not running",  # StopBgp, sent twice
    "Internal error from Core",  # gRPC's own, INTERNAL: the connection went while we sent
)
# What a socket says behind which no daemon is, or no longer; gRPC tells it in the midst of its own.
NOT_THERE = (
    errno.ENOENT,
    errno.ECONNREFUSED,
    errno.ECONNRESET,
    errno.EPIPE,
    errno.EACCES,
    errno.ENOTDIR,
)
# Reconnect at once when the process is replaced; gRPC's own back-off grows to two minutes.
OPTIONS = (("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 1000))


@asynccontextmanager
async def channel_to(socket: Path) -> AsyncIterator[Stub]:
    """Yield gobgpd's API behind *socket*; it needn't be there yet."""
    async with grpc.aio.insecure_channel(f"unix:{socket}", options=OPTIONS) as channel:
        yield GoBgpServiceStub(channel)


def heals(error: grpc.aio.AioRpcError) -> bool:
    """Say whether the daemon is away or being replaced, rather than wrongly asked."""
    words = error.details() or ""
    return error.code() in HEALS_WITH_TIME or any(known in words for known in REPLACED_SOON)


@contextmanager
def asked_to(deed: str) -> Iterator[None]:
    """Turn what heals with time into Unavailable, in words; the rest is a bug and passes."""
    try:
        yield
    except grpc.aio.AioRpcError as error:
        if heals(error):
            raise Unavailable(f"GoBGP did not {deed}: {_reason(error)}") from error
        raise


def _reason(error: grpc.aio.AioRpcError) -> str:
    """Return the daemon's words, or the kernel's: gRPC's own differ from version to version."""
    if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
        return "no answer in time"
    details = error.details() or ""
    if error.code() is grpc.StatusCode.UNAVAILABLE:
        known = (os.strerror(number) for number in NOT_THERE)
        found = next((words for words in known if words.lower() in details.lower()), "")
        return found or details
    return details


def within_s(paths: int) -> float:
    """Return how long to wait for so many paths: a frozen daemon must not hold up the others."""
    return min(ANSWER_WITHIN_S + paths / PATHS_A_SECOND, TABLE_WITHIN_S)


async def own_as(stub: Stub) -> int:
    """Return the AS the daemon runs as.

    Raises:
        Unavailable: it doesn't run yet.
    """
    with asked_to("say who it is"):
        reply = await stub.GetBgp(pb.GetBgpRequest(), timeout=ANSWER_WITHIN_S)
    asn: int = getattr(reply, "global").asn
    if asn == 0:
        raise Unavailable("GoBGP is up but was not started: it has no AS yet.")
    return asn
