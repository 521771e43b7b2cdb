"""How many frames an interface may send of its own accord: a token bucket.

Answers don't pass through it: they are as many as were asked for. Refuses to send anything.
"""

from typing import Final

# A port with ARP inspection is shut at 15 frames in a second, answers included: at low rates the
# burst stays far below the rate, so that no second sees much more than the rate.
GENTLE_BELOW: Final = 100
GENTLE_SHARE: Final = 5
# One nanosecond's rounding must not cost a wake that finds nothing to do.
WHOLE: Final = 1 - 1e-6


class TokenBucket:
    """Allows *rate* frames a second, and at once as many as its burst."""

    def __init__(self, rate: int, *, now_s: float) -> None:
        self.rate = rate
        self._level = self.burst
        self._at_s = now_s

    @property
    def burst(self) -> float:
        """Return how many frames may follow each other without a pause."""
        return self.rate if self.rate >= GENTLE_BELOW else max(1, self.rate // GENTLE_SHARE)

    def limit(self, rate: int, *, now_s: float) -> None:
        """Change the rate; what was allowed until now stays, within the new burst."""
        self._refill(now_s)
        self.rate = rate
        self._level = min(self._level, self.burst)

    def take(self, now_s: float) -> bool:
        """Return whether one frame may go now; True has counted it."""
        self._refill(now_s)
        if self._level < WHOLE:
            return False
        self._level = max(0.0, self._level - 1)
        return True

    def ready_s(self) -> float:
        """Return when the next frame may go, on the caller's clock; a past time means now."""
        return self._at_s + max(0.0, 1 - self._level) / self.rate

    def _refill(self, now_s: float) -> None:
        if now_s > self._at_s:
            self._level = min(self.burst, self._level + (now_s - self._at_s) * self.rate)
            self._at_s = now_s
