"""When a word is said of what arrives: soon, seldom, and never that it is quiet when it is not."""

from ipaddress import IPv4Address
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.arriving import BURST, REFILL_S, STEP_S, Arrivals, Word
from pointsman.model.assignment import MOST_ARRIVING

VIP, OTHER = IPv4Address("198.51.100.1"), IPv4Address("198.51.100.2")
CLIENT, SCANNER = IPv4Address("203.0.113.10"), IPv4Address("203.0.113.66")
POLL_S = 0.2


def polled(arrivals: Arrivals, knocks: list[float], *, until_s: float) -> list[tuple[float, Word]]:
    """Look five times a second from 0 on; a flow begins at each of *knocks*."""
    words: list[tuple[float, Word]] = []
    left = sorted(knocks)
    for tick in range(int(until_s / POLL_S) + 1):
        now_s = tick * POLL_S
        while left and left[0] <= now_s:
            arrivals.saw(VIP, SCANNER, now_s)
            left.pop(0)
        if (word := arrivals.due(now_s)) is not None:
            words.append((now_s, word))
    return words


@given(
    st.lists(st.floats(0, 300), max_size=30)
    | st.floats(0.2, 20).map(lambda gap_s: [n * gap_s for n in range(int(300 / gap_s))])
)
def test_nobody_makes_it_write_at_will_and_it_is_never_early(knocks: list[float]) -> None:
    words = polled(Arrivals(1, 0.0), knocks, until_s=300)
    times = [at_s for at_s, _ in words]
    assert all(later - earlier > 0.99 for earlier, later in pairwise(times))
    assert len(words) <= BURST + 300 / REFILL_S + 1
    for at_s, word in words:
        assert word.until_s == at_s
        came = [one for one in knocks if one <= at_s]
        assert word.since_s >= max(came, default=0.0)
        assert word.since_s <= max(came, default=0.0) + POLL_S + 1e-6


def test_quiet_is_said_within_a_quarter_of_it_and_never_more_than_15_seconds_late() -> None:
    words = [at_s for at_s, _ in polled(Arrivals(1, 0.0), [], until_s=600)]
    assert words[0] == 0.0
    for earlier, later in pairwise(words):
        assert later - earlier <= max(1.0, min(earlier / 4, STEP_S)) + POLL_S + 1e-6
    assert len(words) < 60


def test_a_flow_after_a_quiet_while_is_said_at_once() -> None:
    words = polled(Arrivals(1, 0.0), [100.0], until_s=102)
    at_s, word = next((at_s, word) for at_s, word in words if word.since_s >= 100)
    assert at_s <= 101.2
    assert word.seen[VIP].source == SCANNER
    assert word.seen[VIP].at_s == pytest.approx(100.0, abs=POLL_S)


def test_a_scanner_that_goes_on_is_said_each_second_then_each_ten() -> None:
    knocks = [n * 0.1 for n in range(2000)]
    times = [at_s for at_s, _ in polled(Arrivals(1, 0.0), knocks, until_s=200)]
    assert len([one for one in times if one <= 20]) >= 19
    assert len([one for one in times if one > 100]) <= 11


def test_the_last_source_of_each_address_and_the_latest_addresses_are_kept() -> None:
    arrivals = Arrivals(1, 0.0)
    arrivals.saw(VIP, CLIENT, 1.0)
    arrivals.saw(OTHER, CLIENT, 2.0)
    arrivals.saw(VIP, SCANNER, 3.0)
    word = arrivals.due(3.0)
    assert word is not None
    assert word.seen == {OTHER: (CLIENT, 2.0), VIP: (SCANNER, 3.0)}
    for number in range(MOST_ARRIVING - 1):
        arrivals.saw(IPv4Address(number), CLIENT, 4.0)
    word = arrivals.due(5.0)
    assert word is not None
    assert len(word.seen) == MOST_ARRIVING
    assert (VIP in word.seen, OTHER in word.seen) == (True, False)


def test_more_to_look_at_makes_it_begin_again_and_less_does_not() -> None:
    arrivals = Arrivals(1, 0.0)
    arrivals.due(0.0)
    arrivals.follow(2, 50.0, anew=False)
    word = arrivals.due(50.0)
    assert word == Word(2, 0.0, 50.0)
    arrivals.follow(3, 60.0, anew=True)
    assert arrivals.due(60.0) == Word(3, 60.0, 60.0)


def test_what_was_lost_came() -> None:
    arrivals = Arrivals(1, 0.0)
    arrivals.due(0.0)
    arrivals.lost(9.0)
    assert arrivals.due(9.0) == Word(1, 9.0, 9.0)
