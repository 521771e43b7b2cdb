"""Quiet only where a fresh one surely serves; in doubt it speaks."""

from collections.abc import Callable
from typing import Any

import pytest

from manager.replicas.conduct import followed, is_in_step, is_missed, quiet_towards
from manager.replicas.reports import OtherReplica, Way
from manager.replicas.timing import DOUBT_S, LATELY_S, STEADY_S, UNHEARD_S
from pointsman.model.route import PeerName
from pointsman.wire.replica_report import mark_of

TOR, LEAF = PeerName("tor"), PeerName("leaf")
NOW = 100.0
Change = Callable[[OtherReplica], Any]


def other(since_s: float = NOW - STEADY_S, follows: int = 5) -> OtherReplica:
    return OtherReplica(
        Way(("192.0.2.9", 7470), b"k" * 32),
        heard_s=NOW - 0.1,
        steady_since_s=since_s,
        fresh_since_s=since_s,
        follows=follows,
        serves={mark_of(TOR): since_s},
    )


def quiet(
    *others: OtherReplica,
    stale_since_s: float | None = NOW - DOUBT_S,
    already: frozenset[PeerName] = frozenset(),
) -> set[PeerName]:
    return set(
        quiet_towards((TOR, LEAF), others, already=already, stale_since_s=stale_since_s, now_s=NOW)
    )


def test_a_stale_one_is_quiet_where_a_fresh_one_serves_and_nowhere_else() -> None:
    assert quiet(other()) == {TOR}
    assert quiet(other(), stale_since_s=None) == set()
    assert quiet() == set()


def silent(one: OtherReplica) -> None:
    one.heard_s = NOW - UNHEARD_S


def stale(one: OtherReplica) -> None:
    one.fresh_since_s = None


def without_session(one: OtherReplica) -> None:
    one.serves.clear()


@pytest.mark.parametrize("change", [silent, stale, without_session])
def test_it_speaks_again_at_once(change: Change) -> None:
    one = other()
    change(one)
    assert quiet(one, already=frozenset({TOR})) == set()


def test_it_waits_until_the_other_has_served_for_a_while_and_then_stays() -> None:
    late = other(since_s=NOW - STEADY_S + 0.1)
    assert quiet(late) == set()
    assert quiet(late, already=frozenset({TOR})) == {TOR}


def test_what_befell_it_a_moment_ago_may_have_befallen_the_other() -> None:
    assert quiet(other(), stale_since_s=NOW - DOUBT_S + 0.1) == set()
    already = frozenset({TOR})
    assert quiet(other(), stale_since_s=NOW - DOUBT_S + 0.1, already=already) == {TOR}


def test_of_several_one_that_serves_is_enough() -> None:
    one = other()
    stale(one)
    assert quiet(one, other()) == {TOR}


def test_one_is_in_step_if_it_is_heard_fresh_and_follows() -> None:
    assert is_in_step(other(), NOW)
    assert not is_in_step(other(follows=0), NOW)
    one = other()
    stale(one)
    assert not is_in_step(one, NOW)
    assert not is_missed(one, NOW)
    silent(one)
    assert is_missed(one, NOW)


def test_the_slowest_that_was_heard_lately_is_waited_for() -> None:
    gone = other(follows=1)
    gone.heard_s = NOW - LATELY_S
    assert followed((other(follows=7), other(follows=5), gone), NOW) == 5
    assert followed((gone,), NOW) is None
    assert followed((), NOW) is None
