"""Work done once per object: never twice, and never the result of another object."""

import gc
from collections.abc import Callable
from typing import Any

import pytest

from pointsman.model.identity import (
    distinct,
    once_per_object,
    once_per_pair,
    once_per_three,
)

WAYS = [
    pytest.param(once_per_object, 1, id="one"),
    pytest.param(once_per_pair, 2, id="two"),
    pytest.param(once_per_three, 3, id="three"),
]


@pytest.mark.parametrize(("once", "count"), WAYS)
def test_it_is_done_once_for_the_same_and_again_for_what_is_merely_equal(
    once: Callable[..., Any], count: int
) -> None:
    done: list[list[int]] = []
    of = once(lambda *objects: done.append(list(map(id, objects))))
    first: list[list[int]] = [[] for _ in range(count)]
    equal: list[list[int]] = [[] for _ in range(count)]
    for _ in range(2):  # None is a result, too
        of(*first)
        of(*equal)
    assert done == [list(map(id, first)), list(map(id, equal))]


@pytest.mark.parametrize(("once", "count"), WAYS)
def test_objects_that_are_gone_lend_their_identity_to_no_other(
    once: Callable[..., Any], count: int
) -> None:
    """CPython gives the place of a list that is freed to the next one."""
    of = once(lambda *objects: [one[0] for one in objects])
    for number in range(50):
        assert of(*([number] for _ in range(count))) == [number] * count
        gc.collect(0)


@pytest.mark.parametrize(("once", "count"), WAYS[1:])
def test_their_order_counts(once: Callable[..., Any], count: int) -> None:
    of = once(lambda *objects: objects)
    objects = list(range(count))
    assert of(*objects) == tuple(objects)
    assert of(*reversed(objects)) == tuple(reversed(objects))


def test_equal_objects_are_two_and_one_object_is_one() -> None:
    one, equal = [1], [1]
    found = distinct([one, equal, one])
    assert [id(each) for each in found] == [id(one), id(equal)]
