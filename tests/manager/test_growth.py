"""What one event costs hardly grows with how many Services there are: calls counted, no clock.

A loop over all Services that somebody adds to a plan, a step or a write makes this fail, with the
names of the functions that are called more often the more Services there are.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import pytest

from tests.bench.calls import calls_of, exponent

pytestmark = pytest.mark.looptime(noop_cycles=1)

SIZES = (100, 200, 400)
NODES = 10
GROWTH = 0.15  # at most this power of the number of Services
EIPS = 0.75  # an Eip that is edited has every Service judged anew, those of other Eips too
NAMED = 12


async def test_what_an_event_costs_hardly_grows_with_the_services() -> None:
    found = [await calls_of(size, NODES) for size in SIZES]
    too_much = []
    for kind in found[0]:
        costs = [one[kind].total() for one in found]
        grows = exponent(SIZES, costs)
        print(f"{kind:24} {grows:5.2f}  {costs}")
        if grows > (EIPS if "Eip" in kind else GROWTH):
            too_much += [f"{kind}: {costs}, exponent {grows:.2f}", *_growing(kind, found)]
    assert not too_much, "\n".join(["calls grow with the Services:", *too_much])


def _growing(kind: str, found: Sequence[Mapping[str, Counter[str]]]) -> Iterator[str]:
    """Yield the functions that more Services make be called more often."""
    more = found[-1][kind] - found[0][kind]
    for name, count in more.most_common(NAMED):
        yield f"    {count:+7} {name}"
