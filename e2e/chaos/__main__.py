"""`python -m e2e.chaos --seed 7 --minutes 30`: the chaos by hand, in a lab of its own."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from e2e import cluster, labs
from e2e.chaos.outages import table
from e2e.chaos.run import run
from lab.options import Options


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m e2e.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=30.0)
    given = parser.parse_args()
    options = Options(name=labs.fresh(), managers=2)
    with labs.standing(options) as lab, tempfile.TemporaryDirectory() as folder:
        cluster.prepare(lab)
        outcome = run(lab, seed=given.seed, seconds=60 * given.minutes, folder=Path(folder))
    print(table(outcome.costs))
    wrong = [f"{name} has another address" for name in outcome.moved]
    if outcome.after != outcome.before:
        wrong.append(f"the table is {outcome.after}, and was {outcome.before}")
    if outcome.fresh != outcome.before:
        wrong.append(f"programs that start make it {outcome.fresh}; it was {outcome.before}")
    for sentence in wrong:
        print(f"! {sentence}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
