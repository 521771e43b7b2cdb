"""What was applied to a speaker: one log line per kind of change, with how many there were."""

import logging
from typing import Final

from manager.speakers.parts import Part

NOUNS: Final = {"exports": "export rules", "routes": "paths", "neighbors": "neighbors"}
log = logging.getLogger(__name__)


class AppliedLog:
    """Counts until `write` is called. *called*: the speaker's name in the log."""

    def __init__(self, called: str) -> None:
        self._called = called.removeprefix("the ")
        self._counts: dict[str, tuple[int, int]] = {}

    def count(self, part: Part) -> None:
        """Note that *part* was applied."""
        put, drop = self._counts.get(part.table, (0, 0))
        self._counts[part.table] = put + len(part.work.put), drop + len(part.work.drop)

    def write(self) -> None:
        """Log what was counted since the last call."""
        for table, (put, drop) in self._counts.items():
            log.info("%s: %s: %d put, %d dropped", self._called, NOUNS[table], put, drop)
        self._counts = {}
