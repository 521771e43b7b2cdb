from ipaddress import IPv4Address

from hypothesis import given
from hypothesis import strategies as st

from pointsman.model.address import Family
from pointsman.model.free import FreeNumbers, plain
from pointsman.model.ranges import Numbers, read_disjoint, union

SMALL = st.frozensets(st.integers(0, 40))


def numbers(*members: int) -> Numbers:
    return union((Family.IPV4, (n, n)) for n in members).ipv4


@given(SMALL, st.lists(st.integers(0, 40)), st.booleans())
def test_free_numbers_come_lowest_first(
    pool: frozenset[int], taken: list[int], early: bool
) -> None:
    free = FreeNumbers(numbers(*pool))
    if early:
        free.first()  # looking changes nothing
    free.take_all(taken)
    for expected in sorted(pool - set(taken)):
        assert free.first() == expected
        free.take(expected)
    assert free.first() is None


def test_numbers_taken_behind_around_and_before_the_cursor_stay_taken() -> None:
    free = FreeNumbers(numbers(*range(10)))
    free.take_all([0, 1])
    assert free.first() == 2
    free.take_all([4, 3, 2, 2, 0])
    assert free.first() == 5


def test_buggy_addresses_are_skipped_and_nothing_else_is() -> None:
    first = int(IPv4Address("192.0.1.254"))
    free = FreeNumbers(Numbers(((first, first + 4),)), avoid_buggy=True)
    given_out = []
    while (number := free.first()) is not None:
        given_out.append(str(IPv4Address(number)))
        free.take(number)
    assert given_out == ["192.0.1.254", "192.0.2.1", "192.0.2.2"]


@given(
    st.frozensets(st.integers(0, 1100), max_size=60),
    st.lists(st.integers(0, 4), max_size=5),
    st.frozensets(st.integers(0, 1100), max_size=30),
    st.booleans(),
)
def test_what_was_busy_before_is_passed_block_by_block(
    gaps: frozenset[int], whole: list[int], taken: frozenset[int], avoid_buggy: bool
) -> None:
    busy = {n for block in whole for n in range(block << 8, (block + 1) << 8)} - gaps
    asked: list[int] = []

    def is_busy(number: int) -> bool:
        asked.append(number)
        return number in busy

    def full(block: int) -> bool:
        return all(n in busy for n in range(block << 8, (block + 1) << 8) if plain(n))

    free = FreeNumbers(Numbers(((0, 1100),)), avoid_buggy=avoid_buggy, busy=is_busy, full=full)
    free.take_all(taken)
    expected = [n for n in range(1101) if n not in busy | taken and (plain(n) or not avoid_buggy)]
    for number in expected:
        assert free.first() == number
        free.take(number)
    assert free.first() is None
    assert not [n for n in asked if plain(n) and full(n >> 8)]  # passed unseen


def test_a_long_run_of_a_48_is_crossed_once_and_then_skipped() -> None:
    pool = read_disjoint(("2001:db8::/48",)).ipv6
    start = pool.spans[0][0]
    free = FreeNumbers(pool)
    free.take_all(range(start, start + 50_000))
    for step in range(50_000, 51_000):  # crossing each time would take minutes
        assert free.first() == start + step
        free.take(start + step)
