"""One log line per trouble, not one per retry."""

import logging

from pointsman.runtime.target import Unavailable


class Complaints:
    """Says each reason for waiting once in a row, to *log*."""

    def __init__(self, log: logging.Logger) -> None:
        self._log, self._said = log, ""

    def say(self, error: Unavailable) -> None:
        """Log *error* unless it was the last thing said."""
        if str(error) != self._said:
            self._said = str(error)
            self._log.info("waiting: %s", error)
