"""Whether gobgpd still answers, or should be replaced: it was stopped, or it hangs.

Hung is: three questions in a row unanswered, and not one tick of CPU used meanwhile. A busy
daemon uses CPU, and replacing it would cost every router its routes.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Final

import grpc

from pointsman.gobgp_api import gobgp_pb2 as pb

if TYPE_CHECKING:  # a name for mypy only
    from pointsman.gobgp_api.gobgp_pb2_grpc import GoBgpServiceAsyncStub

PROBE_S: Final = 5.0  # for each answer
MISSES: Final = 3
LOOK_EVERY_S: Final = 0.5
STOPPED: Final = "server stopped"  # gobgpd's words for: StopBgp was called, nothing works any more

log = logging.getLogger(__name__)


async def useless(stub: GoBgpServiceAsyncStub, pid: int, *, probe_s: float = PROBE_S) -> None:
    """Return once gobgpd will never speak BGP again, and say why in the log."""
    misses, before = 0, cpu_ticks(pid)
    while misses < MISSES:
        began = asyncio.get_running_loop().time()
        try:
            await stub.GetBgp(pb.GetBgpRequest(), timeout=probe_s)
        except grpc.aio.AioRpcError as error:
            if STOPPED in (error.details() or ""):
                log.info("gobgpd was stopped: replacing the process")
                return
            spent = asyncio.get_running_loop().time() - began
            await asyncio.sleep(max(probe_s - spent, 0))  # one that fails at once is no answer
            now = cpu_ticks(pid)
            misses, before = (misses + 1 if now == before else 0), now
        else:
            await asyncio.sleep(min(LOOK_EVERY_S, probe_s))
            misses, before = 0, cpu_ticks(pid)
    log.error(
        "gobgpd hangs (it answered nothing for %g s and used no CPU): replacing the process",
        MISSES * probe_s,
    )


def cpu_ticks(pid: int) -> int | None:
    """Return the CPU time that a process used, in clock ticks: utime and stime of proc(5)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])
    except (OSError, IndexError, ValueError):
        return None
