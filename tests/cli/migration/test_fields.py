"""How values of others' fields are read."""

import pytest

from cli.migration.draft import Unusable
from cli.migration.fields import seconds


@pytest.mark.parametrize(
    ("written", "whole"), [(9, 9), ("9", 9), ("90s", 90), ("1m30s", 90), ("1500ms", 2)]
)
def test_lengths_of_time_are_whole_seconds(written: object, whole: int) -> None:
    assert seconds(written) == whole


@pytest.mark.parametrize("written", ["", "s", "9x", True, [], "9" * 400, f"{'9' * 400}s"])
def test_what_is_no_length_of_time_is_said(written: object) -> None:
    with pytest.raises(Unusable):
        seconds(written)
