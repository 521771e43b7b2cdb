"""The last line of defence before a terminal: nothing but lines of printable text leaves.

What is printed may hold what anybody wrote into a cluster, a file or a log. Messages have it
clipped and escaped where they are made; this makes sure of what no message is.
"""

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Final, TextIO, cast

from pointsman.model.printable import printable, sentence

LINE_MAX: Final = 32_768  # characters; of a longer line both ends are kept


class _Guarded:
    """A text stream that escapes what a terminal would act upon; anything else is *below*'s."""

    def __init__(self, below: TextIO) -> None:
        self.below = below

    def write(self, text: str) -> int:
        if not (text.isascii() and text.replace("\n", "").isprintable()):
            text = "\n".join(map(printable, text.split("\n")))
        try:
            return self.below.write(text)
        except UnicodeEncodeError:  # a terminal of another encoding
            encoding = self.below.encoding or "ascii"
            return self.below.write(text.encode(encoding, "backslashreplace").decode(encoding))

    def writelines(self, lines: list[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> object:
        return getattr(self.below, name)


@contextlib.contextmanager
def guarded() -> Iterator[None]:
    """Have everything that is printed meanwhile go through the guard."""
    out = contextlib.redirect_stdout(cast(TextIO, _Guarded(sys.stdout)))
    with out, contextlib.redirect_stderr(cast(TextIO, _Guarded(sys.stderr))):
        yield


def say(text: str, *, error: bool = False) -> None:
    """Print one line, or complain in one: a line end that *text* repeats is no line end."""
    print(sentence(text, LINE_MAX), file=sys.stderr if error else sys.stdout)


def raw(stream: TextIO) -> TextIO:
    """Return what *stream* writes to: for text whose only control characters are our own."""
    return stream.below if isinstance(stream, _Guarded) else stream


def forget(stream: TextIO) -> None:
    """Send what is still to be written to a pipe that was closed to nowhere, without a word."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
