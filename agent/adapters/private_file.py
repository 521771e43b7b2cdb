"""A small file of the agent's own: whole or not at all, and for nobody else."""

import os
import stat
from contextlib import suppress
from pathlib import Path


def stored(path: Path, most: int) -> bytes | str:
    """Return what is in *path*, or a clause that says why it is of no use.

    That is: it has more than *most* octets, or others can read it.

    Raises:
        OSError: it is not there, or cannot be read.
    """
    opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        mode = os.fstat(opened).st_mode
        if not stat.S_ISREG(mode):
            return "what is there is no file"
        if mode & 0o077:
            return "the one there can be read by others"
        with open(opened, "rb", closefd=False) as file:
            found = file.read(most + 1)
    finally:
        os.close(opened)
    return found if len(found) <= most else "what is there is longer than any of ours"


def store(path: Path, content: bytes) -> None:
    """Put *content* in *path*; a crash leaves what was there before.

    Raises:
        OSError: it cannot be kept there.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_suffix(".new")
    with suppress(FileNotFoundError):
        beside.unlink()
    opened = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(opened, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(opened)
    beside.replace(path)
