"""What a node's death costs the planner at layer 2: figures, never a verdict.

2,000 Services on three nodes, the memo warm as in a running manager, CPU time of this process.
Run with `make bench`; the figures go into docs/performance.md.
"""

import gc
import time
from dataclasses import replace
from statistics import median

import pytest

from manager.main import GC_THRESHOLDS
from manager.planner.plan import Memo, plan
from manager.snapshot import EipName, NodeName, Snapshot
from pointsman.model.liveness import Liveness
from tests.manager.planner.layer2.test_many import MANY, many
from tests.manager.planner.scene import eip

pytestmark = pytest.mark.bench

TURNS = 11


def test_a_node_of_layer2_dies_and_lives_again_and_another_eip_comes() -> None:
    calm, memo = many(), Memo()
    plan(calm, memo.protocols, memo)
    dead = replace(calm, liveness={NodeName("node2"): Liveness.Dead})
    other = eip("other", "10.9.0.0/24", protocol="layer2")
    grown = replace(calm, eips={**calm.eips, EipName("other"): other})
    deeds = {"node2 dies": dead, "lives again": calm, "another Eip comes": grown, "goes": calm}
    took_ms: dict[str, list[float]] = {name: [] for name in deeds}

    def planned_ms(snapshot: Snapshot) -> float:
        began = time.process_time()
        plan(snapshot, memo.protocols, memo)
        return (time.process_time() - began) * 1000

    before = gc.get_threshold()
    gc.set_threshold(*GC_THRESHOLDS)  # as the manager runs
    try:
        for _ in range(TURNS):
            for name, snapshot in deeds.items():
                took_ms[name].append(planned_ms(snapshot))
    finally:
        gc.set_threshold(*before)
    for name, values in took_ms.items():
        print(f"\n    {MANY} Services x 3 nodes, {name}: {median(values):.0f} ms CPU", end="")
