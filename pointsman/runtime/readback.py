"""A target whose last reading is kept for a while, because reading it all is dear.

What it returns was read from the system itself, plus what that system has acknowledged
since. Anything that casts doubt (trouble, a sign that the other side restarted, age)
makes the next observe() read again; refresh() reads beside the work, so that nobody has to
wait for it. It refuses to invent: nothing is kept of an apply that did not finish.

What it returns never changes afterwards, and is the same object as before while it says the
same: who compares two observations sees at a glance that nothing happened.
"""

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

from pointsman.model.delta import Delta, Patchable, like, patched
from pointsman.runtime.target import Target

K = TypeVar("K")
V = TypeVar("V")


class ReadBack(Generic[K, V]):
    """*target*, read at most every *max_age_s* seconds while nothing casts doubt."""

    def __init__(
        self, target: Target[K, V], *, now: Callable[[], float], max_age_s: float = 30.0
    ) -> None:
        self._target, self._now, self._max_age_s = target, now, max_age_s
        self._known: Mapping[K, V] | None = None
        self._returned: Mapping[K, V] | None = None  # last: what is equal stays this object
        self._own = False  # made by a reading or an apply, and not compared yet with what is wanted
        self._read_at = 0.0
        self._doubts = 0
        self._meanwhile: list[Delta[K, V]] | None = None  # told since a refresh began; None: none

    def doubt(self) -> None:
        """Make the next observe() read from the system, also while a call is under way."""
        self._known = None
        self._doubts += 1

    async def observe(self) -> Mapping[K, V]:
        """Return what is there: read now, or read lately and changed by nobody but us."""
        if self._known is None or self._now() - self._read_at >= self._max_age_s:
            self._known, doubts = None, self._doubts
            read, read_at = await self._read(), self._now()
            if self._returned is not None:
                read = like(read, self._returned)
            self._returned = read
            if doubts != self._doubts:
                return read  # good for now; what raised the doubt may have come after it
            self._known, self._read_at = read, read_at
        self._returned = self._known
        return self._known

    async def refresh(self) -> bool:
        """Read again while others go on; return whether something was not as it was known.

        What is told meanwhile counts as acknowledged. A reading that ends in the middle of
        an apply, or after a doubt, is good for nothing and is dropped.
        """
        before = self._known
        if before is None:
            return False  # the next observe() reads
        self._meanwhile, doubts = [], self._doubts
        try:
            read, read_at = await self._read(), self._now()
            applied = self._meanwhile
        finally:
            self._meanwhile = None
        known = self._known
        if known is None or doubts != self._doubts:
            return False
        for work in applied:
            read = patched(read, work)
        self._known, self._read_at = like(read, known), read_at
        return self._known is not known

    async def apply(self, work: Delta[K, V]) -> None:
        """Pass *work* on; it counts as observed once the system has taken all of it."""
        known, self._known, doubts = self._known, None, self._doubts
        if self._meanwhile is not None:
            self._meanwhile.append(work)
        await self._target.apply(work)
        if known is not None and doubts == self._doubts:
            self._known, self._own = patched(known, work), True

    def adopt(self, seen: Mapping[K, V], wanted: Mapping[K, V]) -> Mapping[K, V]:
        """Return *seen*, observed before, with what is equal in *wanted* taken from there.

        So that both are one object at rest. Asked again, nothing is compared a second time.
        """
        if not self._own or self._known is not seen:
            return seen
        self._own = False
        self._known = self._returned = like(seen, wanted)
        return self._known

    async def _read(self) -> Mapping[K, V]:
        read = await self._target.observe()
        self._own = True
        return read if isinstance(read, Patchable) else dict(read)  # it may go on changing there
