"""The patch between two JSON objects, against RFC 7396 section 2 as it is written there."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pointsman.model.merge_patch import merge_patch
from tests.merging import merged

VALUES = st.recursive(
    st.integers(0, 3) | st.lists(st.integers(0, 1), max_size=2),
    lambda inner: st.dictionaries(st.sampled_from("xyz"), inner),
)
OBJECTS = st.dictionaries(st.sampled_from(["capacity", "services"]), VALUES)


@given(observed=OBJECTS, desired=OBJECTS)
def test_merging_the_patch_gives_what_is_desired(
    observed: dict[str, Any], desired: dict[str, Any]
) -> None:
    assert merged(observed, merge_patch(observed, desired)) == desired


@given(OBJECTS)
def test_what_is_so_already_needs_no_patch(one: dict[str, Any]) -> None:
    assert merge_patch(one, one) == {}


def test_only_what_differs_is_named_and_what_goes_is_null() -> None:
    observed = {"a": 1, "gone": {"x": 1}, "inner": {"b": 2, "c": 3, "gone": 4}, "list": [1, 2]}
    desired = {"a": 1, "inner": {"b": 2, "c": 5}, "list": [2]}
    assert merge_patch(observed, desired) == {
        "gone": None,
        "inner": {"c": 5, "gone": None},
        "list": [2],
    }
