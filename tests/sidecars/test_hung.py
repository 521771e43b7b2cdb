"""Hung, not busy: what answers nothing is replaced only if it uses no CPU either."""

import asyncio
import subprocess
import sys
from typing import Any

import grpc
import pytest

from sidecars.gobgp import hung

PROBE_S = 0.3


class Silent:
    """A gobgpd's API that owes every answer, or refuses the connection at once."""

    def __init__(self, *, at_once: bool = False) -> None:
        self.asked, self._at_once = 0, at_once

    async def GetBgp(self, _request: Any, *, timeout: float) -> Any:  # noqa: N802 - its name
        self.asked += 1
        if not self._at_once:
            await asyncio.sleep(timeout)
        nothing = grpc.aio.Metadata()
        raise grpc.aio.AioRpcError(grpc.StatusCode.DEADLINE_EXCEEDED, nothing, nothing, "late")


async def useless(program: str, stub: Silent) -> bool:
    """Return whether a process that runs *program* is called useless before the tenth probe."""
    words = [sys.executable, "-uc", f"print('started')\n{program}"]
    child = subprocess.Popen(words, stdout=subprocess.PIPE)  # noqa: ASYNC220 - it ends at once
    assert child.stdout is not None
    try:
        await asyncio.to_thread(child.stdout.readline)
        probing = hung.useless(stub, child.pid, probe_s=PROBE_S)  # type: ignore[arg-type]
        verdict = asyncio.create_task(probing)
        while stub.asked < 10 and not verdict.done():
            await asyncio.wait([verdict], timeout=PROBE_S / 10)
        found = verdict.done()
        verdict.cancel()
        return found
    finally:
        child.kill()
        child.stdout.close()
        child.wait()


@pytest.mark.parametrize("at_once", [False, True])
async def test_what_hangs_is_useless_after_three_probes(at_once: bool) -> None:
    stub = Silent(at_once=at_once)
    began = asyncio.get_running_loop().time()
    assert await useless("import time; time.sleep(600)", stub)
    assert stub.asked == hung.MISSES
    assert asyncio.get_running_loop().time() - began >= hung.MISSES * PROBE_S


async def test_what_is_busy_is_left_alone() -> None:
    assert not await useless("while True: pass", Silent())
