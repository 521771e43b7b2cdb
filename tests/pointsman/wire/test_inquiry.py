"""Questions and answers as bytes: what is written is read, and anything else has a reason."""

import hashlib
import hmac
from dataclasses import replace
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.wire.heartbeat import LONGEST, Beat, Drop, write_beat
from pointsman.wire.inquiry import (
    ANSWER,
    MOST_PORTS,
    QUESTION,
    Answer,
    Question,
    kind_of,
    read_answer,
    read_question,
    write_answer,
    write_question,
)

KEY = b"k" * 32
NUMBER = b"12345678"
NAMES = st.text("ab-9.", min_size=1, max_size=253)
NUMBERS = st.binary(min_size=8, max_size=8)
QUESTIONS = st.builds(
    Question,
    number=NUMBERS,
    sender=NAMES,
    node=NAMES,
    address=st.none() | st.ip_addresses(),
    ports=st.lists(st.integers(0, 65_535), max_size=MOST_PORTS).map(tuple),
)
ANSWERS = st.builds(
    Answer,
    number=NUMBERS,
    sender=NAMES,
    node=NAMES,
    alive=st.booleans(),
    age_ms=st.integers(0, 2**32 - 1),
)
ASKED = Question(NUMBER, "manager-a", "node2", ip_address("192.0.2.12"), (10250, 10256))
SAID = Answer(NUMBER, "node1", "node2", alive=True, age_ms=70)
GOOD_QUESTION = write_question(ASKED, to="node1", key=KEY)
GOOD_ANSWER = write_answer(SAID, to="manager-a", key=KEY)


def question(data: bytes, key: bytes | None = KEY, own: str = "node1") -> Question | Drop:
    return read_question(data, own=own, key_of=lambda name: key)


def answer(data: bytes, key: bytes | None = KEY, own: str = "manager-a") -> Answer | Drop:
    return read_answer(data, own=own, key_of=lambda name: key)


@given(QUESTIONS)
def test_a_question_is_read_as_it_was_written(one: Question) -> None:
    data = write_question(one, to="node1", key=KEY)
    assert question(data) == one
    assert (kind_of(data), len(data) <= LONGEST) == (QUESTION, True)


@given(ANSWERS)
def test_an_answer_is_read_as_it_was_written(one: Answer) -> None:
    data = write_answer(one, to="manager-a", key=KEY)
    assert answer(data) == one
    assert kind_of(data) == ANSWER


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param(b"", Drop.FOREIGN, id="nothing"),
        pytest.param(GOOD_ANSWER, Drop.FOREIGN, id="an answer"),
        pytest.param(
            write_beat(Beat("n", bytes(16), 1), manager="m", key=KEY), Drop.FOREIGN, id="a beat"
        ),
        pytest.param(b"PM\x02\x03" + GOOD_QUESTION[4:], Drop.FOREIGN, id="another format"),
        pytest.param(GOOD_QUESTION[:20], Drop.SHORT, id="cut early"),
        pytest.param(GOOD_QUESTION[:-3], Drop.SHORT, id="cut late"),
        pytest.param(GOOD_QUESTION + b"\0", Drop.MALFORMED, id="an octet too many"),
        pytest.param(GOOD_QUESTION + bytes(700), Drop.MALFORMED, id="longer than any of ours"),
        pytest.param(GOOD_QUESTION.replace(b"node2", b"nod\xff2"), Drop.MALFORMED, id="no text"),
        pytest.param(GOOD_QUESTION.replace(b"node2", b"node3"), Drop.FORGED, id="another node"),
    ],
)
def test_what_is_no_question_has_a_reason(data: bytes, reason: Drop) -> None:
    assert question(data) is reason


def test_a_code_is_good_for_one_pair_and_one_direction() -> None:
    assert question(GOOD_QUESTION, own="node3") is Drop.FORGED
    assert question(GOOD_QUESTION, key=b"j" * 32) is Drop.FORGED
    assert question(GOOD_QUESTION, key=None) is Drop.UNKNOWN
    assert answer(GOOD_ANSWER, own="manager-b") is Drop.FORGED
    assert answer(GOOD_ANSWER, key=None) is Drop.UNKNOWN


@given(st.binary(max_size=700))
def test_any_bytes_are_a_value_or_a_reason(data: bytes) -> None:
    for head in (b"", b"PM\x01\x03", b"PM\x01\x04"):
        assert isinstance(question(head + data), Drop)
        assert isinstance(answer(head + data), Drop)
        assert 0 <= kind_of(head + data) <= 255


@given(st.data(), QUESTIONS, ANSWERS)
def test_any_change_is_a_reason(draw: st.DataObject, one: Question, two: Answer) -> None:
    for data, read in (
        (write_question(one, to="node1", key=KEY), question),
        (write_answer(two, to="manager-a", key=KEY), answer),
    ):
        at = draw.draw(st.integers(0, len(data) - 1))
        changed = bytearray(data)
        changed[at] ^= draw.draw(st.integers(1, 255))
        assert isinstance(read(bytes(changed)), Drop)
        assert isinstance(read(data[:at]), Drop)


def test_the_code_is_the_documented_one() -> None:
    """Beside the implementation, from `pointsman/wire/DESIGN.md` alone."""
    for data, bound in (
        (GOOD_QUESTION, b"question\0" + b"\x09manager-a" + b"\x05node1"),
        (GOOD_ANSWER, b"answer\0" + b"\x05node1" + b"\x09manager-a"),
    ):
        assert hmac.new(KEY, bound + data[:-16], hashlib.sha256).digest()[:16] == data[-16:]


def test_an_age_beyond_its_field_saturates() -> None:
    read = answer(write_answer(replace(SAID, age_ms=2**40), to="manager-a", key=KEY))
    assert isinstance(read, Answer)
    assert read.age_ms == 2**32 - 1
