"""The table: what is written is read back, and nothing goes into it that nobody looked into."""

import re
from dataclasses import replace

import pytest

from pointsman.runtime.errors import Failed
from tools.routers import table
from tools.routers.differences import Difference, Whose
from tools.routers.table import BEGIN, END, Column

ONE, TWO = "e2e/bgp/test_ways.py::test_a_row", "e2e/bgp/test_fields.py::test_another_row"
OLD = Column("frr", "8.4.4", "bookworm", {ONE: "passed", TWO: "passed"})
NEW = Column("bird", "3.4.0", "sid", {ONE: "failed", TWO: "skipped"})
WHY = Difference(("BIRD 3.4.0",), (ONE,), "It forgets.", Whose.ROUTER)
PAGE = f"# Routers\n\n{BEGIN}\nan older one\n{END}\n\nMore.\n"


def test_what_is_written_is_read_back() -> None:
    page = table.put_into(PAGE, table.written([OLD, NEW], [WHY]))
    shown = table.shown(page)
    assert shown.versions == shown.heads == ("FRR 8.4.4", "BIRD 3.4.0")
    assert shown.cells == {
        ("fields", "another row"): ("yes", "-"),
        ("ways", "a row"): ("yes", "no (1)"),
    }
    assert shown.numbers == (1,)
    assert page.startswith("# Routers\n")
    assert page.endswith("\n\nMore.\n")
    assert "an older one" not in page
    assert "| FRR 8.4.4 | Debian 12 | 2 of 2 |" in page
    assert "| BIRD 3.4.0 | Debian sid | 0 of 1 |" in page
    assert f"1. BIRD 3.4.0: It forgets. {Whose.ROUTER}" in page


def test_it_is_written_again_to_the_letter() -> None:
    once = table.put_into(PAGE, table.written([OLD, NEW], [WHY]))
    assert table.put_into(once, table.written([OLD, NEW], [WHY])) == once


@pytest.mark.parametrize("row", [ONE, TWO])
def test_a_row_has_its_name_back(row: str) -> None:
    assert table.named("e2e/bgp", *table.titled(row)) == row


def test_a_row_that_holds_may_be_held_otherwise() -> None:
    odd = Difference(("FRR 8.4.4",), (ONE,), "It counts in per cents.", Whose.CHOICE)
    written = table.written([OLD], [odd])
    assert "| ways | a row | yes (1) |" in written


def test_a_failure_that_nobody_looked_into_is_refused_by_name() -> None:
    with pytest.raises(Failed, match=re.escape(f"BIRD 3.4.0: {ONE}")):
        table.written([OLD, NEW], [])


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param(replace(WHY, rows=("e2e/bgp/test_ways.py::test_gone",)), id="no such row"),
        pytest.param(replace(WHY, versions=("BIRD 3.4.0", "BIRD 4.0")), id="no such version"),
    ],
)
def test_a_difference_of_what_was_not_tried_is_refused(odd: Difference) -> None:
    with pytest.raises(Failed, match="names none of the rows"):
        table.written([OLD, NEW], [WHY, odd])


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(PAGE, id="no table"),
        pytest.param(
            table.put_into(PAGE, table.written([OLD], [])).replace("| yes |", "| perhaps |"),
            id="a word that isn't ours",
        ),
        pytest.param(
            table.put_into(PAGE, table.written([OLD], [])).replace("| yes |", "| yes | yes |"),
            id="a cell too many",
        ),
    ],
)
def test_a_page_that_somebody_wrote_by_hand_is_refused(page: str) -> None:
    with pytest.raises(Failed):
        table.shown(page)


def test_a_page_without_the_marks_is_left_alone() -> None:
    with pytest.raises(Failed, match="lacks"):
        table.put_into("# Routers\n", "text")
