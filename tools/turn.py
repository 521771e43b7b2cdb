"""Who works below `build/`: one at a time, and whoever waits is told so."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from pointsman.runtime.errors import Failed


@contextlib.contextmanager
def turn(folder: Path, tool: str) -> Iterator[None]:
    """Hold the only *tool* that works in *folder*, which is made.

    Raises:
        Failed: the folder is somebody else's.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("w")
    except OSError as error:
        raise Failed(
            f"{error.filename} can't be written: {error.strerror}. "
            "Run this as the user who made this tree, or clone one of your own."
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"{tool}: another one runs in this tree; waiting for its end", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
