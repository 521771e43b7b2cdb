"""Times as Kubernetes writes them; anything else is no time, never an exception."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.model.timestamps import parse_time

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
def test_parse_time(text: str, expected: datetime | None) -> None:
    assert parse_time(text) == expected


@given(st.text())
def test_any_text_is_a_time_or_none(text: str) -> None:
    found = parse_time(text)
    assert found is None or found.tzinfo is not None
