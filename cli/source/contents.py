"""What paths hold, as bytes: files, folders, archives of `support-dump`, standard input.

It refuses to know what the bytes mean.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NoReturn

from cli.source import archive
from pointsman.runtime.errors import Misuse

SUFFIXES: Final = (".json", ".yaml", ".yml")
STDIN: Final = "-"


def read(path: str) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of what *path* holds, the files of a folder in order.

    Raises:
        Misuse: a path that cannot be read at all.
    """
    if path == STDIN:
        yield "standard input", sys.stdin.buffer.read()
        return
    if not path:  # a shell's variable that isn't set: not the folder we are in
        raise Misuse("'' is no path: name a file, a folder, or - for standard input.")
    given = Path(path)
    if archive.is_archive(given):
        yield from archive.contents(given)
        return
    if not os.path.isdir(path):
        yield path, _content(given)
        return
    found = _found(given)
    if not found:
        raise Misuse(f"The folder {path} holds no file that ends in {', '.join(SUFFIXES)}.")
    for file in found:
        yield str(file), _content(file)


def _found(folder: Path) -> list[Path]:
    """Return what to read in *folder*; what is hidden is left out, what is closed to us not."""

    def complain(error: OSError) -> NoReturn:
        raise Misuse(f"{error.filename} cannot be read: {error.strerror}.") from error

    found: list[Path] = []
    for where, folders, names in os.walk(folder, onerror=complain):
        folders[:] = [name for name in folders if not name.startswith(".")]
        files = [Path(where, name) for name in names if not name.startswith(".")]
        found += [file for file in files if file.suffix in SUFFIXES and not _is_special(file)]
    return sorted(found)


def _is_special(file: Path) -> bool:
    """Whether *file* is there, and is no file: a pipe, say."""
    return os.path.exists(file) and not os.path.isfile(file)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Misuse(f"{path} cannot be read: {error.strerror}.") from error
