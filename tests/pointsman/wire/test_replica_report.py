"""Reports of replicas: whatever is written is read back, and nothing else is believed."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.wire.heartbeat import Drop, View
from pointsman.wire.inquiry import kind_of
from pointsman.wire.replica_report import (
    LONGEST_REPORT,
    MOST_MARKS,
    REPORT,
    ReplicaReport,
    mark_of,
    read_report,
    write_report,
)

KEY = b"k" * 32
REPORTED = ReplicaReport(
    "manager-a",
    7,
    6,
    View.LEADS | View.FRESH,
    4711,
    frozenset({mark_of("tor-1"), mark_of("tor-2")}),
    frozenset({mark_of("node3")}),
    frozenset({mark_of("node4"), mark_of("node5")}),
)


def read(data: bytes, own: str = "manager-b", key: bytes = KEY) -> ReplicaReport | Drop:
    return read_report(data, own=own, key_of={"manager-a": key}.get)


def test_what_is_written_is_read_back() -> None:
    data = write_report(REPORTED, to="manager-b", key=KEY)
    assert kind_of(data) == REPORT
    assert read(data) == REPORTED


def test_a_report_with_as_many_routers_as_it_names_fits_into_one_packet() -> None:
    marks = frozenset(mark_of(f"tor-{n}") for n in range(2 * MOST_MARKS))
    data = write_report(
        replace(REPORTED, sender="m" * 253, serves=marks, dead=marks, retold=marks), to="b", key=KEY
    )
    assert len(data) <= LONGEST_REPORT
    found = read_report(data, own="b", key_of=lambda name: KEY)
    assert isinstance(found, ReplicaReport)
    assert len(found.serves) == MOST_MARKS
    assert found.serves < marks


@pytest.mark.parametrize(
    ("own", "key", "why"),
    [
        pytest.param("manager-c", KEY, Drop.FORGED, id="for another"),
        pytest.param("manager-b", b"x" * 32, Drop.FORGED, id="under another key"),
    ],
)
def test_it_is_for_one_pair_of_processes(own: str, key: bytes, why: Drop) -> None:
    assert read(write_report(REPORTED, to="manager-b", key=KEY), own, key) is why


def test_of_a_stranger_nothing_is_read() -> None:
    data = write_report(replace(REPORTED, sender="mallory"), to="manager-b", key=KEY)
    assert read(data) is Drop.UNKNOWN


@given(st.integers(0, 200), st.binary(min_size=1, max_size=8))
def test_no_octet_of_it_can_be_another(at: int, instead: bytes) -> None:
    data = write_report(REPORTED, to="manager-b", key=KEY)
    changed = data[:at] + instead + data[at + len(instead) :]
    assert read(changed) == REPORTED if changed == data else isinstance(read(changed), Drop)


@given(st.binary(max_size=LONGEST_REPORT + 40))
def test_any_bytes_are_a_reason_to_drop_them(data: bytes) -> None:
    assert isinstance(read(data), Drop)
    assert isinstance(read(b"PM\x01\x05" + data), Drop)


def test_a_cut_one_is_dropped() -> None:
    data = write_report(REPORTED, to="manager-b", key=KEY)
    assert all(isinstance(read(data[:length]), Drop) for length in range(len(data)))
