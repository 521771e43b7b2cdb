"""A target whose last reading is kept for a while, because reading it all is dear.

What it returns was read from the system itself, plus what that system has acknowledged
since. Anything that casts doubt (trouble, a sign that the other side restarted, age)
makes the next observe() read again; refresh() reads beside the work, so that nobody has to
wait for it. It refuses to invent: nothing is kept of an apply that did not finish.
"""

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

from pointsman.model.delta import Delta
from pointsman.runtime.target import Target

K = TypeVar("K")
V = TypeVar("V")


class ReadBack(Generic[K, V]):
    """*target*, read at most every *max_age_s* seconds while nothing casts doubt."""

    def __init__(
        self, target: Target[K, V], *, now: Callable[[], float], max_age_s: float = 30.0
    ) -> None:
        self._target, self._now, self._max_age_s = target, now, max_age_s
        self._known: dict[K, V] | None = None
        self._read_at = 0.0
        self._doubts = 0
        self._meanwhile: set[K] = set()  # told since a reading began

    def doubt(self) -> None:
        """Make the next observe() read from the system, also while a call is under way."""
        self._known = None
        self._doubts += 1

    async def observe(self) -> Mapping[K, V]:
        """Return what is there: read now, or read lately and changed by nobody but us."""
        if self._known is None or self._now() - self._read_at >= self._max_age_s:
            self._known, doubts = None, self._doubts
            read, read_at = dict(await self._target.observe()), self._now()
            if doubts != self._doubts:
                return read  # good for now; what raised the doubt may have come after it
            self._known, self._read_at = read, read_at
        return dict(self._known)

    async def refresh(self) -> bool:
        """Read again while others go on; return whether something was not as it was known.

        What is told meanwhile counts as acknowledged. A reading that ends in the middle of
        an apply, or after a doubt, is good for nothing and is dropped.
        """
        before = self._known
        if before is None:
            return False  # the next observe() reads
        self._meanwhile, doubts = set(), self._doubts
        read, read_at = dict(await self._target.observe()), self._now()
        known = self._known
        if known is None or doubts != self._doubts:
            return False
        for key in self._meanwhile:
            read.pop(key, None)
            if key in known:
                read[key] = known[key]
        drifted = read != known
        self._known, self._read_at = read, read_at
        return drifted

    async def apply(self, work: Delta[K, V]) -> None:
        """Pass *work* on; it counts as observed once the system has taken all of it."""
        known, self._known, doubts = self._known, None, self._doubts
        self._meanwhile.update(work.put, work.drop)
        await self._target.apply(work)
        if known is not None and doubts == self._doubts:
            known.update(work.put)
            for key in work.drop:
                known.pop(key, None)
            self._known = known
