"""Run the rows of `e2e/bgp` on the routers of a bed, and say what became of each.

A row is a test function, with all its parameters. A row that fails on two routers of other
versions is run again with each of them beside the usual other: it then says whose it is.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pointsman.runtime.errors import Failed
from tools.parts import ROOT
from tools.routers.fetch import HOME

FOLDER: Final = "e2e/bgp"
VARIABLE: Final = "POINTSMAN_ROUTERS"
PROPERTY: Final = "router"  # what a row notes of the routers that it speaks with
RAN: Final = (0, 1)  # pytest's exit status when the tests were run, whatever came of them
WORST: Final = (
    "failed",
    "passed",
    "skipped",
)  # of a row's parameters; one that was skipped is none


@dataclass(slots=True)
class Row:
    """What became of a row, and the version of each kind of router that it spoke with."""

    outcome: str = "skipped"
    routers: dict[str, str] = field(default_factory=dict)


def run(name: str, routers: Path | None, chosen: Sequence[str], jobs: int) -> Mapping[str, Row]:
    """Return what became of the rows *chosen* with the routers below *routers*, by row.

    Raises:
        Failed: the tests couldn't be run.
    """
    report = HOME / "results" / f"{name}.xml"
    report.parent.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    environment = {key: value for key, value in os.environ.items() if key != VARIABLE}
    if routers is not None:
        environment[VARIABLE] = str(routers)
    command = [sys.executable, "-m", "pytest", "-q", "-n", str(jobs), "--dist", "loadfile"]
    # Properties are no part of pytest's usual form of the report, and it warns, which is an error.
    command += [f"--junitxml={report}", "-o", "junit_family=xunit1", *chosen]
    print(f"routers: {name}: {' '.join(chosen)}", flush=True)
    done = subprocess.run(command, cwd=ROOT, env=environment, check=False)
    if done.returncode not in RAN or not report.is_file():
        raise Failed(f"The rows of {name} were not run: pytest ended with {done.returncode}.")
    return read(report.read_text())


def read(report: str) -> dict[str, Row]:
    """Return the rows of a JUnit *report*, with all their parameters together."""
    found: dict[str, Row] = {}
    for case in ET.fromstring(report).iter("testcase"):
        file = str(case.get("classname", "")).replace(".", "/") + ".py"
        function = re.sub(r"\[.*", "", str(case.get("name", "")), flags=re.DOTALL)
        row = found.setdefault(f"{file}::{function}", Row())
        row.outcome = min((row.outcome, _outcome(case)), key=WORST.index)
        noted = [
            one.get("value", "") for one in case.iter("property") if one.get("name") == PROPERTY
        ]
        row.routers |= dict(words.split() for words in noted)
    return found


def _outcome(case: ET.Element) -> str:
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    return "skipped" if case.find("skipped") is not None else "passed"


def failed(rows: Mapping[str, Row]) -> Iterator[str]:
    """Yield the rows that failed, sorted."""
    return (name for name, row in sorted(rows.items()) if row.outcome == "failed")


def spoken_with(rows: Mapping[str, Row], kind: str) -> list[str]:
    """Return the rows that spoke with a router of *kind*, sorted."""
    return [name for name, row in sorted(rows.items()) if kind in row.routers]
