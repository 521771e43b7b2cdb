"""Files that somebody replaces while we run: tokens, CAs, certificates. Seen by their stamps.

A kubelet replaces a mounted file by moving a link; others write it anew. Refuses to watch:
whoever needs the content asks before each use, which costs microseconds.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")
Stamps = tuple[tuple[int, int, int] | None, ...]


def stamps(files: Iterable[Path]) -> Stamps:
    """Return what changes when one of *files* does; None for one that can't be seen."""
    found: list[tuple[int, int, int] | None] = []
    for file in files:
        try:
            status = file.stat()
        except (OSError, ValueError):  # ValueError: a name with a null byte
            found.append(None)
        else:
            found.append((status.st_mtime_ns, status.st_ino, status.st_size))
    return tuple(found)


class Rotating(Generic[T]):
    """What *make* makes of *files*, made anew when one of them changes.

    Made once at once, so what *make* raises is raised here, and from `value` later.
    """

    def __init__(self, make: Callable[[], T], files: Iterable[Path]) -> None:
        self._make, self._files = make, tuple(files)
        self._stamps, self._value = stamps(self._files), make()

    @property
    def value(self) -> T:
        """Return it as the files have it now."""
        before = stamps(self._files)
        if before != self._stamps:
            self._value = self._make()  # raises: the old one is not good any more, ask again
            self._stamps = before
        return self._value
