"""What a release says of itself: the section of its version in the changelog.

It refuses a tag that is not the version in pyproject.toml, which the chart, the manifests and
the image bear too (tests/deploy), and a version of which the changelog says nothing.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from pointsman.runtime.errors import Failed
from tools.children import spoken
from tools.setup import ROOT


def version(root: Path = ROOT) -> str:
    """Return the version of this tree."""
    found = re.search(r'^version = "(.+)"$', (root / "pyproject.toml").read_text(), re.M)
    assert found is not None, "pyproject.toml has a version"
    return found[1]


def notes(tag: str, root: Path = ROOT) -> str:
    """Return the changelog's section of the release *tag*, `v` and all, without its heading.

    Raises:
        Failed: the tag is not this tree's version, or the changelog has nothing of it.
    """
    wanted = f"v{version(root)}"
    if tag != wanted:
        raise Failed(
            f"The tag is {tag}, and pyproject.toml says {wanted}: tag the commit {wanted}."
        )
    heading = re.compile(rf"^## {re.escape(wanted[1:])}(?: [^\n]*)?\n(.*?)(?=^## |\Z)", re.M | re.S)
    found = heading.search((root / "CHANGELOG.md").read_text())
    if found is None or not found[1].strip():
        raise Failed(
            f"CHANGELOG.md has no section {wanted[1:]} with a word in it: "
            f"write `## {wanted[1:]}` over what is unreleased."
        )
    return found[1].strip() + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tag", help="of the release, as v0.1.0")
    options = parser.parse_args(arguments)

    def work() -> int:
        print(notes(options.tag), end="")
        return 0

    return spoken("release", work)


if __name__ == "__main__":
    sys.exit(main())
