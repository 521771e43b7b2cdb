"""Answers of any shape: a value, or Garbled; never anything else."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointsman.runtime import answer
from pointsman.runtime.answer import Garbled
from pointsman.runtime.target import Unavailable
from tests.oddities import LINES, STATUSES, WHOLE

THING = {"metadata": {"name": "x", "uid": "u", "resourceVersion": "7"}, "spec": {}}
LIST = {"kind": "NodeList", "metadata": {"resourceVersion": "7"}, "items": [THING]}


def test_what_an_api_server_answers_is_taken_as_it_is() -> None:
    assert answer.as_thing(answer.decoded(json.dumps(THING).encode()), name="x") == THING
    assert answer.as_list(answer.decoded(json.dumps(LIST).encode()), "Node") == LIST
    for change in ("ADDED", "MODIFIED", "DELETED"):
        assert answer.as_event({"type": change, "object": THING}) == (change, THING)
    bookmark = {"kind": "Node", "metadata": {"resourceVersion": "9"}}
    assert answer.as_event({"type": "BOOKMARK", "object": bookmark}) == ("BOOKMARK", bookmark)
    status = {"kind": "Status", "code": 410}
    assert answer.as_event({"type": "ERROR", "object": status}) == ("ERROR", status)
    assert answer.as_event({"type": "ERROR", "object": 7}) == ("ERROR", {})


@pytest.mark.parametrize("what", WHOLE)
def test_what_is_no_answer_is_garbled(what: str) -> None:
    readers: list[Callable[[object], object]] = [
        answer.as_thing,
        lambda value: answer.as_list(value, "Node"),
    ]
    if "an event" not in what:
        readers.append(answer.as_event)
    for read in readers:
        with pytest.raises(Garbled) as raised:
            read(answer.decoded(WHOLE[what]))
        assert isinstance(raised.value, Unavailable)
        assert len(str(raised.value)) < 300
        assert str(raised.value).isprintable()


@pytest.mark.parametrize("what", LINES)
def test_what_is_no_event_is_garbled(what: str) -> None:
    with pytest.raises(Garbled):
        answer.as_event(answer.decoded(LINES[what]))


@pytest.mark.parametrize("what", [*STATUSES, *WHOLE])
def test_an_error_says_what_it_can(what: str) -> None:
    raw = {**STATUSES, **WHOLE}[what]
    message, reason = answer.complaint(raw, "Bad Gateway")
    assert message
    assert len(message) <= 300
    assert reason == ""


def test_a_proxys_page_is_repeated_without_the_secrets_of_its_links() -> None:
    page = b'<a href="http://user:s3cret@sso.example.com/?s3cret">Sign in</a>'
    shown = '<a href="http://…@sso.example.com/?…">Sign in</a>'
    assert answer.complaint(page, "Forbidden") == (shown, "")


def test_a_redirect_says_where_to() -> None:
    there = {"Location": "https://user:s3cret@sso.example.com/x?s3cret"}
    assert answer.redirect(302, there) == "a redirect to https://…@sso.example.com/x?…"
    assert answer.redirect(302, {}) == "a redirect to nowhere"
    assert answer.redirect(403, there) == ""


def test_the_words_of_a_status_are_the_message() -> None:
    raw = b'{"kind": "Status", "message": "no: it is taken", "reason": "Conflict"}'
    assert answer.complaint(raw, "x") == ("no: it is taken", "Conflict")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param(
            rb'"\ud83d\ude00 \\ud800"', "\U0001f600 \\ud800", id="a pair, and text like one"
        ),
        pytest.param(rb'"a\ud800b"', "a?b", id="half a pair"),
        pytest.param(rb'{"\udc00": "\uDBFF"}', {"?": "?"}, id="halves of both kinds"),
    ],
)
def test_text_can_always_be_written(raw: bytes, expected: object) -> None:
    assert answer.decoded(raw) == expected
    json.dumps(answer.decoded(raw), ensure_ascii=False).encode()


def test_about_another_object_is_no_answer() -> None:
    with pytest.raises(Garbled, match="about another object than y"):
        answer.as_thing(THING, name="y")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("7", 7.0), (" 7 ", 7.0), ("", 0.0), ("99999", 10.0), ("9" * 5000, 10.0), ("nan", 0.0),
        ("-3", 0.0), ("inf", 0.0), ("٣", 0.0), ("Sat, 28 Nov 2026 20:00:00 GMT", 0.0),
    ],
)  # fmt: skip
def test_retry_after_is_a_number_within_bounds(text: str, expected: float) -> None:
    assert answer.retry_after_s({"Retry-After": text}, 10.0) == expected


@pytest.mark.parametrize(
    ("version", "expected"),
    [("7", 7), ("", None), ("x", None), ("9" * 5000, None), ("٣", None), (7, None), (None, None)],
)
def test_a_version_is_a_number_or_none(version: object, expected: int | None) -> None:
    assert answer.number(version) == expected


def test_a_line_without_end_is_given_up() -> None:
    whole, rest = answer.lines(b'{"a"', b': 1}\n\n{"b": 2}\n{"c"')
    assert (whole, rest) == ([b'{"a": 1}', b'{"b": 2}'], b'{"c"')
    with pytest.raises(Garbled, match="without end"):
        answer.lines(b"", b"x" * (answer.LONGEST_LINE + 1))


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@settings(derandomize=True, max_examples=150, deadline=None, database=None)
@given(st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_a_value_or_garbled(raw: bytes) -> None:
    for read in (
        answer.as_object,
        answer.as_thing,
        lambda value: answer.as_list(value, "Node"),
        answer.as_event,
    ):
        try:
            read(answer.decoded(raw))
        except Garbled as error:
            str(error).encode()
    answer.complaint(raw, "x")
