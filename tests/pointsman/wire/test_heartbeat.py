"""Datagrams as bytes: what is written is read, and any bytes are a value or a named reason."""

import hashlib
import hmac
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.wire.heartbeat import (
    LONGEST,
    MOST_LINKS,
    Acknowledgement,
    Beat,
    Drop,
    Flags,
    View,
    read_acknowledgement,
    read_beat,
    write_acknowledgement,
    write_beat,
)
from pointsman.wire.signed import LONGEST_NAME, MAC_OCTETS

KEY = b"k" * 32
BOOT = bytes(range(16))
BEAT = Beat("node1", BOOT, 7, 3, Flags.STOPPING, 12, 200, nonce=99, heard=5, links_down=("eth0",))
SAID = Acknowledgement("manager-a", 99, 5, BOOT, 7, 3, View.LEADS | View.FRESH, 100, "manager-a")

NAMES = st.text("ab-9.", min_size=1, max_size=LONGEST_NAME)
WORDS = st.integers(0, 2**64 - 1)
HALVES = st.integers(0, 2**16 - 1)
BOOTS = st.binary(min_size=16, max_size=16)
BEATS = st.builds(
    Beat,
    node=NAMES,
    boot=BOOTS,
    counter=WORDS,
    generation=WORDS,
    flags=st.integers(0, 7).map(Flags),
    lag_ms=HALVES,
    interval_ms=HALVES,
    nonce=WORDS,
    heard=WORDS,
    links_down=st.lists(st.text("abc0.", min_size=1, max_size=15), max_size=MOST_LINKS).map(tuple),
)
SAYINGS = st.builds(
    Acknowledgement,
    manager=NAMES,
    nonce=WORDS,
    counter=WORDS,
    boot=BOOTS,
    heard=WORDS,
    generation=WORDS,
    view=st.integers(0, 3).map(View),
    interval_ms=HALVES,
    leader=st.just("") | NAMES,
)


def beat(data: bytes, key: bytes | None = KEY, manager: str = "manager-a") -> Beat | Drop:
    return read_beat(data, manager=manager, key_of=lambda node: key)


def acknowledgement(
    data: bytes, key: bytes | None = KEY, node: str = "node1"
) -> Acknowledgement | Drop:
    return read_acknowledgement(data, node=node, key_of=lambda manager: key)


@given(BEATS)
def test_a_beat_is_read_as_it_was_written(one: Beat) -> None:
    data = write_beat(one, manager="manager-a", key=KEY)
    assert beat(data) == one
    assert len(data) <= LONGEST


@given(SAYINGS)
def test_an_acknowledgement_is_read_as_it_was_written(one: Acknowledgement) -> None:
    assert acknowledgement(write_acknowledgement(one, node="node1", key=KEY)) == one


def test_the_longest_of_each_fits() -> None:
    name = "n" * LONGEST_NAME
    beats = replace(BEAT, node=name, links_down=("i" * 15,) * MOST_LINKS)
    assert len(write_beat(beats, manager=name, key=KEY)) <= LONGEST
    both = replace(SAID, manager=name, leader=name)
    written = write_acknowledgement(both, node=name, key=KEY)
    assert acknowledgement(written, node=name) == both


def test_the_layout_is_the_documented_one() -> None:
    data = write_beat(BEAT, manager="manager-a", key=KEY)
    assert data[:-MAC_OCTETS] == bytes.fromhex(
        "504d0101 000102030405060708090a0b0c0d0e0f 0000000000000007 0000000000000003"
        "0001 000c 00c8 0000000000000063 0000000000000005 05 6e6f646531 01 04 65746830"
    )


def test_the_code_is_the_documented_one() -> None:
    """Beside the implementation, from `pointsman/wire/DESIGN.md` alone."""
    for data, direction in (
        (write_beat(BEAT, manager="manager-a", key=KEY), b"agent to manager\0"),
        (write_acknowledgement(SAID, node="node1", key=KEY), b"manager to agent\0"),
    ):
        body, code = data[:-16], data[-16:]
        names = b"\x05node1" + b"\x09manager-a"
        assert hmac.new(KEY, direction + names + body, hashlib.sha256).digest()[:16] == code


