"""How many answers one station gets, and how many an interface gives, in a second.

An answer is as large as its question and goes to whoever the question names, so a flood costs
this node time and nobody else more than it sent. It is counted in windows of a second, which
holds a few thousand numbers at most, whatever addresses the flood gives itself.
"""

from dataclasses import dataclass, field
from typing import Final

WINDOW_S: Final = 1.0
# One station can't take all of an interface's answers, yet may ask faster than any client has
# reason to. A router that starts asks for all addresses at once: each adds one.
PER_SOURCE: Final = 1500
PER_INTERFACE: Final = 5000


@dataclass(slots=True)
class AnswerLimits:
    """What was answered in the running window, by Ethernet's source."""

    _until_s: float = 0.0
    _total: int = 0
    _by_source: dict[bytes, int] = field(default_factory=dict)

    def allow(self, source: bytes, *, addresses: int, now_s: float) -> bool:
        """Return whether *source* is answered, and count it; *addresses*: how many we hold."""
        if now_s >= self._until_s:
            self._until_s, self._total = now_s + WINDOW_S, 0
            self._by_source.clear()
        given = self._by_source.get(source, 0)
        if self._total >= PER_INTERFACE or given >= PER_SOURCE + addresses:
            return False
        self._total += 1
        self._by_source[source] = given + 1
        return True
