"""How a frozen mapping differs from the one before: found by a look, or known from its making.

Values are compared by identity first, and by equality only where that fails. Refuses to keep
anything but the mapping itself: what is derived from mappings is the memo's.
"""

from collections.abc import Hashable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from itertools import compress
from operator import is_, is_not
from typing import Any, Final, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_ABSENT: Final = object()


def same(one: object, other: object) -> bool:
    """Whether two frozen values are equal. Identity is tried first: not every `==` does.

    Values that cannot be compared are not: what is wrong with one of them is for those to say
    who look into it.
    """
    if one is other:
        return True
    try:
        return bool(one == other)
    except Exception:  # noqa: BLE001 - docs/architecture.md rule 13
        return False


class Version(dict[K, V]):
    """A mapping, frozen once it is handed on, that knows how it differs from the one before.

    That is a fact about the two mappings. It may name a key too many, never one too few. The one
    before is known by its mark, *before*, so that generations do not hold each other.
    """

    __slots__ = ("_turned", "before", "mark")

    def __init__(
        self,
        items: Mapping[K, V] | Iterable[tuple[K, V]] = (),
        before: "Version[K, V] | None" = None,
    ) -> None:
        super().__init__(items)
        self.mark = object()
        self.before: object = None if before is None else before.mark
        self._turned: set[K] | None = set()

    @property
    def turned(self) -> AbstractSet[K]:
        """Under which keys it has another value than the one before, or one of them none."""
        return self.keys() if self._turned is None else self._turned

    def turn(self, keys: Iterable[K]) -> None:
        """Count *keys* as turned."""
        if self._turned is not None:
            self._turned.update(keys)

    def turn_all(self) -> None:
        """Count every key as turned; of the one before, none may be missing."""
        self._turned = None

    def follows(self, other: Mapping[K, V]) -> bool:
        """Whether *other* is the one before, so that `turned` is how it differs from this."""
        return isinstance(other, Version) and self.before is other.mark

    def set(self, key: K, value: V) -> None:
        """Put *value*, while this version is being made."""
        self[key] = value
        self.turn((key,))

    def drop(self, key: K) -> None:
        """Take *key* away, while this version is being made; one that is absent is fine."""
        if self.pop(key, _ABSENT) is not _ABSENT:
            self.turn((key,))


def changed(now: Mapping[K, Any], before: Mapping[K, Any]) -> AbstractSet[K]:
    """Return the keys under which *now* has another value than *before*, or one of them none."""
    if now is before:
        return set()
    if isinstance(now, Version) and now.follows(before):
        return now.turned
    if len(now) == len(before) and all(map(is_, now, before)):  # nearly always, and quick
        turned = compress(now, map(is_not, now.values(), before.values()))
        return {key for key in turned if not same(now[key], before[key])}
    get = before.get
    found = {
        key
        for key, value in now.items()
        if (old := get(key, _ABSENT)) is not value and (old is _ABSENT or not same(old, value))
    }
    found.update(before.keys() - now.keys())
    return found
