"""The table of `docs/routers/README.md` is what `make routers` writes, and of rows that exist."""

import ast

from lab.routers.other_versions import NAME, TRIED
from tests.docs import pages
from tools.routers import table
from tools.routers.differences import DIFFERENCES
from tools.routers.releases import BEDS, NAMES
from tools.routers.rows import FOLDER

PAGE = "docs/routers/README.md"


def functions() -> set[str]:
    """Return every test function of the rows' folder, as the table names them."""
    files = sorted((pages.ROOT / FOLDER).glob("test_*.py"))
    return {
        f"{FOLDER}/{file.name}::{node.name}"
        for file in files
        for node in ast.parse(file.read_text()).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def test_every_row_is_a_test_of_today() -> None:
    rows = {table.named(FOLDER, *titled) for titled in table.shown(pages.read(PAGE)).cells}
    assert rows
    assert rows <= functions(), sorted(rows - functions())


def test_every_router_that_is_tried_has_its_column_and_a_line_of_its_own() -> None:
    shown = table.shown(pages.read(PAGE))
    assert shown.versions == shown.heads
    tried = [release.kind for bed in BEDS for release in bed.releases]
    named = [head.split()[0] for head in shown.heads]
    assert sorted(named) == sorted(NAMES[kind] for kind in tried)


def test_the_lab_says_of_the_same_ones_that_they_were_tried() -> None:
    shown = {
        head.rsplit(".", head.count(".") - 1)[0] for head in table.shown(pages.read(PAGE)).heads
    }
    for kind, releases in TRIED.items():
        ours = {head for head in shown if head.startswith(NAME[kind])}
        assert ours == {f"{NAME[kind]} {release}" for release in releases}


def test_every_difference_stands_there_and_no_row_fails_without_one() -> None:
    text = pages.read(PAGE)
    shown = table.shown(text)
    assert shown.numbers == tuple(range(1, len(DIFFERENCES) + 1))
    for number, one in enumerate(DIFFERENCES, start=1):
        assert f"{number}. {', '.join(one.versions)}: {one.sentence} {one.whose}" in text
        assert set(one.rows) <= functions()
        assert set(one.versions) <= set(shown.heads)
    assert not [cells for cells in shown.cells.values() if "no" in cells]
