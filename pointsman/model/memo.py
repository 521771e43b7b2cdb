"""Derived values, worked out anew only where their frozen inputs changed since the last time.

What comes out follows from the inputs of this call alone: a memo that is warm answers what a
new one would. One generation is remembered, no more. It is the only place that may keep derived
values; a stage that depends on a time, or on anything that is not among its inputs, is wrong.

Mappings are compared by their values' identity first, and by equality only where that fails.
A result that is equal to the one before stays that object: later stages see at a glance that
nothing changed. Mappings are equal in any order, so those among results have an order of their own.
"""

from bisect import bisect_right
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from typing import Any, Final, Generic, TypeVar

from pointsman.model.version import Version, changed, same

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
R = TypeVar("R")
K2 = TypeVar("K2", bound=Hashable)

_NOTHING: Final[Mapping[Any, Any]] = {}
_ABSENT: Final = object()


class Once(Generic[R]):
    """The result of *work*, worked out again when one of its inputs is another than before."""

    __slots__ = ("_given", "_result", "_work")

    def __init__(self, work: Callable[..., R]) -> None:
        self._work = work
        self._given: tuple[object, ...] | None = None
        self._result: Any = None

    def __call__(self, *given: object) -> R:
        """Return `work(*given)`; the result before, where the inputs or the results are equal."""
        known = self._given
        if known is not None and all(map(same, known, given)):
            self._given = given  # the newer objects are the ones that come again
            return self._result  # type: ignore[no-any-return]
        self._given = None  # nothing is known while it is worked out: it may raise
        result = self._work(*given)
        if known is None or not same(self._result, result):
            self._result = result
        self._given = given
        return self._result  # type: ignore[no-any-return]


class Each(Generic[K, R]):
    """*work* under every key of the first of several mappings, in order of the keys.

    `work(context, *values)` is given what each mapping has under the key, None where it has
    nothing. A result None is left out. It is asked again under the keys whose values changed,
    and under all of them when the context did.
    """

    __slots__ = ("_context", "_found", "_maps", "_work")

    def __init__(self, work: Callable[..., R | None]) -> None:
        self._work = work
        self._context: object = _ABSENT
        self._maps: tuple[Mapping[K, Any], ...] = ()
        self._found: Version[K, R] = Version()

    def __call__(self, context: object, *maps: Mapping[K, Any]) -> Version[K, R]:
        """Return the results by key; the same object as before where none of them changed."""
        keys: Collection[K]
        if self._context is _ABSENT or not same(self._context, context):
            keys = [*maps[0], *(key for key in self._found if key not in maps[0])]  # in order
        else:
            keys = set().union(*map(changed, maps, self._maps))
        before, self._context = self._found, _ABSENT  # until all is worked out: it may raise
        found = _revised(before, self._results(keys, context, maps)) if keys else before
        self._context, self._maps, self._found = context, maps, found
        return found

    def _results(
        self, keys: Iterable[K], context: object, maps: tuple[Mapping[K, Any], ...]
    ) -> Iterable[tuple[K, R | None]]:
        first, work = maps[0], self._work
        if len(maps) == 1:  # most of them: ten thousand calls of a stage are a tenth of a second
            return [(key, work(context, first[key]) if key in first else None) for key in keys]
        others = [one.get for one in maps[1:]]
        return [
            (
                key,
                work(context, first[key], *[get(key) for get in others]) if key in first else None,
            )
            for key in keys
        ]


def _revised(before: Version[K, R], results: Iterable[tuple[K, R | None]]) -> Version[K, R]:
    """Return *before* with *results*, None: without; itself where that makes no difference."""
    put: dict[K, R] = {}
    fresh: dict[K, R] = {}
    gone: list[K] = []
    for key, result in results:
        old = before.get(key, _ABSENT)
        if result is None:
            if old is not _ABSENT:
                gone.append(key)
        elif old is _ABSENT:
            fresh[key] = result
        elif not same(old, result):
            put[key] = result
    if not put and not fresh and not gone:
        return before
    found = Version(before, before)
    found.update(put)
    for key in gone:
        del found[key]
    if fresh:
        _insert(found, fresh)
    if len(put) + len(fresh) + len(gone) < len(found):
        found.turn((*put, *fresh, *gone))
    elif not gone:  # the names of ten thousand are not kept for it
        found.turn_all()
    else:  # a look tells as much
        found.before = None
    return found


