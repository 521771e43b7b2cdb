"""Panels of the dashboard as pictures, drawn of what a Prometheus answered: one SVG for each row.

Pure: values in, text out. A picture has a ground of its own, light or dark as its reader wants,
so it is legible on any page; colors are told apart by lightness, too (Okabe and Ito's, by whose
study people who see fewer colors still tell them apart).
"""

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from monitoring.panel import Panel, Query, Row, Shape, Unit

WIDTH: Final = 1080
GAP: Final = 16
HEAD: Final = 34  # title of a panel
CHART_HIGH, NUMBER_HIGH = 150, 40
FOOT: Final = 20  # times
LEFT, RIGHT = 46, 24  # values; half of the last time
LINE: Final = 16  # of the legend
LETTER: Final = 7.2  # wide, on average, at 12 px
TICKS: Final = 4  # at most, above 0
COLORS: Final = (
    "#0072b2",
    "#d55e00",
    "#009e73",
    "#cc79a7",
    "#e69f00",
    "#56b4e9",
    "#7f7f7f",
    "#8250df",
)
STYLE: Final = """
svg { font: 12px sans-serif; }
.ground { fill: #ffffff; } .card { fill: #f6f8fa; stroke: #d0d7de; }
text { fill: #1f2328; } .quiet { fill: #57606a; font-size: 11px; }
.title { font-weight: bold; font-size: 13px; } .value { font-size: 28px; font-weight: bold; }
.grid { stroke: #d8dee4; } .mark { stroke: #8c959f; stroke-dasharray: 3 3; }
.line { fill: none; stroke-width: 1.8; stroke-linejoin: round; } .area { fill-opacity: .65; }
@media (prefers-color-scheme: dark) {
.ground { fill: #0d1117; } .card { fill: #161b22; stroke: #30363d; }
text { fill: #e6edf3; } .quiet { fill: #9da7b1; }
.grid { stroke: #2b3138; } .mark { stroke: #6e7681; }
[fill="#0072b2"] { fill: #4aa3df; } [stroke="#0072b2"] { stroke: #4aa3df; }
[fill="#8250df"] { fill: #b392f0; } [stroke="#8250df"] { stroke: #b392f0; }
}
"""
Points = Sequence[tuple[float, float]]  # seconds since the start, value; none where there is none


