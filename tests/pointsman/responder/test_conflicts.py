"""Whoever forges frames fills no memory."""

import pytest

from pointsman.responder.conflicts import CONFLICTS_MAX, Conflicts
from pointsman.responder.terms import SeenConflict
from pointsman.responder.timing import CLAIM_FORGOTTEN_S
from tests.pointsman.responder.bench import HIGHER, LOWER, V4, addresses


def test_since_is_the_first_time_and_the_mac_the_last() -> None:
    conflicts = Conflicts()
    assert conflicts.record(V4, LOWER, 1.0)
    assert not conflicts.record(V4, LOWER, 2.0)
    assert conflicts.record(V4, HIGHER, 3.0)
    assert conflicts.view() == {V4: SeenConflict(HIGHER, 1.0)}


def test_macs_that_change_with_every_frame_are_news_once_a_second() -> None:
    conflicts = Conflicts()
    news = [conflicts.record(V4, n.to_bytes(6, "big"), n / 1000) for n in range(1, 5001)]
    assert news.count(True) == 5
    assert conflicts.view()[V4].mac == (5000).to_bytes(6, "big")


def test_quiet_ones_are_forgotten_when_that_was_foretold() -> None:
    conflicts = Conflicts()
    conflicts.record(V4, LOWER, 1.0)
    conflicts.record(V4, LOWER, 50.0)
    assert conflicts.quiet_s() == pytest.approx(50.0 + CLAIM_FORGOTTEN_S)
    assert not conflicts.forget_quiet(49.0 + CLAIM_FORGOTTEN_S)
    assert conflicts.forget_quiet(50.0 + CLAIM_FORGOTTEN_S)
    assert (conflicts.view(), conflicts.quiet_s()) == ({}, None)


def test_no_more_than_the_limit_and_the_first_ones_stay() -> None:
    conflicts = Conflicts()
    many = addresses(3 * CONFLICTS_MAX)
    assert [conflicts.record(a, LOWER, 1.0) for a in many].count(True) == CONFLICTS_MAX
    assert set(conflicts.view()) == set(many[:CONFLICTS_MAX])
    conflicts.forget(many[0])
    assert conflicts.record(many[-1], LOWER, 2.0)
