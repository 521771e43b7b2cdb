"""`pointsman completion SHELL`: a script that completes commands and options in a shell.

It is written once, of all parsers: nothing of ours runs when somebody presses Tab.
"""

import argparse
from typing import Final

SHELLS: Final = ("bash", "zsh", "fish")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare this command's options on *parser*."""
    parser.add_argument("shell", choices=SHELLS, metavar="bash|zsh|fish")


def run(given: argparse.Namespace) -> int:
    """Print the script, and return 0."""
    # Why here: the only command that needs it.
    import shtab

    print(shtab.complete(given.whole(), given.shell))
    return 0
