"""Logging set-up: text, one line per record, on standard error.

Refuses colours, files and rotation: whoever runs the process owns its output.
"""

import logging
import sys
import time
from typing import Final, TextIO

from pointsman.model.printable import sentence

LEVELS: Final = ("debug", "info", "warning", "error")
FORM: Final = "%(asctime)s.%(msecs)03dZ %(levelname)-7s %(name)s: %(message)s"
LINE_MAX: Final = 32_768  # characters; of a longer record both ends are kept
# Libraries that tell every request or retry; ours repeat what matters, with its reason.
CHATTY: Final = ("aiohttp.access", "asyncio", "kubernetes_asyncio")


class OneLine(logging.Formatter):
    """A record is a line, tracebacks included, so that line-based collectors keep it whole.

    Whatever it repeats of others, nothing in it can forge a second line or move a cursor.
    """

    def __init__(self, form: str = FORM) -> None:
        super().__init__(form, "%Y-%m-%dT%H:%M:%S")
        self.converter = time.gmtime

    def format(self, record: logging.LogRecord) -> str:
        return sentence(super().format(record).replace("\n", " \\n "), LINE_MAX)


def set_up(level: str = "info", stream: TextIO | None = None) -> None:
    """Send records of *level* and above to *stream*, replacing earlier handlers.

    Raises:
        ValueError: *level* is none of LEVELS; the text is the sentence for the user.
    """
    if level not in LEVELS:
        raise ValueError(f"log level {level!r} is unknown; write one of {', '.join(LEVELS)}")
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(OneLine())
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    for name in CHATTY:
        logging.getLogger(name).setLevel(max(root.level, logging.WARNING))
