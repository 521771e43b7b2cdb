"""Floods: who is answered how often, and what a flood can't do to others."""

from hypothesis import given
from hypothesis import strategies as st

from pointsman.responder.limits import PER_INTERFACE, PER_SOURCE, AnswerLimits
from pointsman.wire.frame_drops import FrameDrop
from tests.pointsman.responder.bench import BOTH, V4, V6, Bench, claim, parsed, question

A, B = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")


def answered(limits: AnswerLimits, source: bytes, count: int, *, at_s: float, addresses=1) -> int:
    return sum(limits.allow(source, addresses=addresses, now_s=at_s) for _ in range(count))


def test_a_station_that_floods_is_answered_so_often_and_others_are_not_concerned() -> None:
    limits = AnswerLimits()
    assert answered(limits, A, 2000, at_s=100.0) == PER_SOURCE + 1
    assert answered(limits, B, 10, at_s=100.5) == 10
    assert answered(limits, A, 1, at_s=100.99) == 0
    assert answered(limits, A, 1, at_s=101.0) == 1


def test_a_router_that_starts_resolves_all_addresses_at_once() -> None:
    limits = AnswerLimits()
    assert answered(limits, A, 4000, at_s=0.0, addresses=4000) == 4000


def test_sources_at_random_get_no_more_than_the_interface_gives() -> None:
    limits = AnswerLimits()
    sources = (number.to_bytes(6, "big") for number in range(4 * PER_INTERFACE))
    given = sum(limits.allow(source, addresses=1, now_s=7.0) for source in sources)
    assert given == PER_INTERFACE
    assert answered(limits, A, 1, at_s=8.0) == 1


@given(
    st.lists(
        st.tuples(st.sampled_from([A, B]), st.floats(0, 0.2), st.integers(1, 200)), max_size=60
    ),
    st.integers(0, 30),
)
def test_in_any_second_no_source_gets_more_than_two_windows_hold(
    asked: list[tuple[bytes, float, int]], addresses: int
) -> None:
    limits, now_s = AnswerLimits(), 1000.0
    times: dict[bytes, list[float]] = {A: [], B: []}
    for source, gap_s, count in asked:
        now_s += gap_s
        for _ in range(10 * count):
            if limits.allow(source, addresses=addresses, now_s=now_s):
                times[source].append(now_s)
    for answers in times.values():
        for start in set(answers):
            within = [at for at in answers if start <= at < start + 1]
            assert len(within) <= 2 * (PER_SOURCE + addresses)


def test_a_responder_answers_a_flood_so_often_and_says_how_often_it_did_not() -> None:
    bench = Bench(*BOTH)
    asked = question(V4, mac=A)
    assert sum(len(bench.hear(asked)) for _ in range(PER_SOURCE + 60)) == PER_SOURCE + 2
    assert len(bench.hear(question(V6, mac=B))) == 1
    counted = bench.responder.counters
    assert counted.drops[FrameDrop.LIMITED] == 60 - 2
    assert sum(counted.replies.values()) == PER_SOURCE + 3


def test_a_claim_is_heard_however_much_its_sender_asks() -> None:
    bench = Bench(V4)
    for _ in range(PER_SOURCE + 60):
        bench.hear(question(V4, mac=A))
    bench.hear(claim(V4, A))
    assert bench.responder.questions == {V4}


def test_answers_to_questions_that_another_interface_sent_are_counted() -> None:
    bench = Bench(V4)
    asked = question(V4, mac=A)
    (reply,) = bench.hear(asked[:6] + B + asked[12:])
    assert parsed(reply).destination == A
    assert bench.responder.counters.relayed == 1
