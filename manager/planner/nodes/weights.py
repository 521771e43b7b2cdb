"""The share of each next hop, for `weighting: Endpoints`.

Counts are rounded to steps of half an octave (1, 2, 3, 4, 6, 8, 12, 16 and so on): off by
a fifth at most, and a Pod more or less among many moves nothing. Small counts are exact,
because there one Pod is a large share.
"""

from bisect import bisect_right
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Final

from manager.snapshot import NodeName

STEPS: Final[tuple[int, ...]] = tuple(
    sorted({1, *(2**n for n in range(1, 12)), *(3 * 2**n for n in range(11))})  # 1 … 3072
)
# A node without endpoints still carries (Cluster), and a weight cannot be zero: the others
# are scaled up, so that its share is next to nothing.
IDLE_SCALE: Final = 16


def weights(
    counts: Mapping[NodeName, int], carriers: AbstractSet[NodeName]
) -> Mapping[NodeName, int]:
    """Return the weight of each of *carriers*, 1 to 65535; empty: all alike.

    *counts* are the endpoints that serve, by node; elsewhere none do.
    """
    steps = {name: step(counts.get(name, 0)) for name in sorted(carriers)}
    if not any(steps.values()):
        return {}
    scale = 1 if all(steps.values()) else IDLE_SCALE
    return {name: max(1, count * scale) for name, count in steps.items()}


def step(count: int) -> int:
    """Return the step nearest to *count* (as a ratio); 0 for none."""
    if count <= 0:
        return 0
    at = bisect_right(STEPS, count)
    if at == len(STEPS):
        return STEPS[-1]
    below, above = STEPS[at - 1], STEPS[at]
    return above if count * count >= below * above else below
