"""The programs that the tools run, and how a tool ends: nothing of them is left, however it does.

Ctrl-C reaches a program as well as the tool that runs it, so it is given time to clear up after
itself, and what it says of being interrupted is nobody's news.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NoReturn

from pointsman.runtime.errors import Failed

INTERRUPTED = 130  # as a shell says it: 128 + SIGINT
PATIENCE_S = 10.0  # for what was interrupted


def spoken(tool: str, work: Callable[[], int], *, interrupted: str = "interrupted") -> int:
    """Return the exit status of *work*; why it ended early is one sentence of *tool*."""
    signal.signal(signal.SIGTERM, _end)
    try:
        return work()
    except Failed as why:
        print(f"{tool}: {why}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"{tool}: {interrupted}", file=sys.stderr)
        return INTERRUPTED


def _end(number: int, _: object) -> NoReturn:
    sys.exit(128 + number)


def run(command: Sequence[str | Path], *, shown: bool = False, **env: str) -> None:
    """Run *command*; its complaints come when it has ended, or at once where they are *shown*.

    What is *shown* ends when it likes: apt leaves no package half installed.

    Raises:
        Failed: it failed; the sentence names it.
    """
    with tempfile.TemporaryFile("w+") as complaints:
        errors = None if shown else complaints
        patience_s = None if shown else PATIENCE_S
        with running(command, patience_s=patience_s, stderr=errors, env=env) as child:
            status = child.wait()
        complaints.seek(0)
        sys.stderr.write(complaints.read())
    if status != 0:
        line = " ".join(map(str, command))
        raise Failed(f"`{line}` failed with exit status {status}; its output is above.")


@contextlib.contextmanager
def running(
    command: Sequence[str | Path],
    *,
    patience_s: float | None = PATIENCE_S,
    stdout: int | None = None,
    stderr: int | IO[Any] | None = None,
    env: Mapping[str, str],
) -> Iterator[subprocess.Popen[str]]:
    """Hold a child that runs *command*: it has ended afterwards, whatever happened meanwhile."""
    child = subprocess.Popen(
        [str(word) for word in command],
        env={**os.environ, **env},
        stdout=stdout,
        stderr=stderr,
        text=True,
    )
    try:
        yield child
    except KeyboardInterrupt:
        _wait(child, patience_s)  # it was interrupted, too
        raise
    finally:
        if child.poll() is None:
            child.terminate()
            _wait(child, patience_s)
        if child.poll() is None:
            child.kill()
            child.wait()
        if child.stdout:
            child.stdout.close()


def _wait(child: subprocess.Popen[str], patience_s: float | None) -> None:
    """Wait for *child* to end by itself, or to be interrupted once more."""
    if child.stdout:  # who writes into a full pipe never ends
        child.stdout.close()
    with contextlib.suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
        child.wait(patience_s)
