"""A warm memo answers what a new one would, and what is equal stays the same object."""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.model.memo import Count, Each, Index, Once
from pointsman.model.version import Version, changed

MAPS = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 3), max_size=6)
HISTORIES = st.lists(st.tuples(MAPS, MAPS, st.integers(0, 1)), min_size=1, max_size=6)
GROUPS = st.dictionaries(st.sampled_from("abcdef"), st.frozensets(st.integers(0, 3)), max_size=6)


@dataclass(frozen=True)
class Value:
    """Equal to another of its number, and never the same object."""

    number: int


def work(context: int, one: int, other: int | None) -> Value | None:
    return None if one == context else Value(10 * one + (other or 0))


def cold(context: int, first: Mapping[str, int], second: Mapping[str, int]) -> dict[str, Value]:
    found = ((key, work(context, first[key], second.get(key))) for key in sorted(first))
    return {key: value for key, value in found if value is not None}


def chained(maps: list[Mapping[str, int]]) -> Iterator[Mapping[str, int]]:
    """Yield *maps* as versions, each of which names how it differs from the one before."""
    before: Version[str, int] = Version()
    for one in maps:
        now = Version(one, before)
        now.turn(changed(dict(one), before))
        yield now
        before = now


@given(HISTORIES)
def test_each_is_a_function_of_the_last_inputs(history: list[tuple[dict, dict, int]]) -> None:
    each = Each[str, Value](work)
    for first, second, context in history:
        found = each(context, first, second)
        assert list(found.items()) == list(cold(context, first, second).items())


@given(st.lists(MAPS, min_size=1, max_size=6))
def test_versions_and_plain_mappings_come_to_the_same(maps: list[Mapping[str, int]]) -> None:
    each = Each[str, Value](work)
    for plain, version in zip(maps, chained(maps), strict=True):
        assert each(1, version, {}) == cold(1, plain, {})


@given(st.lists(MAPS, min_size=2, max_size=6))
def test_what_a_result_says_turned_is_what_turned(maps: list[Mapping[str, int]]) -> None:
    each = Each[str, Value](work)
    before = each(1, maps[0], {})
    for one in maps[1:]:
        copy, found = dict(before), each(1, one, {})
        assert changed(found, before) == changed(dict(found), copy)
        before = found


def test_an_equal_result_stays_the_object_it_was() -> None:
    each = Each[str, Value](work)
    before = each(0, {"a": 1, "b": 2}, {})
    after = each(2, {"a": 1, "b": 3}, {})  # all of them anew
    assert after["a"] is before["a"]
    assert each(2, {"b": 3, "a": 1}, {}) is after


def test_work_is_done_only_where_an_input_changed() -> None:
    asked = []

    def noting(context: int, one: int, other: int | None) -> int:
        asked.append(one)
        return one

    each = Each[str, int](noting)
    each(0, {"a": 1, "b": 2}, {})
    asked.clear()
    each(0, {"a": 1, "b": 3}, {})
    assert asked == [3]
    each(0, {"a": 1, "b": 3}, {"a": 7})
    assert asked == [3, 1]


def test_what_raised_is_worked_out_again() -> None:
    broken = [True]

    def failing(context: int, one: int) -> int:
        if broken[0] and one == 2:
            raise ValueError(one)
        return one

    each = Each[str, int](failing)
    assert each(0, {"a": 1}) == {"a": 1}
    with pytest.raises(ValueError, match="2"):
        each(0, {"a": 1, "b": 2})
    broken[0] = False
    assert each(0, {"a": 1, "b": 2}) == {"a": 1, "b": 2}


@given(st.lists(GROUPS, min_size=1, max_size=6))
def test_an_index_is_what_it_would_be_made_anew(history: list[dict[str, frozenset[int]]]) -> None:
    def pairs(key: str, numbers: frozenset[int]) -> Iterator[tuple[int, int]]:
        return ((number % 3, number) for number in sorted(numbers))

    warm = Index(pairs)
    for entries in history:
        found, anew = warm(entries), Index(pairs)(entries)
        assert [(n, list(one.items())) for n, one in found.items()] == [
            (n, list(one.items())) for n, one in anew.items()
        ]
        assert warm(dict(entries)) is found


@given(st.lists(GROUPS, min_size=2, max_size=6))
def test_an_index_never_changes_what_it_gave_out(history: list[dict[str, frozenset[int]]]) -> None:
    warm = Index[str, int, None](lambda key, numbers: ((number, None) for number in numbers))
    given_out = []
    for entries in history:
        found = warm(entries)
        given_out.append((found, {n: dict(one) for n, one in found.items()}))
    assert all(found == copy for found, copy in given_out)


@given(st.lists(st.tuples(GROUPS, st.integers(2, 3)), min_size=1, max_size=6))
def test_a_count_is_what_it_would_be_made_anew(
    history: list[tuple[dict[str, frozenset[int]], int]],
) -> None:
    def names(context: int, key: str, numbers: frozenset[int]) -> set[int]:
        return {number % context for number in numbers}

    warm = Count[int](names)
    for entries, context in history:
        found = warm(context, entries)
        walked = Counter(name for k, n in entries.items() for name in names(context, k, n))
        assert list(found.items()) == sorted(walked.items())
        assert warm(context, dict(entries)) is found


def test_a_count_asks_about_what_changed_only() -> None:
    asked = []

    def names(context: None, key: str, number: int) -> list[int]:
        asked.append(number)
        return [number]

    warm = Count[int](names)
    warm(None, {"a": 1, "b": 2, "c": 2})
    asked.clear()
    assert warm(None, {"a": 1, "b": 3, "c": 2}) == {1: 1, 2: 1, 3: 1}
    assert asked == [2, 3]


def test_once_is_asked_again_for_other_inputs_only() -> None:
    asked = []

    def noting(number: int) -> Value:
        asked.append(number)
        return Value(number // 2)

    once = Once(noting)
    first = once(2)
    assert once(2) is first
    assert once(3) is first  # an equal result
    assert once(4) == Value(2)
    assert asked == [2, 3, 4]


def test_generations_do_not_hold_each_other() -> None:
    left = Value(1)
    first = Version({"a": left})
    second = Version(first, first)
    second.set("a", Value(2))
    assert second.follows(first)
    assert not second.follows(Version(first))
    holders = sys.getrefcount(left)
    del first
    assert sys.getrefcount(left) == holders - 1


def test_what_cannot_be_compared_counts_as_another() -> None:
    class Poison:
        __hash__ = None  # type: ignore[assignment]

        def __eq__(self, other: object) -> bool:
            raise ZeroDivisionError

    each = Each[str, bool](lambda _, one: isinstance(one, Poison))
    poison = Poison()
    for value, found in ((poison, True), (Poison(), True), (1, False), (poison, True)):
        assert each(None, {"a": value, "b": 1}) == {"a": found, "b": False}
