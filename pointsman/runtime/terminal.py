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


class Unwritable(Exception):
    """What is printed cannot be written, and why: a full disk behind `>`, say."""


class _Lasting:
    """A text stream whose reader may leave: what is written after that goes nowhere.

    Whoever makes something of a cluster or of this machine finishes it, `| head` or not, and
    its exit status is its own.
    """

    def __init__(self, below: TextIO) -> None:
        self.below = below
        self.left = False

    def write(self, text: str) -> int:
        try:
            return self.below.write(text)
        except BrokenPipeError:
            self._leave()
            return len(text)

    def flush(self) -> None:
        try:
            self.below.flush()
        except BrokenPipeError:
            self._leave()

    def _leave(self) -> None:
        self.left = True
        forget(self.below)

    def __getattr__(self, name: str) -> object:
        return getattr(self.below, name)


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


class _Answer(_Guarded):
    """Standard output, whose faults whoever runs the command has to hear of.

    A complaint that can't be written has nobody to tell: standard error is none of these.
    """

    def write(self, text: str) -> int:
        with _heard():
            return super().write(text)

    def flush(self) -> None:
        with _heard():
            self.below.flush()


@contextlib.contextmanager
def _heard() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unwritable(f"The output cannot be written: {error.strerror}.") from error


@contextlib.contextmanager
def guarded() -> Iterator[None]:
    """Have everything that is printed meanwhile go through the guard.

    A stream that was closed (`<&-`) is an empty one: Python has None for it. So is one whose
    reader has left (`| head`).

    Raises:
        Unwritable: what was printed cannot be written.
    """
    _open_closed()
    answer, complaint = (cast(TextIO, _Lasting(one)) for one in (sys.stdout, sys.stderr))
    out = contextlib.redirect_stdout(cast(TextIO, _Answer(answer)))
    with out, contextlib.redirect_stderr(cast(TextIO, _Guarded(complaint))):
        yield


def _open_closed() -> None:
    # In this order: a new file gets the lowest free number, so each gets its own, and no
    # socket is ever taken for one of them.
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            # It stays open as long as the process lasts.
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115


def asked(question: str) -> str:
    """Return what is answered to *question*, without the blanks around; "" if nothing is."""
    try:
        return input(question).strip()
    except EOFError:  # Ctrl-D
        print()
        return ""


def say(text: str, *, error: bool = False) -> None:
    """Print one line, or complain in one: a line end that *text* repeats is no line end."""
    print(sentence(text, LINE_MAX), file=sys.stderr if error else sys.stdout)


def raw(stream: TextIO) -> TextIO:
    """Return what *stream* writes to: for text whose only control characters are our own."""
    return stream.below if isinstance(stream, _Guarded) else stream


def unread(stream: TextIO) -> bool:
    """Whether the reader of *stream* has left: for what would go on without an end."""
    below = raw(stream)
    return isinstance(below, _Lasting) and below.left


def forget(stream: TextIO) -> None:
    """Send what is still to be written to a pipe that was closed to nowhere, without a word."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
