"""Whatever part fails under traffic: addresses stay, tables come back, and replicas cost nothing.

`python -m e2e.chaos --minutes 30` is the long run whose figures docs/resilience.md shows.
"""

import os
from pathlib import Path

import pytest

from conftest import Say
from e2e.bed import Bed
from e2e.chaos.faults import COSTLY, REGROUPING
from e2e.chaos.outages import table
from e2e.chaos.run import run
from lab.options import Options

pytestmark = pytest.mark.lab
SECONDS = 60.0
AT_ONCE = 4  # connections under way when the next hops change, and change back


@pytest.fixture(scope="module")
def options() -> Options:
    return Options(managers=2)


def test_a_bounded_chaos(lab: Bed, tmp_path: Path, say: Say) -> None:
    seed = int(os.environ.get("SEED", "1"))
    outcome = run(lab, seed=seed, seconds=SECONDS, folder=tmp_path)
    say(f"seed {seed}:\n{table(outcome.costs)}")
    assert outcome.moved == []
    assert outcome.after == outcome.before
    assert outcome.fresh == outcome.before
    assert {one.fault: one.events for one in outcome.costs if one.events} == {}
    free = [one for one in outcome.costs if one.fault not in COSTLY]
    regrouped = [one for one in free if one.fault in REGROUPING]
    assert all(one.resets <= AT_ONCE * one.times for one in regrouped)
    lost = {one.fault: one.lost for one in free}
    lost |= {one.fault: one.lost - one.resets for one in regrouped}
    assert {fault: number for fault, number in lost.items() if number} == {}
