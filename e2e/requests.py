"""Requests of a client, so many at once: `python -m e2e.requests OUT WORKERS ADDRESS`.

Each is a TCP connection of its own, asked and answered. A line of OUT for each: when it began
(CLOCK_MONOTONIC), and after how many seconds the answer came, or null and why it did not. It ends
when it is terminated, each request that was begun being answered or not.
"""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from e2e.bed import Bed
from e2e.chaos.traffic import tcp

PATIENCE_S = 10.0  # a busy machine is late; the network of a lab is not
REST_S = 0.01  # of one worker, so that programs under test have the machine, too


@dataclass(frozen=True, slots=True)
class Request:
    """One of them, as it was told."""

    began_s: float
    took_s: float | None
    error: str


async def work(out: IO[str], address: str, stopping: asyncio.Event) -> None:
    while not stopping.is_set():
        began_s, took_s, error = time.monotonic(), None, ""
        try:
            async with asyncio.timeout(PATIENCE_S):
                await tcp(address)
            took_s = time.monotonic() - began_s
        except OSError as failure:  # TimeoutError is one
            error = repr(failure)
        out.write(json.dumps([began_s, took_s, error]) + "\n")
        await asyncio.sleep(REST_S)


async def send(out: IO[str], workers: int, address: str) -> None:
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    async with asyncio.TaskGroup() as group:
        for _ in range(workers):
            group.create_task(work(out, address, stopping))


class Requests:
    """Those that were told so far, in *file*."""

    def __init__(self, file: Path) -> None:
        self._file = file

    @property
    def count(self) -> int:
        with self._file.open("rb") as lines:
            return sum(1 for _ in lines)

    def all(self) -> list[Request]:
        with self._file.open() as lines:
            return [Request(*json.loads(line)) for line in lines if line.endswith("\n")]

    def failed(self) -> list[Request]:
        return [one for one in self.all() if one.took_s is None]


@contextmanager
def requested(lab: Bed, address: str, *, workers: int, file: Path) -> Iterator[Requests]:
    """Have the lab's client ask *address* meanwhile; all are told when the context is left."""
    words = [sys.executable, "-m", "e2e.requests", str(file), str(workers), address]
    process = subprocess.Popen(lab.command("client", words), env=lab.environment())
    found = Requests(file)
    try:
        lab.wait("requests", lambda: file.exists() and found.count > workers)
        yield found
    finally:
        process.terminate()
        process.wait()


def main() -> None:
    file, workers, address = sys.argv[1:]
    with open(file, "w", buffering=1) as out:
        asyncio.run(send(out, int(workers), address))


if __name__ == "__main__":
    main()
