"""How many Python functions one event calls, by kind of event: no clock, so no noise of a machine.

It sees no loop inside C (a dictionary that is copied, sets that are united): the CPU time beside
it in `make bench` does.
"""

import math
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from types import CodeType, FrameType
from typing import Final, Self

from tests.bench.in_process import PEER, LargeCluster, large_cluster

ROUNDS: Final = 3
ROOT: Final = f"{Path(__file__).resolve().parents[2]}/"
FAKES: Final = f"{ROOT}tests/"
# What stands for the machine and the server: its part is the same for every size.
NOT_OURS: Final = ("asyncio", "looptime", "copy.py", "json")
Deed = Callable[[], object]


class Calls:
    """A context that counts the functions called inside, but those of the tests' fakes."""

    def __init__(self) -> None:
        self._counts: Counter[CodeType] = Counter()

    def __enter__(self) -> Self:
        sys.setprofile(self._seen)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def _seen(self, frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            self._counts[frame.f_code] += 1

    @property
    def by_function(self) -> Counter[str]:
        """Return how often each function was called."""
        found: Counter[str] = Counter()
        for code, count in self._counts.items():
            if not _is_foreign(code):
                found[f"{code.co_filename.removeprefix(ROOT)}:{code.co_qualname}"] += count
        return found


def _is_foreign(code: CodeType) -> bool:
    name = code.co_filename
    return name.startswith(FAKES) or any(f"/{one}" in name for one in NOT_OURS)


async def events(
    cluster: LargeCluster, number: int, measured: Callable[[str, Deed], Awaitable[None]]
) -> None:
    """Have one event of each kind caused by *measured*; the cluster is then what it was.

    What only leads to an event is caused beside it: a Service's slice comes before it.
    """
    name, local, nodes = f"event-{number}", f"local-{number}", cluster.nodes
    await cluster.cause(lambda: cluster.serve(name, *nodes))
    await measured("a new Service", lambda: cluster.create(name))
    await measured("its endpoints go", lambda: cluster.serve(name))
    await measured("its endpoints come", lambda: cluster.serve(name, *nodes))
    await measured("one endpoint goes", lambda: cluster.serve(name, *nodes[1:]))
    await measured("it is deleted", lambda: cluster.delete(name))
    await cluster.cause(lambda: cluster.forget_slice(name))
    await cluster.cause(lambda: cluster.serve(local, nodes[0]))
    await cluster.cause(lambda: cluster.create(local, policy="Local"))
    await measured("a Local endpoint moves", lambda: cluster.serve(local, nodes[1]))
    await cluster.cause(lambda: cluster.delete(local))
    await cluster.cause(lambda: cluster.forget_slice(local))
    await measured("another Eip is edited", lambda: cluster.edit_eip("other", priority=number))


async def turns(
    cluster: LargeCluster, number: int, measured: Callable[[str, Deed], Awaitable[None]]
) -> None:
    """Have what concerns every Service caused by *measured*: nodes, sessions, the pool of all."""
    await measured("a node drains", lambda: cluster.node(1, drained=True))
    await measured("it is back", lambda: cluster.node(1))
    await measured("a node dies", lambda: cluster.node(2, ready="False"))
    await measured("it lives again", lambda: cluster.node(2))
    await measured("a session goes down", lambda: cluster.speaker.turn(PEER, down=True))
    await measured("it is up again", lambda: cluster.speaker.turn(PEER, down=False))
    await measured("their Eip is edited", lambda: cluster.edit_eip("bulk", priority=number))
    await measured("kubelets renew", lambda: cluster.node(3))


async def calls_of(count: int, nodes: int) -> Mapping[str, Counter[str]]:
    """Return what one event of each kind calls, the fewest of three times, at *count* Services."""
    found: dict[str, Counter[str]] = {}

    async with large_cluster(count, nodes) as cluster:

        async def measured(kind: str, deed: Deed) -> None:
            with Calls() as calls:
                await cluster.cause(deed)
            before, now = found.get(kind), calls.by_function
            if before is None or now.total() < before.total():
                found[kind] = now

        for number in range(ROUNDS):
            await events(cluster, number, measured)
    return found


def exponent(sizes: Sequence[int], costs: Sequence[float]) -> float:
    """Return e of cost ~ size**e, by the slope of a line through the logarithms."""
    xs, ys = [math.log(one) for one in sizes], [math.log(one) for one in costs]
    x, y = sum(xs) / len(xs), sum(ys) / len(ys)
    slope = sum((a - x) * (b - y) for a, b in zip(xs, ys, strict=True))
    return slope / sum((a - x) ** 2 for a in xs)
