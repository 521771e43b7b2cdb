"""A rotation that reminds everybody, and no more often than it must."""

from random import Random

import pytest

from pointsman.model.address import Address
from pointsman.responder.repeats import Repeats
from tests.pointsman.responder.bench import addresses


def ticks(repeats: Repeats, rate: int, until_s: float) -> list[tuple[float, list[Address]]]:
    """Return each tick with its addresses, as a shell on time sees them."""
    seen = []
    while (at := repeats.next_s()) is not None and at <= until_s:
        seen.append((at, repeats.due(at, rate=rate)))
    return seen


@pytest.mark.parametrize(
    ("number", "rate", "round_s", "gap_s"),
    [
        pytest.param(1, 500, 120.0, 120.0, id="a single one: often enough for switches"),
        pytest.param(3, 500, 360.0, 120.0, id="few: a frame each two minutes"),
        pytest.param(100, 500, 600.0, 6.0, id="a hundred: ten minutes for all"),
        pytest.param(6000, 500, 600.0, 1.0, id="thousands: several a second"),
        pytest.param(6000, 10, 6000.0, 1.0, id="a gentle rate: a tenth of it"),
    ],
)
def test_each_address_comes_once_a_round(
    number: int, rate: int, round_s: float, gap_s: float
) -> None:
    repeats = Repeats(Random(1))
    held = addresses(number)
    for address in held:
        repeats.add(address, rate=rate, now_s=0.0)
    ticks(repeats, rate, 121.0)  # the first was set while there was one address
    began_s = repeats.next_s()
    assert began_s is not None
    seen = ticks(repeats, rate, began_s + round_s - gap_s / 2)
    chosen = [address for _, several in seen for address in several]
    assert set(chosen) == set(held)
    assert len(chosen) <= 1.1 * number + 1
    assert seen[-1][0] - began_s == pytest.approx(round_s - gap_s)


def test_a_late_call_catches_nothing_up() -> None:
    repeats = Repeats(Random(1))
    for address in addresses(4):
        repeats.add(address, rate=500, now_s=0.0)
    assert len(repeats.due(10_000.0, rate=500)) == 1
    assert repeats.next_s() == pytest.approx(10_120.0)


def test_who_left_is_not_repeated() -> None:
    repeats = Repeats(Random(1))
    first, second = addresses(2)
    for address in (first, second):
        repeats.add(address, rate=500, now_s=0.0)
    repeats.discard(first)
    assert repeats.due(1_000.0, rate=500) == [second]
    repeats.discard(second)
    assert repeats.next_s() is None
