"""The JSON merge patch (RFC 7396) between two objects: what both programs send. Pure."""

from collections.abc import Mapping
from typing import Any


def merge_patch(observed: Mapping[str, object], desired: Mapping[str, object]) -> dict[str, Any]:
    """Return what, merged into *observed*, gives *desired*; {}: they are equal.

    What should go is named null: a field that is merely left out would stay (section 2).
    Lists are values: one that differs is sent whole.
    """
    patch: dict[str, Any] = dict.fromkeys(observed.keys() - desired.keys())
    for key, value in desired.items():
        before = observed.get(key)
        if isinstance(value, Mapping) and isinstance(before, Mapping):
            if inner := merge_patch(before, value):
                patch[key] = inner
        elif key not in observed or before != value:
            patch[key] = value
    return dict(sorted(patch.items()))
