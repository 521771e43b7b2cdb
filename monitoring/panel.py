"""One panel of the dashboard, as a value: queries, and how their answers are shown."""

from dataclasses import dataclass
from enum import StrEnum


class Unit(StrEnum):
    """What a value counts, as Grafana calls it."""

    NUMBER = "short"
    SECONDS = "s"
    OCTETS = "bytes"
    SHARE = "percentunit"  # 0 to 1
    RATE = "cps"  # so many a second


class Shape(StrEnum):
    """How a panel looks."""

    NUMBER = "stat"  # the last value of each query
    LINES = "timeseries"
    STACK = "stacked"  # lines that together are the whole


@dataclass(frozen=True, slots=True)
class Query:
    """A query, and what each series of its answer is called: "" for the title of the panel.

    *empty*: why the answer may be empty while all is well; "" if it may not.
    """

    expr: str
    legend: str = ""
    empty: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """*about*: what a reader should look for in it."""

    title: str
    about: str
    queries: tuple[Query, ...]
    unit: Unit = Unit.NUMBER
    shape: Shape = Shape.LINES


@dataclass(frozen=True, slots=True)
class Row:
    """Panels that answer one question."""

    title: str
    panels: tuple[Panel, ...]