def test_numbers_beyond_their_field_saturate() -> None:
    read = beat(write_beat(replace(BEAT, lag_ms=70_000), manager="manager-a", key=KEY))
    assert isinstance(read, Beat)
    assert read.lag_ms == 65_535
    slow = write_acknowledgement(replace(SAID, interval_ms=70_000), node="node1", key=KEY)
    assert isinstance(read_slow := acknowledgement(slow), Acknowledgement)
    assert read_slow.interval_ms == 65_535


GOOD = write_beat(BEAT, manager="manager-a", key=KEY)
NO_NAME = write_beat(replace(BEAT, node=""), manager="manager-a", key=KEY)
NOT_TEXT = GOOD.replace(b"node1", b"nod\xff1")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param(b"", Drop.SHORT, id="nothing"),
        pytest.param(b"PM\x01", Drop.SHORT, id="less than a header"),
        pytest.param(GOOD[:40], Drop.SHORT, id="cut before its name"),
        pytest.param(GOOD[:-1], Drop.SHORT, id="cut by one octet"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n" * 10, Drop.FOREIGN, id="somebody else's protocol"),
        pytest.param(
            write_acknowledgement(SAID, node="node1", key=KEY), Drop.FOREIGN, id="an answer"
        ),
        pytest.param(b"PM\x02" + GOOD[3:], Drop.FORMAT, id="another version of the format"),
        pytest.param(GOOD + b"\0", Drop.MALFORMED, id="an octet too many"),
        pytest.param(GOOD + bytes(700), Drop.MALFORMED, id="longer than any of ours"),
        pytest.param(NO_NAME, Drop.MALFORMED, id="without a name"),
        pytest.param(NOT_TEXT, Drop.MALFORMED, id="a name that is no text"),
        pytest.param(GOOD[:-1] + b"\0", Drop.FORGED, id="another code"),
        pytest.param(GOOD.replace(b"node1", b"node2"), Drop.FORGED, id="another's name"),
    ],
)
def test_what_is_no_beat_has_a_reason(data: bytes, reason: Drop) -> None:
    assert beat(data) is reason


def test_somebody_without_a_key_is_unknown() -> None:
    assert beat(GOOD, key=None) is Drop.UNKNOWN
    assert (
        acknowledgement(write_acknowledgement(SAID, node="node1", key=KEY), key=None)
        is Drop.UNKNOWN
    )


def test_a_code_is_good_for_one_pair_and_one_direction() -> None:
    assert beat(GOOD, manager="manager-b") is Drop.FORGED
    answer = write_acknowledgement(SAID, node="node1", key=KEY)
    assert acknowledgement(answer, node="node2") is Drop.FORGED
    assert acknowledgement(answer, key=b"j" * 32) is Drop.FORGED
    assert acknowledgement(GOOD) is Drop.FOREIGN


@given(st.binary(max_size=700))
def test_any_bytes_are_a_value_or_a_reason(data: bytes) -> None:
    assert isinstance(beat(data), Drop)
    assert isinstance(acknowledgement(data), Drop)


@given(st.data(), BEATS, SAYINGS)
def test_any_change_of_a_datagram_is_a_reason(
    draw: st.DataObject, one: Beat, two: Acknowledgement
) -> None:
    for data, read in (
        (write_beat(one, manager="manager-a", key=KEY), beat),
        (write_acknowledgement(two, node="node1", key=KEY), acknowledgement),
    ):
        at = draw.draw(st.integers(0, len(data) - 1))
        octet = draw.draw(st.integers(1, 255))
        changed = bytearray(data)
        changed[at] ^= octet
        assert isinstance(read(bytes(changed)), Drop)
        assert isinstance(read(data[:at]), Drop)
        spliced = data[:at] + draw.draw(st.binary(max_size=40)) + data[at:]
        assert isinstance(read(spliced), Drop) or spliced == data


def test_flags_of_a_later_version_are_passed_over() -> None:
    data = write_beat(replace(BEAT, flags=Flags(0xFF01)), manager="manager-a", key=KEY)
    read = beat(data)
    assert isinstance(read, Beat)
    assert read.flags is Flags.STOPPING
