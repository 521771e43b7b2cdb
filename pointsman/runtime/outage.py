"""Says that something answers again which had not for a while: one line, whoever asked it.

Many tasks ask an API server and each tells its own trouble; that it is over is one fact.
It refuses to call a single failure an outage: where anything was answered meanwhile, or it
was over at once, nothing is said.
"""

import logging
import time
from collections.abc import Callable

WORTH_TELLING_S = 3.0


class Outage:
    """Notes how every request to *what* ended; writes to *log* when an outage is over."""

    def __init__(
        self, what: str, *, log: logging.Logger, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._what, self._log, self._monotonic = what, log, monotonic
        self._since: float | None = None

    def note(self, *, answered: bool) -> None:
        """Take note of one request's end; an answer is one, whatever it says."""
        if not answered:
            self._since = self._monotonic() if self._since is None else self._since
            return
        since, self._since = self._since, None
        if since is not None and (lasted := self._monotonic() - since) >= WORTH_TELLING_S:
            self._log.info("%s answers again, after %.0f s", self._what, lasted)
