"""One log line per trouble, not one per retry."""

import logging

from pointsman.runtime.target import Unavailable


class LogOnce:
    """Writes each reason for waiting once in a row, to *log*."""

    def __init__(self, log: logging.Logger) -> None:
        self._log, self._last = log, ""

    def log(self, error: Unavailable) -> None:
        """Log *error* unless it was the last one written."""
        if str(error) != self._last:
            self._last = str(error)
            self._log.info("waiting: %s", error)
