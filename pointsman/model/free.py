"""Which number of a set is free, without ever looking at the ones that are not.

Lives for one plan: numbers are taken, never given back, so the lowest free number only
grows. Every taken number points past itself, and the pointers are shortened as they are
followed (union-find), so a long run of taken numbers is crossed once, then skipped.

What was taken before is asked about, never copied: whoever knows it says of a number whether
it is busy, and of a whole block whether all of it is, so that full blocks are passed at once.
"""

from collections.abc import Callable, Iterable

from pointsman.model.ranges import Numbers

BUGGY = frozenset({0, 255})  # last octets that some clients take for network or broadcast
BLOCK_BITS = 8  # a block: the numbers that differ in the last octet alone
PLAIN_IN_BLOCK = (1 << BLOCK_BITS) - len(BUGGY)


def plain(number: int) -> bool:
    """Whether *number* is none of those that some clients take for another."""
    return number & 0xFF not in BUGGY


def _never(_: int) -> bool:
    return False


class FreeNumbers:
    """The members of *numbers* that are not busy and that nobody took yet.

    *busy*: whether a number was taken before; *full*: whether all plain numbers of a block were.
    """

    __slots__ = ("_avoid_buggy", "_busy", "_full", "_low", "_numbers", "_past")

    def __init__(
        self,
        numbers: Numbers,
        *,
        avoid_buggy: bool = False,
        busy: Callable[[int], bool] = _never,
        full: Callable[[int], bool] = _never,
    ) -> None:
        self._numbers = numbers
        self._avoid_buggy = avoid_buggy
        self._busy = busy
        self._full = full
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
        """Return the smallest free number; None: exhausted.

        In O(log n) amortised, and of blocks that are not full each busy number once.
        """
        while (number := self._numbers.at_or_after(self._low)) is not None:
            self._low = self._not_taken(number)
            if self._low != number:
                continue
            if plain(number) and self._full(number >> BLOCK_BITS):
                self._low = number | 0xFF
            elif (self._avoid_buggy and not plain(number)) or self._busy(number):
                self._low = number + 1
            else:
                return number
        return None

    def _not_taken(self, number: int) -> int:
        past = self._past
        while (after := past.get(number)) is not None:
            past[number] = past.get(after, after)  # halve the way for the next one
            number = after
        return number
