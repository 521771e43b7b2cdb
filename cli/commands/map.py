"""`pointsman map`: the network as one HTML page, as it is planned or before and after a change."""

import argparse
from pathlib import Path
from typing import Final

from cli.map.facts import facts_of
from cli.map.page import html, svg
from cli.source import cluster
from cli.source.change import before_and_after
from cli.source.cluster import PlannedCluster
from cli.source.contents import STDIN
from pointsman.model.printable import clipped
from pointsman.runtime.errors import Misuse
from pointsman.runtime.terminal import say

FILE: Final = "map.html"
NO_FILES: Final = ("", "json", "yaml", "table")  # what -o takes elsewhere


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare this command's options on *parser*."""
    parser.add_argument(
        "--change", nargs="+", action="extend", default=[], metavar="PATH",
        help="files as if they were applied: the network before and after",
    )  # fmt: skip
    cluster.sources(parser)
    parser.add_argument(
        "-o", "--output", default=FILE, metavar="FILE",
        help=f"the page, or NAME.svg: the picture alone (default: {FILE}; - prints it)",
    )  # fmt: skip


def run(given: argparse.Namespace) -> int:
    """Return 0 when everything could be read, else 1: the page shows what could."""
    if given.output in NO_FILES:
        raise Misuse(
            f"map makes one page, and {given.output!r} is no name for it: write -o map.html, "
            "or ask plan for -o json."
        )
    if STDIN in given.paths and STDIN in given.change:
        raise Misuse("Standard input can be read once: give -f or --change a file instead of -.")
    # A page shows a cluster, so files are one: what would be applied to it is --change.
    given.offline = given.offline or bool(given.paths)
    before, after = _both(given)
    made = svg if given.output.lower().endswith(".svg") else html
    page = made(_source(given), facts_of(before), facts_of(after) if after is not None else None)
    if given.output == "-":
        print(page, end="")
    else:
        _write(Path(given.output), page)
        say(f"Wrote {clipped(given.output, 256)}, {len(page):,} characters: open it in a browser.")
    return 0 if before.complete and (after is None or after.complete) else 1


def _both(given: argparse.Namespace) -> tuple[PlannedCluster, PlannedCluster | None]:
    if not given.change:
        return cluster.settled(cluster.read(given)), None
    documents, broken = cluster.changes(given.change)
    wrong: list[str] = []
    if given.offline:
        present, wrong = cluster.from_files(given)
    else:
        present = [("cluster", raw) for raw in cluster.live(given)]
    return before_and_after(given, present, documents=documents, broken=[*wrong, *broken])


def _source(given: argparse.Namespace) -> str:
    if given.paths:
        return ", ".join(Path(path).name for path in given.paths)
    return given.context or "the cluster"


def _write(path: Path, page: str) -> None:
    try:
        path.write_text(page, "utf-8")
    except OSError as error:
        raise Misuse(f"{path} cannot be written: {error.strerror}.") from error
