"""A module that runs as a program in the router's namespace, and prints what it sees there.

Its first line says that it listens (`LISTENING`): whoever waits for that misses nothing.
"""

import subprocess
import sys
from types import TracebackType
from typing import Final, Self

from lab.handle import Lab

LISTENING: Final = "listening"


class RouterProgram:
    """A context in which *module* runs there; its further lines are in `lines`."""

    def __init__(self, lab: Lab, module: str, *words: str) -> None:
        self._command = lab.command("router", [sys.executable, "-m", module, *words])

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.lines = self._process.stdout
        assert self.lines.readline() == f"{LISTENING}\n"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        self._ended()
        self.lines.close()

    def _ended(self) -> None:
        """Do what is to be done between the program's end and that of its lines."""
