"""Keeping one program alive: start, log, restart, hold down, kill with all its children.

A program that dies is started again half a second later, unless somebody holds
it. Holds are counted by reason, so that a failed node and a failed agent on it
heal apart.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lab.errors import Broken
from lab.parts import CHECKOUT
from lab.supervision.programs import Program, environment

BACKOFF_S = 0.5
HOPELESS = 3  # deaths before a lab that is being built gives up
POLL_S = 0.02

LISTEN = "0A"  # TCP_LISTEN in include/net/tcp_states.h
CAPABILITY_NAMES = {  # linux/capability.h
    1: "dac_override",
    6: "setgid",
    7: "setuid",
    10: "net_bind_service",
    12: "net_admin",
    13: "net_raw",
    21: "sys_admin",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """How one program fares: what `lab status` shows."""

    name: str
    machine: str
    state: str  # running, failed (held on purpose), restarting, exited
    pid: int | None
    uid: int | None
    capabilities: str  # "none", "all", or names
    restarts: int

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


class Keeper:
    """Keeps *program* of *lab* running, its output in *logs*."""

    def __init__(self, program: Program, lab: str, logs: Path) -> None:
        self.program, self.restarts = program, 0
        self._lab, self._log = lab, logs / program.log_name
        self._holds: set[str] = set()
        self._free = asyncio.Event()
        self._free.set()
        self._pid: int | None = None
        self._over = False

    @property
    def running(self) -> bool:
        return self._pid is not None

    async def run(self) -> None:
        """Never returns while the program may be restarted; killed children and all at the end."""
        try:
            while True:
                await self._free.wait()
                await self._live_once()
                if not self.program.restart:
                    self._over = True
                    return
                if self._free.is_set():
                    self.restarts += 1
                    await asyncio.sleep(BACKOFF_S)
        finally:
            self.kill(signal.SIGKILL)

    async def _live_once(self) -> None:
        if self.program.ready:
            self.program.ready.unlink(missing_ok=True)  # true of the next one only
        with self._log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *self.program.argv(self._lab),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=CHECKOUT,
                env=environment(self.program.environment),
                start_new_session=True,  # Ctrl-C is for the lab, not for its parts
            )
        self._pid = process.pid
        try:
            code = await process.wait()
        finally:
            self.kill(signal.SIGKILL)  # what a dead parent left behind
            self._pid = None
        with self._log.open("a") as log:
            log.write(f"--- {self.program.name} ended with status {code}\n")

    async def hold(self, reason: str) -> None:
        """Kill the program as a crash would, and keep it down for *reason*."""
        self.strike(reason)
        while self.running:
            await asyncio.sleep(POLL_S)

    def strike(self, reason: str) -> None:
        """Kill the program and keep it down for *reason*, without waiting for its end."""
        self._holds.add(reason)
        self._free.clear()
        self.kill(signal.SIGKILL)

    def release(self, reason: str) -> None:
        self._holds.discard(reason)
        if not self._holds:
            self._free.set()

    def kill(self, number: signal.Signals) -> None:
        """Send a signal; SIGKILL takes the children too, which would else live on."""
        if self._pid is None:
            return
        family = [self._pid, *descendants(self._pid)] if number == signal.SIGKILL else [self._pid]
        for pid in family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    async def ready(self, patience_s: float) -> None:
        """Return once the program can be used.

        Raises:
            Broken: it can't be in time; the end of its log says why.
        """
        try:
            async with asyncio.timeout(patience_s):
                while not self._is_ready():
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            raise Broken(
                f"{self.program.name} is not ready after {patience_s:g} s. Its log ends:\n"
                f"{self.tail()}"
            ) from None

    def _is_ready(self) -> bool:
        if self._over or self.restarts >= HOPELESS:
            raise Broken(f"{self.program.name} does not stay up. Its log ends:\n{self.tail()}")
        if self._pid is None or (self.program.listens and not listens(self._pid)):
            return False
        return self.program.ready is None or self.program.ready.exists()

    def tail(self, lines: int = 15) -> str:
        with contextlib.suppress(FileNotFoundError):
            return "\n".join(self._log.read_text(errors="replace").splitlines()[-lines:])
        return "(empty)"

    def standing(self) -> Standing:
        status = process_status(self._pid) if self._pid else {}
        state = "running" if self._pid else "failed" if self._holds else "restarting"
        uid = status.get("Uid", "").split()
        return Standing(
            self.program.name,
            self.program.machine or "host",
            "exited" if self._over else state,
            self._pid,
            int(uid[1]) if uid else None,
            capability_words(int(status["CapPrm"], 16)) if "CapPrm" in status else "",
            self.restarts,
        )


def process_status(pid: int) -> Mapping[str, str]:
    """Return the fields of /proc/PID/status, nothing if it is gone (proc(5))."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return {}
    return dict(re.findall(r"^(\w+):\s*(.*)$", text, re.M))


def listens(pid: int) -> bool:
    """Return whether a process listens on a TCP port of its own network namespace (proc(5))."""
    proc, held = Path(f"/proc/{pid}"), set[str]()
    try:
        for file in os.listdir(proc / "fd"):
            with contextlib.suppress(FileNotFoundError):  # it was closed meanwhile
                held.add(os.readlink(proc / "fd" / file))
        tables = [(proc / "net" / name).read_text() for name in ("tcp", "tcp6")]
    except OSError:  # it is gone
        return False
    rows = (line.split() for table in tables for line in table.splitlines()[1:])
    return any(row[3] == LISTEN and f"socket:[{row[9]}]" in held for row in rows)


def capability_words(mask: int) -> str:
    """Return a capability mask in words: "none", "all", or the names."""
    if mask == 0:
        return "none"
    if mask.bit_count() > 30:
        return "all"
    bits = [bit for bit in range(64) if mask >> bit & 1]
    return ",".join(CAPABILITY_NAMES.get(bit, f"cap_{bit}") for bit in bits)


def descendants(pid: int) -> list[int]:
    """Return the children of *pid*, and theirs, as far as they live."""
    children: dict[int, list[int]] = defaultdict(list)
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                stat = Path(f"/proc/{entry}/stat").read_text()
                parent = int(stat.rpartition(")")[2].split()[1])  # the name may hold blanks
                children[parent].append(int(entry))
    found, left = [], [pid]
    while left:
        born = children[left.pop()]
        found += born
        left += born
    return found
