"""Tables for people: plain text in a pipe, colour on a terminal. It knows no content."""

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

COLOURS: Final = {"True": "green", "False": "red", "Unknown": "yellow"}
NOTHING: Final = "-"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under a title; an empty table says so in one line."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def show_json(value: Any) -> None:
    print(json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False))


def show(tables: Iterable[Table]) -> None:
    """Print *tables*, one below the other."""
    if sys.stdout.isatty():
        _coloured(tables)
        return
    print("\n\n".join(map(plain, tables)))


def plain(table: Table) -> str:
    """Return *table* with aligned columns; the last one is as long as it needs to be."""
    if not table.rows:
        return f"{table.title}: none"
    rows = [table.columns, *(tuple(cell or NOTHING for cell in row) for row in table.rows)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(table.columns))]
    return "\n".join((table.title, *(_line(row, widths) for row in rows)))


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
    return ("  " + "  ".join(cells)).rstrip()


def _coloured(tables: Iterable[Table]) -> None:
    # Why here: loading rich takes longer than most commands do.
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    console = Console(highlight=False)
    for table in tables:
        if not table.rows:
            console.print(Text(f"{table.title}: none", style="dim"))
            continue
        drawn = RichTable(title=table.title, title_justify="left", title_style="bold", box=None)
        for column in table.columns:
            drawn.add_column(column, overflow="fold", header_style="dim")
        for row in table.rows:
            cells = (Text(cell or NOTHING, COLOURS.get(cell.split(" ")[0], "")) for cell in row)
            drawn.add_row(*cells)
        console.print(drawn)
        console.print()
