"""The difference between what should be and what is: the only kind of work there is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

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


def delta(desired: Mapping[K, V], observed: Mapping[K, V]) -> Delta[K, V]:
    """Return the puts and drops that make *observed* equal to *desired*."""
    put = {k: v for k, v in desired.items() if k not in observed or observed[k] != v}
    return Delta(put=put, drop=frozenset(observed.keys() - desired.keys()))
