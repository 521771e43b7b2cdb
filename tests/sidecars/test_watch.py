"""What the parent does about its daemon's log: errands that a busy daemon fails are done again."""

import asyncio
from pathlib import Path
from typing import Any

import grpc
import pytest

from sidecars.gobgp import parent
from sidecars.gobgp.watch import Watch
from tests.sidecars.test_sessions import raw

SCALE = 0.01  # of all waits


class Busy:
    """A gobgpd's API that owes so many answers before it does what it is asked."""

    def __init__(self, owes: int) -> None:
        self._owes, self.off, self.on = owes, asyncio.Event(), asyncio.Event()

    async def DisablePeer(self, request: Any, *, timeout: float) -> None:  # noqa: N802 - its name
        self.off.set()

    async def EnablePeer(self, request: Any, *, timeout: float) -> None:  # noqa: N802 - its name
        self._owes -= 1
        if self._owes >= 0:
            nothing = grpc.aio.Metadata()
            raise grpc.aio.AioRpcError(grpc.StatusCode.DEADLINE_EXCEEDED, nothing, nothing, "late")
        self.on.set()


@pytest.mark.parametrize("owes", [0, 3])
async def test_a_neighbor_that_was_switched_off_comes_on_again_whatever_that_takes(
    owes: int, tmp_path: Path
) -> None:
    stub, output = Busy(owes), asyncio.StreamReader()
    watch = Watch(tmp_path / "gobgp.sock", stub, SCALE)  # type: ignore[arg-type]
    watching = asyncio.create_task(watch.run(output))
    output.feed_data(raw("received notification", Code=6, Subcode=5))
    async with asyncio.timeout(30):
        await stub.off.wait()
        await stub.on.wait()
    output.feed_eof()
    await watching


async def test_a_bug_of_ours_ends_the_daemon_and_is_told(tmp_path: Path) -> None:
    """Nobody would read its log any more: it would stand still as soon as the pipe is full."""
    gobgpd, line = tmp_path / "gobgpd", raw("received notification", Code=6, Subcode=5).decode()
    gobgpd.write_text(f"#!/bin/sh\necho '{line.strip()}'\nexec sleep 600\n")
    gobgpd.chmod(0o700)
    no_number: Any = "x"
    async with asyncio.timeout(30):
        with pytest.raises(ExceptionGroup, match="unhandled errors"):
            await parent.run(str(gobgpd), tmp_path / "gobgp.sock", scale=no_number)
