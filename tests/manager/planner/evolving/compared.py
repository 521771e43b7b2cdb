"""Two plans of one snapshot, compared to the last field and to the order of every mapping."""

from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from functools import cache
from operator import attrgetter
from typing import Any

from manager.planner.desired import Plan


def differences(warm: Plan, cold: Plan) -> list[str]:
    """Return where the two differ, by name of the field; empty: nowhere, in no order either."""
    return [] if alike(warm, cold) else list(differ("plan", warm, cold))


def alike(one: Any, other: Any) -> bool:
    """Whether `differ` would yield nothing, without the words: it is asked after every plan."""
    if one is other:
        return True
    kind: Any = type(one)
    compared = _compared(kind)
    if compared is not None:
        return kind is type(other) and all(alike(get(one), get(other)) for get in compared)
    if kind is str or kind is int or kind is bool:
        return kind is type(other) and bool(one == other)
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return list(one) == list(other) and all(map(alike, _values(one), _values(other)))
    if isinstance(one, tuple):
        return kind is type(other) and len(one) == len(other) and all(map(alike, one, other))
    return not any(differ("", one, other))


def _values(mapping: Mapping[Any, Any]) -> list[Any]:
    return [mapping[key] for key in mapping]


@cache
def _compared(kind: type) -> tuple[Callable[[Any], Any], ...] | None:
    """Return what reads the compared fields of a dataclass; of another type, None."""
    if not is_dataclass(kind) or issubclass(kind, (Exception, Mapping)):
        return None
    return tuple(attrgetter(field.name) for field in fields(kind) if field.compare)


def differ(where: str, one: object, other: object) -> Iterator[str]:
    if isinstance(one, Exception) and isinstance(other, Exception):
        if repr(one) != repr(other):  # exceptions are equal to nothing but themselves
            yield f"{where}: {one!r} / {other!r}"
    elif isinstance(one, Mapping) and isinstance(other, Mapping):
        if list(one) != list(other):
            yield f"{where}: keys {list(map(str, one))} / {list(map(str, other))}"
        else:
            for key in one:
                yield from differ(f"{where}[{key}]", one[key], other[key])
    elif type(one) is not type(other):
        yield f"{where}: {one!r} / {other!r}"
    elif is_dataclass(one) and not isinstance(one, type):
        for field in fields(one):
            if field.compare:
                mine, theirs = getattr(one, field.name), getattr(other, field.name)
                yield from differ(f"{where}.{field.name}", mine, theirs)
    elif isinstance(one, tuple) and isinstance(other, tuple) and len(one) == len(other):
        for number, (mine, theirs) in enumerate(zip(one, other, strict=True)):
            yield from differ(f"{where}[{number}]", mine, theirs)
    elif isinstance(one, AbstractSet):
        if one != other:
            yield f"{where}: {sorted(map(str, one))} / {sorted(map(str, other))}"  # type: ignore[call-overload]
    elif one != other:
        yield f"{where}: {one!r} / {other!r}"
