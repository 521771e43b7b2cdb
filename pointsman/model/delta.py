"""The difference between what should be and what is: the only kind of work there is."""

from abc import abstractmethod
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Delta(Generic[K, V]):
    """The work that turns observed into desired. Falsy: converged."""

    put: Mapping[K, V]  # absent, or present with another value
    drop: AbstractSet[K]  # present, not desired

    def __bool__(self) -> bool:
        return bool(self.put or self.drop)

    def puts_only(self) -> "Delta[K, V]":
        """Return the first half: what must be there before anything goes."""
        return Delta(put=self.put, drop=frozenset())

    def drops_only(self) -> "Delta[K, V]":
        """Return the second half: what may go once its replacement is there."""
        return Delta(put={}, drop=self.drop)


class Patchable(Mapping[K, V]):
    """A mapping that never changes, and compares itself with another of its type by what differs.

    There are half a million paths: nothing may go through all of them because one is another.
    """

    __slots__ = ()

    @abstractmethod
    def minus(self, other: "Patchable[K, V]") -> Delta[K, V]:
        """Return the puts and drops that make *other*, of the same type, equal to this."""

    @abstractmethod
    def patched(self, work: Delta[K, V]) -> "Patchable[K, V]":
        """Return this as *work* leaves it."""

    @abstractmethod
    def like(self, other: "Patchable[K, V]") -> "Patchable[K, V]":
        """Return this, with what is equal in *other*, of the same type, taken from there.

        *other* itself, if all is equal: then both are one object, and that is seen at a glance.
        """


_ABSENT: Final = object()


def delta(desired: Mapping[K, V], observed: Mapping[K, V]) -> Delta[K, V]:
    """Return the puts and drops that make *observed* equal to *desired*.

    Keys are looked up once, and what is the same object is not compared: at rest all are equal.
    """
    if isinstance(desired, Patchable) and isinstance(observed, Patchable):
        return desired.minus(observed)
    there: Mapping[K, object] = observed
    put = {
        k: v
        for k, v in desired.items()
        if (known := there.get(k, _ABSENT)) is not v and (known is _ABSENT or known != v)
    }
    in_both = len(desired) - sum(k not in observed for k in put)
    drop = frozenset(observed.keys() - desired.keys()) if in_both < len(observed) else frozenset()
    return Delta(put=put, drop=drop)


def patched(observed: Mapping[K, V], work: Delta[K, V]) -> Mapping[K, V]:
    """Return *observed* as *work* leaves it; it stays what it was."""
    if isinstance(observed, Patchable):
        return observed.patched(work)
    after = {**observed, **work.put}
    for key in work.drop:
        after.pop(key, None)
    return after


def like(read: Mapping[K, V], known: Mapping[K, V]) -> Mapping[K, V]:
    """Return *read*, or *known* if they are equal: what did not change is one object."""
    if isinstance(read, Patchable) and isinstance(known, Patchable):
        return read.like(known)
    return known if read == known else read
