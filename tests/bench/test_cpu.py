"""What one event costs the manager in CPU time, by its kind, without network: figures.

Method: `tests/bench/in_process.py`, on a virtual clock; CPU time of the process from the deed until
nothing is left to do, the median of several, garbage collection as in the manager. The fake
server's copies of objects and the speaker's tables are in it, real HTTP, gRPC and BGP are not:
`tests/bench/test_events.py` has these. Beside it the steps, and the functions called
(`tests/bench/calls.py`), once more and apart, because counting takes time.

SERVICES=1000 NODES=10 make bench: fewer.
"""

import asyncio
import gc
import os
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator

import pytest

from manager.main import GC_THRESHOLDS
from tests.bench.calls import Calls, Deed, events, turns
from tests.bench.in_process import LargeCluster, large_cluster

pytestmark = [pytest.mark.bench, pytest.mark.looptime(noop_cycles=1)]

SIZES = sorted(map(int, os.environ.get("SERVICES", "1000,10000").split(",")))
NODES = int(os.environ.get("NODES", "10"))
ROUNDS = int(os.environ.get("CPU_ROUNDS", "9"))
IDLE_S = 300.0  # virtual


@pytest.fixture(autouse=True)
def collection() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(*GC_THRESHOLDS)
    yield
    gc.set_threshold(*before)


@pytest.mark.parametrize("count", SIZES)
async def test_cpu_time_of_an_event(count: int) -> None:
    spent, steps = defaultdict[str, list[float]](list), defaultdict[str, list[int]](list)
    called: dict[str, int] = {}
    began = time.process_time()
    async with large_cluster(count, NODES) as cluster:
        print(f"\n    {count} Services x {NODES} nodes, in one process")
        print(f"      made, listed, at rest: {time.process_time() - began:.1f} s CPU")
        await idle(cluster)

        async def timed(kind: str, deed: Deed) -> None:
            before, stepped = time.process_time(), cluster.parts.steps
            await cluster.cause(deed)
            spent[kind].append(1000 * (time.process_time() - before))
            steps[kind].append(cluster.parts.steps - stepped)

        async def counted(kind: str, deed: Deed) -> None:
            with Calls() as calls:
                await cluster.cause(deed)
            called[kind] = calls.by_function.total()

        for number in range(ROUNDS):
            await events(cluster, number, timed)
            await turns(cluster, number, timed)
        await events(cluster, ROUNDS, counted)
        await turns(cluster, ROUNDS, counted)
    for kind, took in spent.items():
        print(
            f"      {kind:24} {statistics.median(took):7.1f} ms CPU (longest {max(took):7.1f}), "
            f"{statistics.median(steps[kind]):.0f} steps, {called[kind]:8} calls"
        )


async def idle(cluster: LargeCluster) -> None:
    """Print what a second without any event costs."""
    before = time.process_time()
    await asyncio.sleep(IDLE_S)
    spent_s = time.process_time() - before
    print(f"      at rest: {100 * spent_s / IDLE_S:.3f} % of a core, over {IDLE_S:g} virtual s")
    await cluster.rest()