def _insert(found: dict[K, R], fresh: dict[K, R]) -> None:
    """Put *fresh* where it belongs in *found*, which is in order: what comes behind is moved."""
    there: list[Any] = list(found)
    new: list[Any] = sorted(fresh)
    behind = there[bisect_right(there, new[0]) :]
    for key in sorted([*behind, *new]) if behind else new:
        found[key] = fresh[key] if key in fresh else found.pop(key)


class Index(Generic[K, K2, V]):
    """A mapping turned inside out: by what its values name, who names it and with which value.

    `pairs(key, value)` yields what an entry is found under, and what is kept of it there. The
    inner mappings are in order of the keys. They and the outer one are frozen.
    """

    __slots__ = ("_found", "_map", "_pairs")

    def __init__(self, pairs: Callable[[K, Any], Iterable[tuple[K2, V]]]) -> None:
        self._pairs = pairs
        self._map: Mapping[K, Any] = _NOTHING
        self._found: Version[K2, Mapping[K, V]] = Version()

    def __call__(self, entries: Mapping[K, Any]) -> Version[K2, Mapping[K, V]]:
        """Return the index of *entries*; the same object as before where nothing changed in it."""
        if entries is self._map:
            return self._found
        groups: dict[K2, dict[K, V]] = {}
        if not self._map:
            for key, value in entries.items():
                for name, found in self._pairs(key, value):
                    groups.setdefault(name, {})[key] = found
            self._found = _revised(self._found, ((n, _sorted(one)) for n, one in groups.items()))
            self._map = entries
            return self._found
        grown: set[K2] = set()

        def group(name: K2) -> dict[K, V]:
            if name not in groups:
                groups[name] = dict(self._found.get(name, _NOTHING))
            return groups[name]

        for key in changed(entries, self._map):
            had = dict(self._pairs(key, self._map[key])) if key in self._map else _NOTHING
            has = dict(self._pairs(key, entries[key])) if key in entries else _NOTHING
            if len(has) == 1 and has.keys() == had.keys():  # as always, but with another value
                ((name, value),) = has.items()
                if not same(had[name], value):
                    group(name)[key] = value
                continue
            for name in had.keys() - has.keys():
                group(name).pop(key, None)
            for name, value in has.items():
                if name not in had:
                    grown.add(name)
                elif same(had[name], value):
                    continue
                group(name)[key] = value
        results = ((n, _sorted(one) if n in grown else one) for n, one in groups.items())
        self._found = _revised(self._found, ((n, one or None) for n, one in results))
        self._map = entries
        return self._found


class Count(Generic[K2]):
    """How many entries of a mapping name what; names are in order.

    `names(context, key, value)` yields what an entry names, each once. All are asked again when
    the context changed, else those whose values did.
    """

    __slots__ = ("_context", "_found", "_map", "_names")

    def __init__(self, names: Callable[[Any, Any, Any], Iterable[K2]]) -> None:
        self._names = names
        self._context: object = _ABSENT
        self._map: Mapping[Any, Any] = _NOTHING
        self._found: Version[K2, int] = Version()

    def __call__(self, context: object, entries: Mapping[Any, Any]) -> Version[K2, int]:
        """Return how many name each; the same object as before where no number changed."""
        if entries is self._map and same(self._context, context):
            return self._found
        counts: dict[K2, int] = {}
        if self._context is _ABSENT or not same(self._context, context):
            counts = dict.fromkeys(self._found, 0)
            self._add(counts, 1, context, entries.items())
        elif keys := changed(entries, self._map):
            for sign, one in ((-1, self._map), (1, entries)):
                self._add(counts, sign, context, [(key, one[key]) for key in keys if key in one])
            counts = {name: self._found.get(name, 0) + more for name, more in counts.items()}
        self._found = _revised(self._found, ((name, n or None) for name, n in counts.items()))
        self._context, self._map = context, entries
        return self._found

    def _add(
        self, counts: dict[K2, int], sign: int, context: object, items: Iterable[tuple[Any, Any]]
    ) -> None:
        for key, value in items:
            for name in self._names(context, key, value):
                counts[name] = counts.get(name, 0) + sign


def _sorted(group: dict[K, V]) -> dict[K, V]:
    return dict(sorted(group.items(), key=_key)) if len(group) > 1 else group


def _key(item: tuple[Any, Any]) -> Any:
    return item[0]
