"""A speaker of our own in a bed, beside the product or instead of it."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import IO, Final

from e2e.bed import Bed, Broken
from lab.parts import CHECKOUT

# A test has no clock of its own: a router that neither speaks nor hangs up would be its end.
PATIENCE_S: Final = 180.0


class PlainSpeaker:
    """A session of `e2e.plain_speaker`."""

    def __init__(self, process: subprocess.Popen[str], *, patience_s: float = PATIENCE_S) -> None:
        self._process, self._patience_s = process, patience_s

    def say(self, *words: str) -> None:
        """Have it write *words* ("+PREFIX", "-PREFIX", "silence") to its router, all at once."""
        orders = _piped(self._process.stdin)
        orders.write(" ".join(words) + "\n")
        orders.flush()

    def heard(self) -> str:
        """Return what it prints next: the kind of a message, or "end"; "": it is gone.

        It is ended where nothing comes.
        """
        late = threading.Timer(self._patience_s, self._process.kill)
        late.start()
        try:
            return _piped(self._process.stdout).readline().strip()
        finally:
            late.cancel()

    def hears(self, kind: int | str) -> None:
        """Return when it heard a message of *kind*.

        Raises:
            Broken: its connection ended before, or nothing came.
        """
        while (found := self.heard()) != str(kind):
            if found in ("", "end"):
                raise Broken(f"the session ended, and no {kind} was heard")


@contextlib.contextmanager
def plain_speaker(lab: Bed, machine: str, *words: str) -> Iterator[PlainSpeaker]:
    """Run one on *machine* with the arguments *words*; it ends afterwards."""
    command = lab.command(machine, [sys.executable, "-m", "e2e.plain_speaker", *words])
    with subprocess.Popen(
        command,
        cwd=CHECKOUT,
        env=lab.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield PlainSpeaker(process)
        finally:
            process.kill()


def _piped(stream: IO[str] | None) -> IO[str]:
    if stream is None:
        raise Broken("it was started without pipes")
    return stream
