"""The pictures of panels: every value where it belongs, and the committed ones of today's table."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence

import pytest

from monitoring.__main__ import ROOT
from monitoring.panel import Panel, Query, Row, Shape, Unit
from monitoring.panels import ROWS
from monitoring.plots import COLORS, Mark, Series, picture, shown

SVG = "{http://www.w3.org/2000/svg}"
PATH_POINT = re.compile(r"([ML])([\d.]+) ([\d.]+)")


def drawn(panel: Panel, *series: Series, marks: Sequence[Mark] = ()) -> ET.Element:
    answers = {panel.queries[0].expr: series}
    text = picture(Row("Row", (panel,)), answers, marks, seconds=100.0)
    return ET.fromstring(text)


def texts(svg: ET.Element) -> list[str]:
    return [one.text or "" for one in svg.iter(f"{SVG}text")]


def paths(svg: ET.Element, kind: str) -> list[list[tuple[str, float, float]]]:
    return [
        [(verb, float(x), float(y)) for verb, x, y in PATH_POINT.findall(one.get("d") or "")]
        for one in svg.iter(f"{SVG}path")
        if one.get("class") == kind
    ]


def series(name: str, *values: float, step_s: float = 10.0) -> Series:
    return Series({"x": name}, tuple((step_s * n, value) for n, value in enumerate(values)))


LINES = Panel("Paths", "About.", (Query("q", "of {{x}}"),))
STACK = Panel("Nodes", "About.", (Query("q", "{{x}}"),), shape=Shape.STACK)


def test_a_value_is_as_high_as_its_tick_and_a_mark_stands_at_its_time() -> None:
    svg = drawn(LINES, series("a", 0, 4, 2), marks=[Mark(10.0, "a deed")])
    ((*_, (_, x1, y1), (_, _, y2)),) = paths(svg, "line")
    by_text = {one.text: one for one in svg.iter(f"{SVG}text")}
    assert abs(float(by_text["4"].get("y") or 0) - 4 - y1) < 0.2
    assert abs(float(by_text["2"].get("y") or 0) - 4 - y2) < 0.2
    (mark,) = (one for one in svg.iter(f"{SVG}path") if one.get("class") == "mark")
    assert abs(float((mark.get("d") or "M0 ")[1:].split()[0]) - x1) < 0.2
    assert "of a" in texts(svg)


def test_where_there_is_no_value_there_is_no_line() -> None:
    points = tuple((float(at), 1.0) for at in (0, 10, 20, 60, 70))
    ((*verbs,),) = paths(drawn(LINES, Series({}, points)), "line")
    assert [verb for verb, _, _ in verbs] == ["M", "L", "L", "M", "L"]


def test_areas_stand_on_each_other_and_what_is_never_there_has_none() -> None:
    svg = drawn(STACK, series("a", 1, 1), series("b", 2, 3), series("never", 0, 0))
    first, second = (one for one in svg.iter(f"{SVG}path") if one.get("class") == "area")
    assert (first.get("fill"), second.get("fill")) == COLORS[:2]
    assert "never" not in texts(svg)
    assert {"0", "1", "2", "3", "4"} <= set(texts(svg))  # up to the sum


def test_text_of_others_is_text() -> None:
    svg = drawn(LINES, series("<script>&"))
    assert "of <script>&" in texts(svg)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0, Unit.NUMBER, "0"), (12.0, Unit.NUMBER, "12"), (0.0, Unit.SECONDS, "0 s"),
        (0.0025, Unit.SECONDS, "2.5 ms"), (3.0, Unit.SECONDS, "3 s"),
        (0.25, Unit.SHARE, "25 %"), (64 * 2**20, Unit.OCTETS, "64 MiB"), (30.0, Unit.RATE, "30/s"),
        (float("nan"), Unit.NUMBER, "–"),
    ],
)  # fmt: skip
def test_how_a_value_is_written(value: float, unit: Unit, text: str) -> None:
    assert shown(value, unit) == text


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.title)
def test_the_page_shows_the_panels_of_today_in_both_modes(row: Row) -> None:
    name = row.title.lower().replace(" ", "-")
    text = (ROOT / "docs" / "monitoring" / f"{name}.svg").read_text()
    svg = ET.fromstring(text)
    titles = [one.text for one in svg.iter(f"{SVG}text") if one.get("class") == "title"]
    assert titles == [panel.title for panel in row.panels]
    assert "prefers-color-scheme: dark" in text
    assert f"(monitoring/{name}.svg)" in (ROOT / "docs" / "monitoring.md").read_text()
