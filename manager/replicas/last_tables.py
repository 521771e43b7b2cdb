"""What another replica's speakers may hold, by what ours held when it was heard last. Sans I/O.

A replica that dies may have been behind by a moment: so it is what stood here a second or two
before. Tables are values, so none is copied.
"""

from manager.replicas.timing import BEHIND_S
from pointsman.model.replicas import Held


class LastTables:
    """Of one other replica. It begins with what is *held* now."""

    def __init__(self, held: tuple[Held, ...], now_s: float) -> None:
        self.standing = held  # as of BEHIND_S before the last note, or up to twice that
        self._next, self._since_s = held, now_s

    def note(self, held: tuple[Held, ...], at_s: float) -> None:
        """Take what is *held* now, the other being well at *at_s*."""
        if at_s - self._since_s >= BEHIND_S:
            self.standing, self._next, self._since_s = self._next, held, at_s