@dataclass(frozen=True, slots=True)
class Series:
    """One series of an answer."""

    labels: Mapping[str, str]
    points: Points


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that was done, and when, in seconds since the start."""

    at_s: float
    text: str


Answers = Mapping[str, Sequence[Series]]  # by query


@dataclass(frozen=True, slots=True)
class _Line:
    name: str
    points: Points


@dataclass(frozen=True, slots=True)
class _Scale:
    """Where a value stands in a chart."""

    left: float
    top: float
    wide: float
    high: float
    seconds: float
    most: float

    def x(self, at_s: float) -> float:
        return self.left + self.wide * at_s / self.seconds

    def y(self, value: float) -> float:
        return self.top + self.high * (1 - min(value, self.most) / self.most)


def picture(row: Row, answers: Answers, marks: Sequence[Mark], *, seconds: float) -> str:
    """Return the SVG of *row*, of as many *seconds*."""
    beside = len(row.panels) if row.panels[0].shape is Shape.NUMBER else 2
    wide = (WIDTH - GAP * (beside + 1)) / beside
    parts: list[str] = []
    top = float(GAP)
    for first in range(0, len(row.panels), beside):
        line = row.panels[first : first + beside]
        drawn = [_lines(panel, answers) for panel in line]
        high = max(_height(panel, lines, wide) for panel, lines in zip(line, drawn, strict=True))
        for number, (panel, lines) in enumerate(zip(line, drawn, strict=True)):
            left = GAP + number * (wide + GAP)
            parts.append(f'<rect class="card" x="{left:.0f}" y="{top:.0f}" width="{wide:.0f}" '
                         f'height="{high:.0f}" rx="6"/>')  # fmt: skip
            parts += _panel(panel, lines, marks, _Scale(left, top, wide, 0, seconds, 1))
        top += high + GAP
    return "\n".join((
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top:.0f}" '
        f'width="{WIDTH}" height="{top:.0f}" role="img">',
        f"<title>{escape(row.title)}</title>", f"<style>{STYLE}</style>",
        f'<rect class="ground" width="{WIDTH}" height="{top:.0f}"/>', *parts, "</svg>\n",
    ))  # fmt: skip


def _lines(panel: Panel, answers: Answers) -> list[_Line]:
    """Return the lines of a panel; a stacked one leaves out what is 0 all the time."""
    lines = [
        _Line(_name(panel, query, one.labels), one.points)
        for query in panel.queries
        for one in answers.get(query.expr, ())
    ]
    if panel.shape is Shape.STACK or len(lines) > len(COLORS):
        lines = [line for line in lines if any(value for _, value in line.points)] or lines[:1]
    return sorted(lines, key=lambda line: line.name)


def _name(panel: Panel, query: Query, labels: Mapping[str, str]) -> str:
    name = query.legend or panel.title
    for label, value in labels.items():
        name = name.replace(f"{{{{{label}}}}}", value)
    return name


def _height(panel: Panel, lines: Sequence[_Line], wide: float) -> float:
    if panel.shape is Shape.NUMBER:
        return HEAD + NUMBER_HIGH
    return HEAD + CHART_HIGH + FOOT + LINE * len(list(_legend(lines, wide))) + 10


def _panel(
    panel: Panel, lines: Sequence[_Line], marks: Sequence[Mark], at: _Scale
) -> Iterator[str]:
    yield _text(at.left + 12, at.top + 21, panel.title, "title")
    if panel.shape is Shape.NUMBER:
        last = lines[0].points[-1][1] if lines and lines[0].points else math.nan
        yield _text(at.left + 12, at.top + HEAD + 24, shown(last, panel.unit), "value")
        return
    stacked = panel.shape is Shape.STACK
    tops = _stacked(lines) if stacked else [line.points for line in lines]
    step = _step(max((v for points in tops for _, v in points), default=0), panel.unit)
    most = step * max(1, math.ceil(_most(tops) / step - 1e-9))
    chart = _Scale(
        at.left + LEFT, at.top + HEAD, at.wide - LEFT - RIGHT, CHART_HIGH, at.seconds, most
    )
    yield from _axes(chart, step, panel.unit)
    for number, mark in enumerate(marks, 1):
        x = chart.x(mark.at_s)
        yield f'<path class="mark" d="M{x:.1f} {chart.top}v{chart.high}"/>'
        yield _text(x + 2, chart.top + 9, str(number), "quiet")
    below: Points = ()
    for number, points in enumerate(tops):
        color = COLORS[number % len(COLORS)]
        if stacked:
            yield _area(chart, points, below, color)
            below = points
        else:
            yield f'<path class="line" stroke="{color}" d="{_path(chart, points)}"/>'
    yield from _names(lines, chart, at)


def _most(tops: Iterable[Points]) -> float:
    return max((value for points in tops for _, value in points), default=0.0)


def _axes(chart: _Scale, step: float, unit: Unit) -> Iterator[str]:
    for number in range(round(chart.most / step) + 1):
        y = chart.y(number * step)
        yield f'<path class="grid" d="M{chart.left:.1f} {y:.1f}h{chart.wide:.1f}"/>'
        value = shown(number * step, unit)
        yield _text(chart.left - 6, y + 4, value, "quiet", anchor="end")
    for minute in range(int(chart.seconds // 60) + 1):
        x, y = chart.x(60 * minute), chart.top + chart.high + 14
        yield _text(x, y, f"{minute} min" if minute else "0", "quiet", anchor="middle")


def _stacked(lines: Sequence[_Line]) -> list[Points]:
    """Return the upper edges of areas that stand on each other; no value is no height."""
    total = {at_s: 0.0 for line in lines for at_s, _ in line.points}
    edges: list[Points] = []
    for line in lines:
        for at_s, value in line.points:
            total[at_s] += value
        edges.append(tuple(sorted(total.items())))
    return edges


def _path(chart: _Scale, points: Points) -> str:
    """Return a path that stops where there is no value: two steps apart is apart."""
    steps = [b[0] - a[0] for a, b in itertools.pairwise(points)]
    apart = 2.5 * min(steps, default=0.0)
    words, last = [], -math.inf
    for at_s, value in points:
        words.append(
            f"{'M' if at_s - last > apart else 'L'}{chart.x(at_s):.1f} {chart.y(value):.1f}"
        )
        last = at_s
    return "".join(words)


def _area(chart: _Scale, points: Points, below: Points, color: str) -> str:
    there = dict(below)
    back = [(at_s, there.get(at_s, 0.0)) for at_s, _ in reversed(points)]
    edge = "L".join(f"{chart.x(at_s):.1f} {chart.y(value):.1f}" for at_s, value in [*points, *back])
    return f'<path class="area" fill="{color}" d="M{edge}z"/>' if points else ""


def _legend(lines: Sequence[_Line], wide: float) -> Iterator[list[tuple[int, str]]]:
    """Yield the names line by line, as many as fit, each with its number."""
    row: list[tuple[int, str]] = []
    room = wide - 24
    for number, line in enumerate(lines):
        needs = 22 + LETTER * len(line.name)
        if row and needs > room:
            yield row
            row, room = [], wide - 24
        row.append((number, line.name))
        room -= needs
    if row:
        yield row


def _names(lines: Sequence[_Line], chart: _Scale, at: _Scale) -> Iterator[str]:
    y = chart.top + chart.high + FOOT + 12
    for row in _legend(lines, at.wide):
        x = at.left + 12
        for number, name in row:
            color = COLORS[number % len(COLORS)]
            yield f'<rect x="{x:.1f}" y="{y - 9:.1f}" width="10" height="10" fill="{color}"/>'
            yield _text(x + 14, y, name, "")
            x += 22 + LETTER * len(name)
        y += LINE


def _step(most: float, unit: Unit) -> float:
    """Return a round distance of ticks, so that there are TICKS at most up to *most*."""
    least = 1.0 if unit is Unit.NUMBER else 1e-4
    if most <= 0:
        return least if unit is Unit.NUMBER else 1.0
    base = 2.0 if unit is Unit.OCTETS else 10.0
    rounds = (1.0,) if unit is Unit.OCTETS else (1.0, 2.0, 5.0)
    power = math.floor(math.log(most / TICKS, base)) - 1
    while True:
        for one in rounds:
            step = max(one * base**power, least)
            if most / step <= TICKS:
                return step
        power += 1


def shown(value: float, unit: Unit) -> str:
    """Return *value* as a tick or a panel says it."""
    if math.isnan(value):
        return "–"
    if unit is Unit.OCTETS:
        return f"{value / 2**20:.0f} MiB" if value else "0"
    if unit is Unit.SHARE:
        return f"{100 * value:.3g} %"
    if unit is Unit.SECONDS:
        return f"{value:.3g} s" if value >= 1 or not value else f"{1000 * value:.3g} ms"
    return f"{value:.3g}/s" if unit is Unit.RATE and value else f"{value:.3g}"


def _text(x: float, y: float, text: str, kind: str, *, anchor: str = "") -> str:
    more = f' text-anchor="{anchor}"' if anchor else ""
    more += f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{more}>{escape(text)}</text>'
