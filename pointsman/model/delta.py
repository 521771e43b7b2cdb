"""The difference between what should be and what is: the only kind of work there is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Delta(Generic[K, V]):
    """The work that turns observed into desired. Falsy: converged."""

    put: Mapping[K, V]  # absent, or present with another value
    drop: frozenset[K]  # present, not desired

    def __bool__(self) -> bool:
        return bool(self.put or self.drop)

    def puts_only(self) -> "Delta[K, V]":
        """Return the first half: what must be there before anything goes."""
        return Delta(put=self.put, drop=frozenset())

    def drops_only(self) -> "Delta[K, V]":
        """Return the second half: what may go once its replacement is there."""
        return Delta(put={}, drop=self.drop)


_ABSENT: Final = object()


def delta(desired: Mapping[K, V], observed: Mapping[K, V]) -> Delta[K, V]:
    """Return the puts and drops that make *observed* equal to *desired*.

    Keys are looked up once, and what is the same object is not compared: there are half a
    million, and at rest all are equal.
    """
    there: Mapping[K, object] = observed
    put = {
        k: v
        for k, v in desired.items()
        if (known := there.get(k, _ABSENT)) is not v and (known is _ABSENT or known != v)
    }
    in_both = len(desired) - sum(k not in observed for k in put)
    drop = frozenset(observed.keys() - desired.keys()) if in_both < len(observed) else frozenset()
    return Delta(put=put, drop=drop)
