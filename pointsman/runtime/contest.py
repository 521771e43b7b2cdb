"""How long to hold back when somebody else writes what is ours: a machine without I/O.

Two processes that were given one identity undo each other's writes as fast as the API server
answers. Each gives way for a time that doubles, so that what was overwritten once is repaired at
once (somebody edited it by hand), and a twin costs a write in ten minutes. Refuses to guess who
is right: it cannot be known, and somebody has to stop one of the two.
"""

from dataclasses import dataclass
from typing import Final

FIRST_S: Final = 5.0  # after what was repaired at once was overwritten again
LONGEST_S: Final = 600.0
FORGOTTEN_S: Final = 3 * LONGEST_S  # without another's write: it was no twin, or it is gone


@dataclass(slots=True)
class Contest:
    """Between us and whoever else writes one thing. Times are monotonic seconds of ours."""

    _times: int = 0  # that ours was overwritten
    _last: float = 0.0  # when that was seen
    _until: float | None = None  # from here on we write again; None: what stands is ours

    def wait_s(self, now: float) -> float:
        """Return how long to leave what stands there, which another wrote over ours."""
        if self._until is None:
            self._times = self._times + 1 if self.is_on(now, times=1) else 1
            self._last = now
            pause_s = FIRST_S * 2.0 ** (min(self._times, 20) - 2) if self._times > 1 else 0.0
            self._until = now + min(pause_s, LONGEST_S)
        return max(0.0, self._until - now)

    def wrote(self) -> None:
        """Note that what stands is ours again."""
        self._until = None

    def is_on(self, now: float, *, times: int = 2) -> bool:
        """Return whether ours was overwritten so many *times*, the last one not long ago."""
        return self._times >= times and now - self._last < FORGOTTEN_S
