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


async def within(program: str, stub: Silent) -> bool:
    """Return whether a process that runs *program* is called useless within ten probes."""
    child = subprocess.Popen([sys.executable, "-c", program])  # noqa: ASYNC220 - it ends at once
    try:
        await asyncio.sleep(0.5)  # Python has started
        async with asyncio.timeout(10 * PROBE_S):
            await hung.useless(stub, child.pid, probe_s=PROBE_S)  # type: ignore[arg-type]
    except TimeoutError:
        return False
    finally:
        child.kill()
        child.wait()
    return True


@pytest.mark.parametrize("at_once", [False, True])
async def test_what_hangs_is_useless_after_three_probes(at_once: bool) -> None:
    stub = Silent(at_once=at_once)
    began = asyncio.get_running_loop().time()
    assert await within("import time; time.sleep(60)", stub)
    assert stub.asked == hung.MISSES
    assert asyncio.get_running_loop().time() - began >= hung.MISSES * PROBE_S


async def test_what_is_busy_is_left_alone() -> None:
    assert not await within("while True: pass", Silent())
