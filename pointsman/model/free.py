"""Which number of a set is free, without ever looking at the ones that are not.

Lives for one plan: numbers are taken, never given back, so the lowest free number only
grows. Every taken number points past itself, and the pointers are shortened as they are
followed (union-find), so a long run of taken numbers is crossed once, then skipped.
"""

from collections.abc import Iterable

from pointsman.model.ranges import Numbers

BUGGY = frozenset({0, 255})  # last octets that some clients take for network or broadcast


class FreeNumbers:
    """The members of *numbers* that nobody took yet."""

    __slots__ = ("_avoid_buggy", "_low", "_numbers", "_past")

    def __init__(self, numbers: Numbers, *, avoid_buggy: bool = False) -> None:
        self._numbers = numbers
        self._avoid_buggy = avoid_buggy
        self._low = 0
        self._past: dict[int, int] = {}  # a taken number -> a number no free one lies before

    def take(self, number: int) -> None:
        """Make *number* busy, in O(1); one that is no member, or busy already, is fine."""
        self._past.setdefault(number, number + 1)

    def take_all(self, numbers: Iterable[int]) -> None:
        """Make all of *numbers* busy."""
        for number in numbers:
            self.take(number)

    def first(self) -> int | None:
        """Return the smallest free number, in O(log n) amortised; None: exhausted."""
        while (number := self._numbers.at_or_after(self._low)) is not None:
            self._low = self._not_taken(number)
            if self._low != number:
                continue
            if not self._avoid_buggy or (number & 0xFF) not in BUGGY:
                return number
            self._low = number + 1
        return None

    def _not_taken(self, number: int) -> int:
        past = self._past
        while (after := past.get(number)) is not None:
            past[number] = past.get(after, after)  # halve the way for the next one
            number = after
        return number
