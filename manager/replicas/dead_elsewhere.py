"""Nodes that another replica found dead, for who starts too late to have heard them. Sans I/O.

A process knows nothing of a node that was dead when it began, and Kubernetes calls it Ready for
most of a minute. So it goes by the word of one that did hear it; it passes that on, so that
replicas can be restarted one after the other, and what was passed on goes no further: nobody is
dead by hearsay for much longer than Kubernetes needs.
"""

from collections.abc import Iterable

from manager.replicas.reports import OtherReplica
from manager.replicas.timing import HEARSAY_S


class DeadElsewhere:
    """By marks of nodes."""

    def __init__(self) -> None:
        self._found: dict[bytes, float] = {}  # by who found it -> when last
        self._retold: dict[bytes, float] = {}  # by who was told

    def hear(self, others: Iterable[OtherReplica], now_s: float) -> None:
        """Take what the replicas say that are heard and fresh."""
        heard = [one for one in others if one.is_heard(now_s) and one.fresh_since_s is not None]
        for one in heard:
            for mark in one.revoked:
                self._found.pop(mark, None)
                self._retold.pop(mark, None)
            one.revoked.clear()
        for one in heard:  # after that: what one takes back another may say still
            self._found |= dict.fromkeys(one.dead, now_s)
            self._retold |= dict.fromkeys(one.retold, now_s)
        for marks in (self._found, self._retold):
            for mark in [m for m, at_s in marks.items() if now_s - at_s > HEARSAY_S]:
                del marks[mark]

    @property
    def all(self) -> frozenset[bytes]:
        """Return the nodes that count as dead."""
        return frozenset(self._found) | frozenset(self._retold)

    @property
    def passed_on(self) -> frozenset[bytes]:
        """Return those that others are told of."""
        return frozenset(self._found)
