"""Text that is shown again whenever it changed: on a terminal in place, in a pipe below.

The terminal is given back as it was found, however the program ends.
"""

import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from pointsman.runtime.terminal import raw, unread

# ECMA-48 and DEC private modes, which every terminal of today has: another buffer, no cursor.
ENTER: Final = "\x1b[?1049h\x1b[?25l"
LEAVE: Final = "\x1b[?25h\x1b[?1049l"
HOME: Final = "\x1b[H"
CLEAR_LINE: Final = "\x1b[K"
CLEAR_BELOW: Final = "\x1b[J"
RESET: Final = "\x1b[0m"


class Screen:
    """Where it is shown. Lines may hold colours of ours, and nothing else that acts."""

    def __init__(self) -> None:
        self.live = sys.stdout.isatty()
        self._last: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """Return how many columns there are; 0: as many as it takes."""
        return shutil.get_terminal_size().columns if self.live else 0

    @contextmanager
    def held(self) -> Iterator[None]:
        """Have the terminal meanwhile."""
        if not self.live:
            yield
            return
        stream = raw(sys.stdout)
        stream.write(ENTER)
        stream.flush()
        try:
            yield
        finally:
            stream.write(RESET + LEAVE)
            stream.flush()

    def show(self, lines: Sequence[str], *, heading: str) -> None:
        """Show *lines*, unless they are as they were; what does not fit is counted.

        *heading* may change without being a change.

        Raises:
            BrokenPipeError: nobody reads it any more.
        """
        now = tuple(lines)
        if self.live:
            self._draw(heading, now)
        elif now != self._last:
            print(heading, *now, "", sep="\n", flush=True)
            if unread(sys.stdout):
                raise BrokenPipeError
        self._last = now

    def _draw(self, heading: str, lines: Sequence[str]) -> None:
        room = max(shutil.get_terminal_size().lines - 2, 1)
        shown = list(lines[:room])
        if (more := len(lines) - len(shown)) > 0:
            shown[-1] = f"… {more + 1} more lines: make the terminal higher, or use a pipe."
        stream = raw(sys.stdout)
        text = "\n".join(f"{line}{RESET}{CLEAR_LINE}" for line in (heading, *shown))
        stream.write(HOME + text + CLEAR_BELOW)
        stream.flush()
