"""What a gobgpd's parent learns from its log, and does about it.

It passes the log on, keeps sessions.json up to date, and makes routers that refuse us wait
for the next try. It never decides which sessions there are: that is the manager's.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import sys
import threading
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import grpc

from pointsman.gobgp_api import gobgp_pb2 as pb
from pointsman.runtime.os_errors import os_error_text
from pointsman.wire import session_reasons
from sidecars.gobgp import ask, journal, reasons, report
from sidecars.gobgp.backoff import Backoff
from sidecars.gobgp.sessions import Sessions, Turn

if TYPE_CHECKING:  # a name for mypy only
    from pointsman.gobgp_api.gobgp_pb2_grpc import GoBgpServiceAsyncStub

CHUNK: Final = 1 << 16
BACKLOG: Final = 4096  # lines that nobody reads; gobgpd must never wait for a reader
TICK_S: Final = 0.1
ANSWER_WITHIN_S: Final = 3.0
ASK_AGAIN_S: Final = 30.0  # whether anybody is at an address

log = logging.getLogger(__name__)


class Relay:
    """Passes lines on to a file that may block; those it cannot take are left out."""

    def __init__(self, out: FileIO) -> None:
        self._out = out
        self._lines: queue.Queue[bytes] = queue.Queue(BACKLOG)
        threading.Thread(target=self._pass_on, name="gobgpd's log", daemon=True).start()

    def __call__(self, line: bytes) -> None:
        with contextlib.suppress(queue.Full):
            self._lines.put_nowait(line)

    def _pass_on(self) -> None:
        while True:
            line = self._lines.get()
            with contextlib.suppress(OSError, ValueError):
                while line:
                    line = line[self._out.write(line) :]


@dataclass(slots=True)
class Watch:
    """One gobgpd, as its log shows it."""

    socket: Path
    stub: GoBgpServiceAsyncStub
    scale: float = 1.0  # of all waits, for tests
    _sessions: Sessions = field(default_factory=Sessions)
    _backoff: Backoff = field(init=False)
    _asked: dict[str, float] = field(default_factory=dict)
    _errands: set[asyncio.Task[None]] = field(default_factory=set)
    _written: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make what depends on the scale."""
        self._backoff = Backoff(self.scale)

    async def run(self, output: asyncio.StreamReader) -> None:
        """Read gobgpd's output to its end."""
        # Not its buffer: who ends while another thread holds its lock, since Python 3.13 aborts.
        relay = Relay(FileIO(sys.stdout.fileno(), "wb", closefd=False))
        try:
            async with asyncio.TaskGroup() as tasks:
                ticking = tasks.create_task(self._tick(), name="session reasons")
                async for raw in lines(output):
                    if not journal.is_detail(raw):
                        relay(raw)
                    line = journal.read(raw)
                    if line is not None:
                        self._hear(line)
                ticking.cancel()
        finally:
            for task in self._errands:
                task.cancel()
            await asyncio.gather(*self._errands, return_exceptions=True)

    def _hear(self, line: journal.Line) -> None:
        now, neighbor = asyncio.get_running_loop().time(), line.neighbor
        turn = self._sessions.hear(line, now)
        if turn is None:
            return
        if turn in (Turn.CHANGED, Turn.GONE, Turn.UP):
            self._asked.pop(neighbor, None)
        if turn is Turn.SWITCHED_OFF and not self._backoff.is_off(neighbor):
            self._sessions.forget(neighbor)
        if self._backoff.hear(neighbor, turn, now):
            self._send(self._switch_off(neighbor))
        if turn is Turn.REFUSED_WITHOUT_REASON:
            self._send(self._ask_why(neighbor))
        elif turn is Turn.TIMED_OUT and now - self._asked.get(neighbor, -ASK_AGAIN_S) >= (
            ASK_AGAIN_S * self.scale
        ):
            self._asked[neighbor] = now
            self._send(self._ask_whether_there(neighbor))

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            now = asyncio.get_running_loop().time()
            self._sessions.tick(now)
            for neighbor in self._backoff.due(now):
                self._send(self._switch_on(neighbor))
            found = dict(self._sessions.reasons())
            if found != self._written:
                try:
                    report.write(self.socket, found)
                except OSError as why:
                    log.warning("why sessions are down cannot be told: %s", os_error_text(why))
                self._written = found

    async def _switch_off(self, neighbor: str) -> None:
        await self.stub.DisablePeer(
            pb.DisablePeerRequest(address=neighbor), timeout=ANSWER_WITHIN_S
        )

    async def _switch_on(self, neighbor: str) -> None:
        request = pb.EnablePeerRequest(address=neighbor)
        try:
            await self.stub.EnablePeer(request, timeout=ANSWER_WITHIN_S)
        except grpc.aio.AioRpcError:  # or nobody would ever: its session is not lost, it is off
            self._backoff.still_off(neighbor, asyncio.get_running_loop().time())
            raise

    async def _ask_why(self, neighbor: str) -> None:
        peer = await self._configured(neighbor)
        running = await self.stub.GetBgp(pb.GetBgpRequest(), timeout=ANSWER_WITHIN_S)
        ours: pb.Global = getattr(running, "global")
        if peer is None or self._sessions.is_up(neighbor):
            return
        found = await ask.refusal(peer, asn=ours.asn, router_id=ours.router_id)
        if found is not None:
            clause = reasons.notification(found.code, found.subcode, sent=False)
            self._sessions.blame_notification(neighbor, clause)

    async def _ask_whether_there(self, neighbor: str) -> None:
        try:
            there = await ask.answers(neighbor)
            clause = session_reasons.GUARDED if there else reasons.TIMED_OUT
        except OSError as why:
            clause = reasons.connecting(f"connect: {os_error_text(why).lower()}")
        self._sessions.blame(neighbor, clause)

    async def _configured(self, neighbor: str) -> pb.Peer | None:
        request = pb.ListPeerRequest(address=neighbor)
        async for reply in self.stub.ListPeer(request, timeout=ANSWER_WITHIN_S):
            return reply.peer
        return None

    def _send(self, errand: Coroutine[Any, Any, None]) -> None:
        async def run() -> None:
            try:
                await errand
            except grpc.aio.AioRpcError as error:  # the neighbor went, or the daemon
                log.debug("an errand ended: %s", error.details())

        task = asyncio.create_task(run())
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)


async def lines(output: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """Yield whole lines, however long: gobgpd would stop where nobody reads."""
    rest = b""
    while chunk := await output.read(CHUNK):
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line + b"\n"
    if rest:
        yield rest
