"""Verdicts and paths as cells of a table. Pure."""

from typing import Final

from manager.planner.plan_json import Json

PATH_COLUMNS: Final = ("PEER", "PREFIX", "NEXT HOP", "NODE", "COMMUNITIES")


def cell(verdict: Json | None) -> str:
    """Return a verdict as a cell: its status, and its reason unless that says the same."""
    if verdict is None:
        return ""
    fine = verdict["status"] == "True"
    return verdict["status"] if fine else f"{verdict['status']} ({verdict['reason']})"


def why(*verdicts: Json | None) -> str:
    """Return the sentence of the first verdict that is not fine."""
    wrong = (one for one in verdicts if one is not None and one["status"] != "True")
    return next((str(one["message"]) for one in wrong), "")


def path_row(peer: str, path: Json) -> tuple[str, ...]:
    """Return the cells below PATH_COLUMNS."""
    node = path["node"] or ""
    return peer, path["prefix"], path["nextHop"], node, " ".join(path["communities"])
