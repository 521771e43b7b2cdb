"""Whether a speaker answers, and since when it does not.

Two times follow from that: when its sessions are unknown, and when its last routes no longer
count. Nothing else happens then, so both wake the reconciler.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from pointsman.runtime.target import Unavailable

# While it does not answer, its last routes count for so long: routers may believe them.
GRACE_S: Final = 30.0
SESSIONS_UNKNOWN_S: Final = 5.0  # after that, its sessions are; a sidecar is replaced in less
TICK_S: Final = 0.1  # a timer may be early by the clock's resolution
log = logging.getLogger(__name__)


class Availability:
    """Of one speaker; until it has answered once, it does not. *now*: monotonic seconds."""

    def __init__(self, called: str, *, now: Callable[[], float], wake: Callable[[], None]) -> None:
        self._called, self._now, self._wake = called, now, wake
        self._silent_since: float | None = now()
        self._warned = False

    @property
    def silent_s(self) -> float | None:
        """Return for how many seconds it has not answered; None: it does."""
        return None if self._silent_since is None else self._now() - self._silent_since

    def answered(self) -> bool:
        """Note that it answers; return whether it did not before."""
        if self._warned:
            log.info("%s answers again", self._called)
        before, self._silent_since, self._warned = self._silent_since, None, False
        return before is not None

    def lost(self, error: Unavailable, *, since: float | None = None) -> None:
        """Note that it does not answer; *since*: when it was asked, if that is known."""
        if not self._warned:
            self._warned = True
            log.warning(
                "%s does not answer, its routes are left as they are: %s", self._called, error
            )
        if self._silent_since is None:
            now = self._now()
            self._silent_since = now if since is None else since
            self._wake()
            for later_s in (SESSIONS_UNKNOWN_S, GRACE_S):  # somebody may wait for an address
                left_s = self._silent_since + later_s + TICK_S - now
                asyncio.get_running_loop().call_later(max(left_s, 0), self._wake)
