"""What this replica says of its view of the API: whether it leads, and whether it is current.

The Lease says it: somebody's renewal was seen a moment ago. A watch may lag by as long as a dead
connection takes to be noticed; so after an absence what routes follow from is listed, too, before
the view counts as fresh again. Sans I/O.
"""

from collections.abc import Callable
from typing import Protocol

from pointsman.wire.heartbeat import View


class Lease(Protocol):
    """What is known of the Lease that replicas compete for."""

    @property
    def leading(self) -> bool: ...

    @property
    def fresh(self) -> bool:
        """Whether a renewal of somebody's was seen a moment ago."""
        ...

    @property
    def holder(self) -> str: ...


class Watched(Protocol):
    """The cluster as watches keep it."""

    def recheck(self) -> None:
        """Have all listed again that routes follow from."""
        ...

    @property
    def rechecked(self) -> bool: ...


class OwnView:
    """*frozen*: whether this replica suspects itself, and withdraws no node for its silence."""

    def __init__(self, lease: Lease, cluster: Watched, *, frozen: Callable[[], bool]) -> None:
        self._lease, self._cluster, self._frozen = lease, cluster, frozen
        self._was_fresh = self._was_stale = self._waits = False

    def __call__(self) -> tuple[View, str]:
        """Return it, and who leads."""
        view = View.LEADS if self._lease.leading else View(0)
        # A node that died among frozen ones is withdrawn by a replica that is not.
        fresh = self._is_current() and not self._frozen()
        return view | (View.FRESH if fresh else View(0)), self._lease.holder

    def _is_current(self) -> bool:
        if not self._lease.fresh:
            self._was_stale |= self._was_fresh  # what a start lists is listed by that already
            return False
        self._was_fresh = True
        if self._was_stale:
            self._was_stale, self._waits = False, True
            self._cluster.recheck()
        self._waits = self._waits and not self._cluster.rechecked
        return not self._waits
