"""How every command reads its words: what it refuses in one sentence, and help to copy from.

It knows no command.
"""

import argparse
from typing import NoReturn


class Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in one line, and where to read on."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}. See `{self.prog} --help`.\n")


def examples(*lines: str) -> str:
    """Return the epilog of a parser whose formatter keeps line ends."""
    return "\n  ".join(("examples:", *lines))
