"""gobgpd's parent and nothing else: it starts one, ends it well, and never outlives it.

It refuses to restart gobgpd: whoever runs this (a container runtime, the lab) does that,
because a new process is the only cure for a stopped one (StopBgp is terminal, measured), and
for one that hangs.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import logging
import os
import signal
from asyncio.subprocess import Process
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import grpc

from pointsman.gobgp_api.gobgp_pb2_grpc import GoBgpServiceStub
from sidecars.gobgp import report
from sidecars.gobgp.farewell import farewell
from sidecars.gobgp.hung import PROBE_S, useless
from sidecars.gobgp.watch import Watch

if TYPE_CHECKING:  # a name for mypy only
    from pointsman.gobgp_api.gobgp_pb2_grpc import GoBgpServiceAsyncStub

PR_SET_PDEATHSIG = 1  # prctl(2)

log = logging.getLogger(__name__)


async def run(gobgpd: str, socket: Path, *, probe_s: float = PROBE_S, scale: float = 1.0) -> int:
    """Run gobgpd on *socket* until one of us is told to go; return the exit status.

    *probe_s*: for how long it may owe an answer, three times over. *scale*: of the waits
    before a router that refuses us is asked again.

    0 after SIGTERM or SIGINT; otherwise gobgpd ended by itself: its own status, 128 + N
    when a signal N ended it, as a shell says it.
    """
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked.set)
    # Before the first channel exists: gRPC and fork() don't mix.
    child = await spawn(gobgpd, socket)
    log.info("gobgpd runs as pid %d and serves %s", child.pid, socket)
    async with grpc.aio.insecure_channel(f"unix:{socket}") as channel:
        stub: GoBgpServiceAsyncStub = GoBgpServiceStub(channel)
        ended = asyncio.create_task(child.wait())
        endings = {
            ended,
            asyncio.create_task(asked.wait()),
            asyncio.create_task(useless(stub, child.pid, probe_s=probe_s)),
        }
        assert child.stdout is not None, "it is a pipe"
        watching = asyncio.create_task(Watch(socket, stub, scale).run(child.stdout))
        await asyncio.wait({*endings, watching}, return_when=asyncio.FIRST_COMPLETED)
        if watching.done() and not watching.exception():  # its output ended: it does so, too
            await asyncio.wait(endings, return_when=asyncio.FIRST_COMPLETED)
        if not ended.done():
            if asked.is_set():
                await farewell(stub)
            with contextlib.suppress(ProcessLookupError):
                child.kill()  # not SIGTERM: that sends a Cease, and helpers drop our routes
        status = await ended
        for task in (*endings, watching):
            task.cancel()
        outcomes = await asyncio.gather(*endings, watching, return_exceptions=True)
    report.remove(socket)
    socket.unlink(missing_ok=True)
    for one in outcomes:
        if isinstance(one, Exception):  # a bug of ours: whoever runs this reads it, and starts anew
            raise one
    if asked.is_set():
        return 0
    log.error("gobgpd ended with status %d", status)
    return status if status >= 0 else 128 - status


async def spawn(gobgpd: str, socket: Path) -> Process:
    """Start gobgpd so that nothing of it listens on TCP and it dies with this process."""
    return await asyncio.create_subprocess_exec(
        gobgpd,
        f"--api-hosts=unix://{socket}",
        "--pprof-disable",
        "--metrics-path=",  # with pprof off this closes localhost:6060
        "--log-level=debug",  # connection errors are nowhere else; a table costs 2 % more
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,  # a terminal's Ctrl-C is for us: gobgpd would send a Cease
        preexec_fn=_dies_with(os.getpid()),
    )


def _dies_with(parent: int) -> Callable[[], None]:
    libc = ctypes.CDLL(None, use_errno=True)

    def before_exec() -> None:
        os.umask(0o077)  # the API socket's mode follows it
        if libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
        if os.getppid() != parent:  # it died before the line above
            os._exit(1)

    return before_exec
