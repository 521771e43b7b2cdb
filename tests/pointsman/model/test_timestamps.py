"""Times as Kubernetes writes them; anything else is no time, never an exception."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pointsman.model.timestamps import format_micro_time, format_time, parse_time

NOON = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("2026-01-01T12:00:00Z", NOON, id="metav1.Time"),
        pytest.param("2026-01-01T12:00:00.000000Z", NOON, id="metav1.MicroTime"),
        pytest.param(
            "2026-01-01T13:00:00+01:00",
            datetime(2026, 1, 1, 13, tzinfo=timezone(timedelta(hours=1))),
            id="another zone is the same moment",
        ),
        pytest.param("2026-01-01T12:00:00", None, id="without a zone it is no moment"),
        pytest.param("", None, id="nothing"),
        pytest.param("yesterday", None, id="a word"),
    ],
)
def test_only_an_rfc_3339_time_with_a_zone_is_a_time(text: str, expected: datetime | None) -> None:
    assert parse_time(text) == expected


@given(st.text())
def test_any_text_is_a_time_or_none(text: str) -> None:
    found = parse_time(text)
    assert found is None or found.tzinfo is not None


@given(st.datetimes(timezones=st.just(timezone(timedelta(hours=1)))))
def test_a_time_that_was_written_is_read_again(moment: datetime) -> None:
    assume(moment.year > 1000)  # strftime pads no year
    assert parse_time(format_micro_time(moment)) == moment
    assert parse_time(format_time(moment)) == moment.replace(microsecond=0)


def test_times_are_written_in_utc_with_what_their_kind_of_time_has() -> None:
    moment = datetime(2026, 1, 1, 13, 0, 0, 250, tzinfo=timezone(timedelta(hours=1)))
    assert format_time(moment) == "2026-01-01T12:00:00Z"
    assert format_micro_time(moment) == "2026-01-01T12:00:00.000250Z"
