"""Which reports count: rising ones, of who hears us now."""

from manager.replicas.reports import Reports, Way
from manager.replicas.timing import ECHO_S, UNHEARD_S
from pointsman.wire.heartbeat import Drop, View
from pointsman.wire.replica_report import mark_of

KEY = b"k" * 32
NOTHING: frozenset[bytes] = frozenset()


def pair() -> tuple[Reports, Reports]:
    a, b = Reports("a"), Reports("b")
    a.enrol({"b": Way(("b", 1), KEY)})
    b.enrol({"a": Way(("a", 1), KEY)})
    return a, b


def say(
    one: Reports,
    now_s: float,
    *,
    view: View = View.FRESH,
    serves: frozenset[bytes] = NOTHING,
) -> bytes:
    ((data, _),) = one.outgoing(view=view, follows=9, serves=serves, now_s=now_s)
    return data


def talk(a: Reports, b: Reports, start_s: float, end_s: float) -> None:
    now_s = start_s
    while now_s < end_s:
        to_b, to_a = say(a, now_s), say(b, now_s)
        b.received(to_b, now_s)
        a.received(to_a, now_s)
        now_s += 0.2


def test_two_hear_each_other_after_one_report_each_way() -> None:
    a, b = pair()
    assert b.received(say(a, 1.0), 1.0) is Drop.UNPROVEN  # it repeats nothing of ours yet
    assert not b.others["a"].is_heard(1.0)
    assert a.received(say(b, 1.1), 1.1) is None
    assert a.others["b"].is_heard(1.1)
    assert a.others["b"].follows == 9


def test_one_that_falls_silent_is_heard_no_more() -> None:
    a, b = pair()
    talk(a, b, 0.0, 5.0)
    last_s = a.others["b"].heard_s
    assert a.others["b"].is_heard(last_s + UNHEARD_S - 0.01)
    assert not a.others["b"].is_heard(last_s + UNHEARD_S)


def test_one_that_does_not_hear_us_is_not_heard() -> None:
    """Its way to us works, ours to it doesn't: it repeats an old report for ever."""
    a, b = pair()
    talk(a, b, 0.0, 5.0)
    for step in range(50):
        now_s = 5.0 + step / 5
        say(a, now_s)  # lost
        refused = a.received(say(b, now_s), now_s)
        assert refused is (None if now_s <= 4.8 + ECHO_S else Drop.UNPROVEN)
    assert not a.others["b"].is_heard(15.0)


def test_a_repeated_report_is_old() -> None:
    a, b = pair()
    talk(a, b, 0.0, 1.0)
    data = say(b, 1.0)
    assert a.received(data, 1.0) is None
    assert a.received(data, 1.1) is Drop.OLD


def test_a_report_held_back_for_seconds_counts_for_nothing() -> None:
    a, b = pair()
    talk(a, b, 0.0, 1.0)
    late = say(b, 1.0)
    for step in range(30):
        say(a, 1.0 + step / 5)
    assert a.received(late, 7.0) is Drop.UNPROVEN


def test_another_key_is_another_process() -> None:
    a, b = pair()
    talk(a, b, 0.0, 1.0)
    a.enrol({"b": Way(("b", 1), KEY)})
    assert a.others["b"].counter
    a.enrol({"b": Way(("b", 1), b"n" * 32)})
    assert not a.others["b"].counter
    assert a.received(say(b, 1.0), 1.0) is Drop.FORGED
    a.enrol({})
    assert a.received(say(b, 1.2), 1.2) is Drop.UNKNOWN


def test_another_address_is_the_same_process() -> None:
    """As of another node's Announcer, which names it by a network that it shares."""
    a, b = pair()
    talk(a, b, 0.0, 1.0)
    known = a.others["b"]
    a.enrol({"b": Way(("b on another network", 1), KEY)})
    assert a.others["b"] is known
    assert known.is_heard(1.0)
    ((_, peer),) = a.outgoing(view=View.FRESH, follows=9, serves=NOTHING, now_s=1.0)
    assert peer == ("b on another network", 1)


def test_since_when_a_router_is_served_begins_anew_after_a_silence() -> None:
    a, b = pair()
    mark = mark_of("tor")
    talk(a, b, 0.0, 1.0)
    for now_s in (1.0, 1.2, 1.4):
        b.received(say(a, now_s), now_s)
        a.received(say(b, now_s, serves=frozenset({mark})), now_s)
    assert a.others["b"].serves == {mark: 1.0}
    b.received(say(a, 4.0), 4.0)
    a.received(say(b, 4.0, serves=frozenset({mark})), 4.0)
    assert a.others["b"].serves == {mark: 4.0}
    assert a.others["b"].fresh_since_s == 4.0
