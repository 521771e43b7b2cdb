"""sessions.json: what one daemon's parent says, and nothing that anybody else left there."""

import json

from hypothesis import given
from hypothesis import strategies as st

from pointsman.wire.notification import CODES, words
from pointsman.wire.session_reasons import LARGEST, LONGEST, MOST, decode, encode

ID = (7, 9)


@given(st.dictionaries(st.ip_addresses().map(str), st.text(max_size=LONGEST), max_size=9))
def test_what_is_written_is_read(reasons: dict[str, str]) -> None:
    found = decode(encode(ID, reasons), ID)
    assert found.keys() == reasons.keys()
    for name, why in reasons.items():
        assert found[name].isprintable()
        assert found[name] == why or not why.isprintable()


@given(
    st.binary()
    | st.recursive(
        st.none() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ).map(lambda value: json.dumps({"socket": list(ID), "sessions": value}).encode())
)
def test_any_bytes_are_reasons_or_none(raw: bytes) -> None:
    assert all(isinstance(why, str) for why in decode(raw, ID).values())


def test_a_predecessors_word_is_nobodys() -> None:
    raw = encode(ID, {"192.0.2.1": "refused"})
    assert decode(raw, (7, 10)) == decode(raw, (8, 9)) == {}


def test_it_stays_small() -> None:
    many = {f"10.0.{n >> 8}.{n & 255}": "x" * 1000 for n in range(2 * MOST)}
    raw = encode(ID, many)
    assert len(raw) <= LARGEST
    assert len(decode(raw, ID)) == MOST
    assert decode(raw + b" " * LARGEST, ID) == {}
    assert decode(b"[" * 100_000, ID) == {}


def test_a_notification_has_words_and_numbers() -> None:
    assert words(2, 2) == "OPEN Message Error, Bad Peer AS (2/2)"
    assert words(4, 0) == "Hold Timer Expired (4/0)"
    assert words(99, 1) == "unknown error (99/1)"
    assert all(words(code, 0).startswith(name) for code, name in CODES.items())
