"""What comes of a frame: an answer that is counted, or nothing, counted as well."""

import pytest

from pointsman.model.address import Address
from pointsman.responder.answer import ReplyKind, read
from pointsman.responder.counters import Counters
from pointsman.responder.limits import PER_SOURCE, AnswerLimits
from pointsman.responder.tally import given
from pointsman.wire.frame_drops import FrameDrop
from tests.pointsman.responder.bench import CLIENT, V4, V6, question

ANSWER = b"an answer"


@pytest.mark.parametrize(
    ("address", "kind"), [(V4, ReplyKind.ARP_BROADCAST), (V6, ReplyKind.NS_MULTICAST)]
)
def test_an_answer_is_counted_by_its_question_until_its_source_has_had_enough(
    address: Address, kind: ReplyKind
) -> None:
    packet, counters, limits = read(question(address, mac=CLIENT)), Counters(), AnswerLimits()
    assert not isinstance(packet, FrameDrop)
    for _ in range(PER_SOURCE + 5):
        sent = given(packet, ANSWER, counters, limits=limits, addresses=1, now_s=7.0)
    assert sent == []
    assert counters.replies == {kind: PER_SOURCE + 1}
    assert counters.drops == {FrameDrop.LIMITED: 4}
    assert given(packet, ANSWER, counters, limits=limits, addresses=1, now_s=8.0) == [ANSWER]


def test_what_is_not_answered_costs_its_source_nothing() -> None:
    packet, counters, limits = read(question(V4, mac=CLIENT)), Counters(), AnswerLimits()
    assert not isinstance(packet, FrameDrop)
    for _ in range(2 * PER_SOURCE):
        given(packet, FrameDrop.NOT_OURS, counters, limits=limits, addresses=1, now_s=7.0)
    assert counters.drops == {FrameDrop.NOT_OURS: 2 * PER_SOURCE}
    assert given(packet, ANSWER, counters, limits=limits, addresses=1, now_s=7.0) == [ANSWER]
