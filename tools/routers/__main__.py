"""`make routers`: fetch the routers, run the rows on each, write the table, and no other file."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from pointsman.runtime.errors import Failed
from tools.children import spoken
from tools.parts import ROOT
from tools.routers import rows, table
from tools.routers.differences import DIFFERENCES
from tools.routers.fetch import HOME, fetch, folder
from tools.routers.releases import BEDS, NAMES, Bed
from tools.routers.rows import Row
from tools.routers.table import Column
from tools.sources import codename, machine_sources, main_archive
from tools.turn import turn

PAGE = ROOT / "docs" / "routers" / "README.md"


def main() -> int:
    asked = argparse.ArgumentParser(prog="make routers", description=__doc__)
    names = [bed.name for bed in BEDS]
    asked.add_argument("beds", nargs="*", metavar="BED", help=f"of {', '.join(names)}; else all")
    asked.add_argument("--jobs", type=int, default=4, help="files of tests at a time")
    asked.add_argument("--rows", nargs="*", help="pytest's names; else all of e2e/bgp")
    asked.add_argument("--table", action="store_true", help="only write what was seen before")
    given = asked.parse_args()
    if unknown := set(given.beds) - set(names):
        asked.error(f"{', '.join(sorted(unknown))}: no such bed")
    chosen = [bed for bed in BEDS if bed.name in (given.beds or names)]
    return spoken("routers", lambda: _all([] if given.table else chosen, given.rows, given.jobs))


def _all(beds: Sequence[Bed], wanted: Sequence[str] | None, jobs: int) -> int:
    with turn(HOME, "routers"):
        for bed in beds:
            fetch(main_archive(machine_sources(Path("/etc/apt")), codename()), bed)
            found = _tried(bed, list(wanted or [rows.FOLDER]), jobs)
            _remember(bed, found, partly=bool(wanted))
        columns = [column for bed in BEDS for column in _remembered(bed)]
        order = list(NAMES)
        columns.sort(key=lambda one: (order.index(one.kind), _numbers(one.version)))
        page = PAGE.read_text()
        PAGE.write_text(table.put_into(page, table.written(columns, DIFFERENCES)))
    print(f"routers: {PAGE.relative_to(ROOT)} is written", flush=True)
    return 0


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _tried(bed: Bed, wanted: list[str], jobs: int) -> list[Column]:
    """Return a column for each router of *bed*; what fails is tried with each of them alone."""
    together = rows.run(bed.name, folder(bed), wanted, jobs)
    failed = set(rows.failed(together))
    columns = []
    for release in bed.releases:
        mine = rows.spoken_with(together, release.kind)
        again = [name for name in mine if name in failed]
        alone: Mapping[str, Row] = {}
        if again:
            place = folder(bed) / release.kind if release.package else None
            alone = rows.run(f"{bed.name}-{release.kind}", place, again, jobs)
        outcomes = {name: (alone if name in alone else together)[name].outcome for name in mine}
        versions = {together[name].routers[release.kind] for name in mine}
        if len(versions) > 1:
            raise Failed(
                f"The {NAMES[release.kind]} of {bed.name} calls itself {sorted(versions)}."
            )
        if not versions:  # of the rows that were asked for none speaks with it
            continue
        columns.append(Column(release.kind, versions.pop(), release.suite, outcomes))
    return columns


def _file(bed: Bed) -> Path:
    return HOME / "results" / f"{bed.name}.json"


def _remember(bed: Bed, columns: Sequence[Column], *, partly: bool) -> None:
    """Write down what was seen with *bed*; *partly*: all other rows are as they were before."""
    before = {one.kind: one for one in _remembered(bed)} if partly else {}
    after = before | {one.kind: one for one in columns}
    for kind, column in before.items():
        after[kind] = replace(after[kind], outcomes={**column.outcomes, **after[kind].outcomes})
    _file(bed).write_text(json.dumps([asdict(one) for one in after.values()], indent=1))


def _remembered(bed: Bed) -> list[Column]:
    if not _file(bed).is_file():
        raise Failed(f"The rows were never run on {bed.name}: `make routers BEDS={bed.name}`.")
    return [Column(**one) for one in json.loads(_file(bed).read_text())]


if __name__ == "__main__":
    sys.exit(main())
