"""Tables for people: plain text in a pipe, colour on a terminal. It knows no content.

A cell is never broken: a row is as long as its cells. What needs a sentence stands below its
table, where a narrow terminal may break it between words.
"""

import json
import os
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pointsman.model.printable import printable, sentence
from pointsman.runtime import go_yaml
from pointsman.runtime.terminal import LINE_MAX, raw

COLOURS: Final = {"True": "32", "False": "31", "Unknown": "33"}  # ECMA-48 section 8.3.117
BOLD: Final = "1"
DIM: Final = "2"
NOTHING: Final = "-"
BELOW: Final = ("WHY", "MESSAGE")  # columns of sentences; always the last one


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under a title; an empty table says so in one line."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


STRUCTURED: Final = ("json", "yaml")  # what -o takes beside "table"


def show_value(value: Any, output: str) -> bool:
    """Print *value* if *output* is a form for programs, and return whether it is.

    What a terminal would act upon is an escape of that form's.
    """
    if output == "json":
        text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)
        if not text.isascii() or not text.replace("\n", "").isprintable():
            text = "".join(map(_escaped, text))
        print(text)
    elif output == "yaml":
        print(_yaml(value), end="")
    return output in STRUCTURED


def _yaml(value: Any) -> str:
    # Why here: whoever asks for tables of a live cluster needs none of it.
    import yaml

    class Plain(yaml.CSafeDumper):
        """What stands in a value twice is written twice: programs read no `&id001`."""

        def ignore_aliases(self, data: Any) -> bool:
            return True

    go_yaml.teach(Plain)
    value = json.loads(json.dumps(value))  # plain types, as JSON has them
    text = yaml.dump(value, Dumper=Plain, sort_keys=True, allow_unicode=True, width=10_000)
    if not text.replace("\n", "").isprintable():
        text = yaml.dump(value, Dumper=Plain, sort_keys=True, width=10_000)
    return str(text)


def _escaped(character: str) -> str:
    if character == "\n" or printable(character) == character:
        return character
    return json.dumps(character)[1:-1] if ord(character) > 0x7F else f"\\u{ord(character):04x}"


def show(tables: Iterable[Table]) -> None:
    """Print *tables*, one below the other."""
    if not sys.stdout.isatty():
        print("\n\n".join(map(plain, tables)))
        return
    colours = _wants_colours()
    width = shutil.get_terminal_size().columns
    for table in tables:
        lines = _lines(table, width=width, colours=colours)
        raw(sys.stdout).write("\n".join((*lines, "", "")))


def lines(tables: Iterable[Table], *, width: int) -> list[str]:
    """Return *tables* line by line, for a screen of *width* columns; 0: for a pipe."""
    colours = bool(width) and _wants_colours()
    found: list[str] = []
    for table in tables:
        found += (*_lines(table, width=width, colours=colours), "")
    return found


def sentences(texts: Iterable[str], *, width: int) -> list[str]:
    """Return sentences on what is wrong, broken between words."""
    return [line for text in texts for line in _broken(f"! {sentence(text, LINE_MAX)}", width)]


def _wants_colours() -> bool:
    return "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


def plain(table: Table) -> str:
    """Return *table* with aligned columns, and its sentences below it, each on one line."""
    return "\n".join(_lines(table, width=0, colours=False))


def _lines(table: Table, *, width: int, colours: bool) -> Iterator[str]:
    if not table.rows:
        yield _paint(f"{table.title}: none", DIM if colours else "")
        return
    cells = [tuple(printable(cell) for cell in row) for row in table.rows]
    has_below = table.columns[-1] in BELOW
    columns = table.columns[:-1] if has_below else table.columns
    if len(columns) == 1 and has_below:  # a list of sentences, each about something
        yield _paint(table.title, BOLD if colours else "")
        for row in cells:
            yield from _broken(f"  {row[0]}: {row[1]}", width)
        return
    rows = [tuple(cell or NOTHING for cell in row[: len(columns)]) for row in cells]
    widths = [max(len(row[at]) for row in (columns, *rows)) for at in range(len(columns))]
    yield _paint(table.title, BOLD if colours else "")
    yield _line(columns, widths, [DIM if colours else ""] * len(columns))
    for row in rows:
        styles = [COLOURS.get(cell.split(" ")[0], "") if colours else "" for cell in row]
        yield _line(row, widths, styles)
    if has_below:
        for sentence in dict.fromkeys(_sentence(row[0], row[-1]) for row in cells if row[-1]):
            yield from _broken(f"  {sentence}", width)


def _sentence(subject: str, why: str) -> str:
    return why if subject in why else f"{subject}: {why}"


def _broken(text: str, width: int) -> list[str]:
    if not width or len(text) <= width:
        return [text]
    return textwrap.wrap(
        text, max(width, 40), subsequent_indent="    ", break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip


def _line(row: Sequence[str], widths: Sequence[int], styles: Sequence[str]) -> str:
    padded = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
    padded[-1] = row[-1]
    return "  " + "  ".join(map(_paint, padded, styles))


def _paint(text: str, style: str) -> str:
    return f"\x1b[{style}m{text}\x1b[0m" if style else text
