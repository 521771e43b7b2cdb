"""How every command reads its words: what it refuses in one sentence, and help to copy from.

It knows no command.
"""

import argparse
from pathlib import Path
from typing import Any, NoReturn


class _Version(argparse.Action):
    """`--version`, wherever it stands: of the product, which all commands are of."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: object, values: object,
        option_string: str | None = None,
    ) -> NoReturn:  # fmt: skip
        # Why here: reading a package's metadata takes longer than most commands' start.
        from pointsman.runtime.version import version

        print(f"pointsman {version()}")
        parser.exit(0)


class Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in one line, and where to read on."""

    def __init__(self, *words: Any, **more: Any) -> None:
        super().__init__(*words, **more)
        if self.add_help:
            self.add_argument(
                "--version", action=_Version, nargs=0, help="print the version and end"
            )

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}. See `{self.prog} --help`.\n")


def path(text: str) -> Path:
    """Return what an option names: of a shell's variable that isn't set, not where we are.

    Raises:
        argparse.ArgumentTypeError: it names nothing.
    """
    if not text:
        raise argparse.ArgumentTypeError("'' is no path: name a file or a folder")
    return Path(text)


def examples(*lines: str) -> str:
    """Return the epilog of a parser whose formatter keeps line ends."""
    return "\n  ".join(("examples:", *lines))
