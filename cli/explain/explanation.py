"""An explanation for people: sentences first, tables below. Pure."""

from dataclasses import dataclass
from typing import Any

from cli.output.cells import cell
from cli.output.tables import Table
from manager.planner.plan_json import Json


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is printed of a story, in this order."""

    lines: tuple[str, ...]
    tables: tuple[Table, ...] = ()


def verdict_lines(aspect: str, verdict: Json) -> tuple[str, str]:
    """Return a verdict with its sentence, indented below its subject."""
    return f"  {aspect}: {verdict['status']} ({verdict['reason']})", f"    {verdict['message']}"


def listed(
    title: str, columns: tuple[str, ...], entries: list[Any], keys: tuple[str, ...]
) -> Table:
    """Return a table with the values of *keys* of each of *entries*."""
    return Table(title, columns, tuple(tuple(_text(e[key]) for key in keys) for e in entries))


def _text(value: object) -> str:
    return "" if value is None else str(value)


def nodes_table(candidates: list[Json]) -> Table:
    """Return every node that was considered, and the reason for or against it."""
    return Table("NODES", ("NODE", "CARRIES", "WHY"), tuple(map(_node, candidates)))


def _node(one: Json) -> tuple[str, str, str]:
    if one["carries"]:
        return one["node"], "True", f"although {one['despite']}" if one["despite"] else ""
    return one["node"], "False", one["excludedBy"]


def conditions_table(conditions: Json) -> Table:
    """Return what stands in an object's conditions."""
    return Table(
        "CONDITIONS, AS RECORDED",
        ("CONDITION", "STATUS", "MESSAGE"),
        tuple((name, cell(one), one["message"]) for name, one in conditions.items()),
    )
