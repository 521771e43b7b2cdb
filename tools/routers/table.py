"""The table of versions and rows, as `docs/routers/README.md` has it. Pure: text in, text out.

It refuses a row that failed for a reason that nobody has looked into: each `no`, and whatever a
router does otherwise than the others, has its sentence in `differences.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from pointsman.runtime.errors import Failed
from tools.routers.differences import Difference
from tools.routers.releases import NAMES

BEGIN: Final = "<!-- made by `make routers`, from here -->"
END: Final = "<!-- to here -->"
ORIGINS: Final = {"bookworm": "Debian 12", "trixie": "Debian 13", "sid": "Debian sid"}
WORDS: Final = {"passed": "yes", "failed": "no", "skipped": "-"}
CELL: Final = re.compile(r"(?P<word>yes|no|-)(?: \((?P<numbers>[\d, ]+)\))?")


@dataclass(frozen=True, slots=True)
class Column:
    """One version of a router, and what became of the rows that speak with its kind."""

    kind: str
    version: str
    suite: str
    outcomes: Mapping[str, str] = field(default_factory=dict)  # row → passed, failed, skipped

    @property
    def name(self) -> str:
        return f"{NAMES[self.kind]} {self.version}"


def written(columns: Sequence[Column], differences: Sequence[Difference]) -> str:
    """Return the part of the page between its two marks.

    Raises:
        Failed: a row failed, and no difference says why; or one speaks of what isn't there.
    """
    rows = sorted({row for column in columns for row in column.outcomes})
    _unexplained(columns, differences)
    _untried(columns, differences)
    lines = ["| version | from | rows that hold |", "|---|---|---|"]
    for column in columns:
        tried = [outcome for outcome in column.outcomes.values() if outcome != "skipped"]
        held = f"{tried.count('passed')} of {len(tried)}"
        lines.append(f"| {column.name} | {ORIGINS[column.suite]} | {held} |")
    lines += ["", *_list(differences), ""]
    heads = [column.name for column in columns]
    lines += [f"| file | row | {' | '.join(heads)} |", "|---|---" + "|---" * len(heads) + "|"]
    for row in rows:
        file, sentence = titled(row)
        cells = [_cell(column, row, differences) for column in columns]
        lines.append(f"| {file} | {sentence} | {' | '.join(cells)} |")
    return "\n".join(["", *lines, ""])


def titled(row: str) -> tuple[str, str]:
    """Return file and sentence of *row*: words for people, which `named` reads back."""
    path, _, function = row.partition("::")
    file = path.rpartition("/")[2].removeprefix("test_").removesuffix(".py")
    return file, function.removeprefix("test_").replace("_", " ")


def named(folder: str, file: str, sentence: str) -> str:
    """Return the row that the table calls so."""
    return f"{folder}/test_{file}.py::test_{sentence.replace(' ', '_')}"


def _cell(column: Column, row: str, differences: Sequence[Difference]) -> str:
    outcome = column.outcomes.get(row, "skipped")
    numbers = [
        str(number)
        for number, one in enumerate(differences, start=1)
        if column.name in one.versions and row in one.rows and outcome != "skipped"
    ]
    return WORDS[outcome] + (f" ({', '.join(numbers)})" if numbers else "")


def _list(differences: Iterable[Difference]) -> Iterator[str]:
    for number, one in enumerate(differences, start=1):
        yield f"{number}. {', '.join(one.versions)}: {one.sentence} {one.whose.value}"


def _unexplained(columns: Sequence[Column], differences: Sequence[Difference]) -> None:
    known = {(name, row) for one in differences for name in one.versions for row in one.rows}
    open_ones = [
        f"{column.name}: {row}"
        for column in columns
        for row, outcome in sorted(column.outcomes.items())
        if outcome == "failed" and (column.name, row) not in known
    ]
    if open_ones:
        raise Failed(
            "These rows failed, and nobody has looked into it; find out whose fault it is, mend "
            "it, or say it in tools/routers/differences.py:\n  " + "\n  ".join(open_ones)
        )


def _untried(columns: Sequence[Column], differences: Sequence[Difference]) -> None:
    there = {(column.name, row) for column in columns for row in column.outcomes}
    for one in differences:
        for version in one.versions:
            if not any((version, row) in there for row in one.rows):
                raise Failed(
                    f"A difference of {version} names none of the rows that were tried with it: "
                    f"{one.sentence} Correct tools/routers/differences.py."
                )


# --- what is on the page ---


@dataclass(frozen=True, slots=True)
class Shown:
    """The table as a page has it, read back."""

    versions: tuple[str, ...]  # the first table's
    heads: tuple[str, ...]  # of the second
    cells: Mapping[tuple[str, str], tuple[str, ...]]  # (file, sentence) → one for each head
    numbers: tuple[int, ...]  # of the differences


def put_into(page: str, text: str) -> str:
    """Return *page* with *text* between its marks.

    Raises:
        Failed: it has none.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise Failed(f"The page lacks {BEGIN!r} and {END!r}, between which the table goes.")
    return f"{before}{begin}\n{text}\n{end}{after}"


def shown(page: str) -> Shown:
    """Return what *page* shows between its marks.

    Raises:
        Failed: it isn't what `written` writes.
    """
    text = page.partition(BEGIN)[2].partition(END)[0]
    tables: list[list[tuple[str, ...]]] = [[]]
    numbers: list[int] = []
    for line in text.splitlines():
        if re.fullmatch(r"[|-]+", line):
            continue
        if line.startswith("|"):
            tables[-1].append(tuple(cell.strip() for cell in line.strip("|").split("|")))
        elif tables[-1]:
            tables.append([])
        if item := re.match(r"(\d+)\. ", line):
            numbers.append(int(item[1]))
    found = [table for table in tables if table]
    if [table[0][:2] for table in found] != [("version", "from"), ("file", "row")]:
        raise Failed("The page doesn't hold the two tables of `make routers`: run it again.")
    versions, rows = found
    for row in rows[1:]:
        if len(row) != len(rows[0]) or not all(CELL.fullmatch(cell) for cell in row[2:]):
            raise Failed(f"This is no row of `make routers`: {' | '.join(row)}. Run it again.")
    return Shown(
        versions=tuple(row[0] for row in versions[1:]),
        heads=rows[0][2:],
        cells={(row[0], row[1]): row[2:] for row in rows[1:]},
        numbers=tuple(numbers),
    )
