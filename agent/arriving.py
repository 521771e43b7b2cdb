"""What of the new flows that arrive while this node drains is to be said, and when. Sans I/O.

Who waits for the node to be quiet goes by two times on this node's clock: since when nothing came,
and until when the agent has looked. So silence of the agent is never taken for silence of the
network. A LAN's attacker must not write to etcd at will: words are a second apart, and in the
long run as far as `REFILL_S`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from pointsman.model.address import Address
from pointsman.model.assignment import MOST_ARRIVING, Arriving, Quiet

GAP_S: Final = 1.0  # between two words
REFILL_S: Final = 10.0  # for one more, after the first ones
BURST: Final = 30.0
STEP_S: Final = 15.0  # the longest time without a word
GROWTH: Final = 1.25  # how much longer it has been quiet, until that is worth a word


class Seen(NamedTuple):
    """The last new flow to an address."""

    source: Address
    at_s: float


@dataclass(frozen=True, slots=True)
class Word:
    """What is said: the last flows by address, and that none came from *since_s* to *until_s*."""

    generation: int  # of the spec that says what is looked at
    since_s: float
    until_s: float
    seen: Mapping[Address, Seen] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Counted:
    """New flows since the agent started: *seen*, and *lost* in a buffer that was full."""

    seen: int = 0
    lost: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """What is reported."""

    arriving: tuple[Arriving, ...] = ()  # sorted by address
    quiet: Quiet | None = None  # None: it does not look, or cannot tell
    unmeasured: str = ""


class Arrivals:
    """What came since *now_s*, when the node began to look."""

    def __init__(self, generation: int, now_s: float) -> None:
        self._generation = generation
        self._since_s = now_s
        self._seen: dict[Address, Seen] = {}  # the last one last
        self._last: Word | None = None
        self._left, self._left_at_s = BURST, now_s

    def saw(self, destination: Address, source: Address, now_s: float) -> None:
        """Take that a new flow came."""
        self._seen.pop(destination, None)
        self._seen[destination] = Seen(source, now_s)
        if len(self._seen) > MOST_ARRIVING:
            del self._seen[next(iter(self._seen))]
        self._since_s = now_s

    def lost(self, now_s: float) -> None:
        """Take that something came, and nobody knows from where: a buffer was full."""
        self._since_s = now_s

    def follow(self, generation: int, now_s: float, *, anew: bool) -> None:
        """Look for what the spec of *generation* says; *anew*: there is more to look at."""
        self._generation = generation
        if anew:
            self._since_s = now_s

    def due(self, now_s: float) -> Word | None:
        """Return what is to be said now; None: nothing yet."""
        last = self._last
        if last is not None and not self._is_news(last, now_s):
            return None
        self._left = min(BURST, self._left + (now_s - self._left_at_s) / REFILL_S)
        self._left_at_s = now_s
        if self._left < 1:
            return None
        self._left -= 1
        self._last = Word(self._generation, self._since_s, now_s, dict(self._seen))
        return self._last

    def _is_news(self, last: Word, now_s: float) -> bool:
        passed_s = now_s - last.until_s
        if passed_s < GAP_S:
            return False
        if last.generation != self._generation or last.since_s != self._since_s:
            return True
        grown_s = (GROWTH - 1) * (last.until_s - last.since_s)
        return passed_s >= min(grown_s, STEP_S)
