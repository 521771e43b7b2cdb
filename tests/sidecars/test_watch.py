"""What the parent does about its daemon's log: errands that a busy daemon fails are done again."""

import asyncio
from pathlib import Path
from typing import Any

import grpc
import pytest

from sidecars.gobgp.watch import Watch
from tests.sidecars.test_sessions import raw

SCALE = 0.01  # of all waits


class Busy:
    """A gobgpd's API that owes so many answers before it does what it is asked."""

    def __init__(self, owes: int) -> None:
        self._owes, self.on = owes, True

    async def DisablePeer(self, request: Any, *, timeout: float) -> None:  # noqa: N802 - its name
        self.on = False

    async def EnablePeer(self, request: Any, *, timeout: float) -> None:  # noqa: N802 - its name
        self._owes -= 1
        if self._owes >= 0:
            nothing = grpc.aio.Metadata()
            raise grpc.aio.AioRpcError(grpc.StatusCode.DEADLINE_EXCEEDED, nothing, nothing, "late")
        self.on = True


@pytest.mark.parametrize("owes", [0, 3])
async def test_a_neighbor_that_was_switched_off_comes_on_again_whatever_that_takes(
    owes: int, tmp_path: Path
) -> None:
    stub, output = Busy(owes), asyncio.StreamReader()
    watch = Watch(tmp_path / "gobgp.sock", stub, SCALE)  # type: ignore[arg-type]
    watching = asyncio.create_task(watch.run(output))
    output.feed_data(raw("received notification", Code=6, Subcode=5))
    async with asyncio.timeout(30):
        while stub.on:
            await asyncio.sleep(0.01)
        while not stub.on:
            await asyncio.sleep(0.01)
    output.feed_eof()
    await watching
