"""Copies of JSON, for fakes that hand out thousands: copy.deepcopy is slow at it."""

import copy
from types import NoneType
from typing import Any, Final, TypeVar

PLAIN: Final = frozenset({str, int, float, bool, NoneType})


T = TypeVar("T")


def copied(value: T) -> T:
    """Return a copy that shares nothing with *value* that can be changed."""
    made: Any = _copied(value)
    return made  # type: ignore[no-any-return]


def _copied(value: Any) -> Any:
    if type(value) is dict:
        return {key: _copied(one) for key, one in value.items()}
    if type(value) is list:
        return [_copied(one) for one in value]
    return value if type(value) in PLAIN else copy.deepcopy(value)
