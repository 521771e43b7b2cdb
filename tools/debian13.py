"""`make debian13`: the checks and every test on Debian 13, whose Python our image runs.

They run in a root below `build/debian13`; `tools.trixie` makes and enters it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Final

from tools import trixie
from tools.children import spoken
from tools.trixie import Root
from tools.turn import turn

# As bare as a machine that the README asks for: the rest is for `make setup` to bring.
BARE: Final = Root("debian13", ("ca-certificates", "git", "make", "python3"))


def run_make(words: Sequence[str]) -> int:
    """Call make in the root with *words*; return its exit status."""
    BARE.say(f"make {' '.join(words)}")
    return trixie.ended(trixie.inside(BARE, ["make", *words]), environment=trixie.environment())


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--get", action="store_true", help="only get debootstrap; exit 1 where it can't be had"
    )
    parser.add_argument("word", nargs="*", help="for make; by default: check test")
    options = parser.parse_args(arguments)

    def work() -> int:
        archive = trixie.get_debootstrap()
        if options.get:
            return 0
        with turn(BARE.home, BARE.name):
            trixie.make_root(BARE, archive)
            trixie.furnish(BARE, archive)
            return run_make(options.word or ["check", "test"])

    left = "interrupted; nothing stays mounted or running"
    return spoken(BARE.name, work, interrupted=left)


if __name__ == "__main__":
    sys.exit(main())
