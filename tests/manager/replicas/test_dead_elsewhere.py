"""A node is dead by the word of one that heard it, for a while, and one step further."""

import pytest

from manager.replicas.dead_elsewhere import DeadElsewhere
from manager.replicas.reports import OtherReplica, Way
from manager.replicas.timing import HEARSAY_S
from pointsman.wire.heartbeat import View
from pointsman.wire.replica_report import MOST_MARKS, ReplicaReport, mark_of

NODE = frozenset({mark_of("node3")})
NONE: frozenset[bytes] = frozenset()


def replica() -> OtherReplica:
    return OtherReplica(Way(("192.0.2.9", 7470), b"k" * 32))


def say(
    one: OtherReplica,
    at_s: float,
    *,
    dead: frozenset[bytes] = NONE,
    retold: frozenset[bytes] = NONE,
    view: View = View.FRESH,
) -> OtherReplica:
    one.take(ReplicaReport("b", 1, view=view, dead=dead, retold=retold), at_s)
    return one


def test_what_one_found_counts_and_is_passed_on() -> None:
    found = DeadElsewhere()
    found.hear([say(replica(), 1.0, dead=NODE)], 1.0)
    assert (found.all, found.passed_on) == (NODE, NODE)


def test_what_one_was_told_counts_and_goes_no_further() -> None:
    found = DeadElsewhere()
    found.hear([say(replica(), 1.0, retold=NODE)], 1.0)
    assert (found.all, found.passed_on) == (NODE, NONE)


def test_who_is_not_fresh_is_not_believed() -> None:
    found = DeadElsewhere()
    found.hear([say(replica(), 1.0, dead=NODE, view=View(0))], 1.0)
    assert found.all == NONE


def test_who_said_it_takes_it_back() -> None:
    found, one = DeadElsewhere(), replica()
    found.hear([say(one, 1.0, dead=NODE)], 1.0)
    found.hear([say(one, 1.2)], 1.2)
    assert found.all == NONE


@pytest.mark.parametrize("last", [0, 1])
def test_one_who_takes_it_back_does_so_for_nobody_else(last: int) -> None:
    found, both = DeadElsewhere(), [replica(), replica()]
    for one in both:
        say(one, 1.0, dead=NODE)
    found.hear(both, 1.0)
    for number, one in enumerate(both):
        say(one, 1.2, dead=NONE if number == last else NODE)
    found.hear(both, 1.2)
    assert found.all == NODE


def test_what_has_no_room_in_a_report_is_not_taken_back() -> None:
    """Of many a report names some, and which changes as nodes die and come back."""
    many = sorted(mark_of(f"node{number}") for number in range(MOST_MARKS + 2))
    found, one = DeadElsewhere(), replica()
    found.hear([say(one, 1.0, dead=frozenset(many[2:]))], 1.0)
    found.hear([say(one, 1.2, dead=frozenset(many[:MOST_MARKS]))], 1.2)
    assert found.all == frozenset(many)
    found.hear([say(one, 1.4, dead=frozenset(many[:1]))], 1.4)
    assert found.all == frozenset(many[:1])


def test_a_process_that_starts_takes_nothing_back() -> None:
    found = DeadElsewhere()
    found.hear([say(replica(), 1.0, dead=NODE)], 1.0)
    found.hear([say(replica(), 2.0)], 2.0)
    assert found.all == NODE


def test_it_ends_when_kubernetes_must_know() -> None:
    found = DeadElsewhere()
    found.hear([say(replica(), 1.0, dead=NODE)], 1.0)
    found.hear([], 1.0 + HEARSAY_S)
    assert found.all == NODE
    found.hear([], 1.1 + HEARSAY_S)
    assert (found.all, found.passed_on) == (NONE, NONE)
