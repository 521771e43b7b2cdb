"""Logging set-up: one line per record on standard error, as text for people or JSON for collectors.

Refuses colours, files and rotation: whoever runs the process owns its output.
"""

import json
import logging
import sys
import time
from collections.abc import Mapping
from typing import Final, TextIO

from pointsman.model.printable import sentence

LEVELS: Final = ("debug", "info", "warning", "error")
FORMATS: Final = ("text", "json")
FORM: Final = "%(asctime)s.%(msecs)03dZ %(levelname)-7s %(name)s: %(message)s"
TIME: Final = "%Y-%m-%dT%H:%M:%S"
LINE_MAX: Final = 32_768  # characters; of a longer record both ends are kept
# Libraries that tell every request or retry; ours repeat what matters, with its reason.
CHATTY: Final = ("aiohttp.access", "asyncio", "kubernetes_asyncio")
_ABOUT: Final = "about"  # the attribute of a record that holds its fields


def about(**fields: str) -> Mapping[str, Mapping[str, str]]:
    """Return the argument `extra` of a record with *fields* of its own; text shows none of them.

    A message says the same in words: nothing is in a field alone.
    """
    return {_ABOUT: fields}


class OneLine(logging.Formatter):
    """A record is a line, tracebacks included, so that line-based collectors keep it whole.

    Whatever it repeats of others, nothing in it can forge a second line or move a cursor.
    """

    def __init__(self, form: str = FORM) -> None:
        super().__init__(form, TIME)
        self.converter = time.gmtime

    def format(self, record: logging.LogRecord) -> str:
        return _one_line(super().format(record))


class JsonLine(logging.Formatter):
    """A record is one JSON object in one line of ASCII.

    Its strings hold no control character either, escaped or not: what a collector unpacks may
    end on a terminal.
    """

    def __init__(self) -> None:
        super().__init__(datefmt=TIME)
        self.converter = time.gmtime

    def format(self, record: logging.LogRecord) -> str:
        shown = {
            "time": f"{self.formatTime(record, TIME)}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _one_line(record.getMessage()),
        }
        fields: Mapping[str, str] = getattr(record, _ABOUT, {})
        shown |= {name: _one_line(text) for name, text in fields.items() if name not in shown}
        if record.exc_info:
            shown["exception"] = _one_line(self.formatException(record.exc_info))
        if record.stack_info:
            shown["stack"] = _one_line(self.formatStack(record.stack_info))
        return json.dumps(shown)


def _one_line(text: str) -> str:
    return sentence(text.replace("\n", " \\n "), LINE_MAX)


def formatter(form: str, text: str = FORM) -> logging.Formatter:
    """Return what writes records in *form*; *text*: of a line of text.

    Raises:
        ValueError: *form* is none of FORMATS; the text is the sentence for the user.
    """
    if form not in FORMATS:
        raise ValueError(f"log format {form!r} is unknown; write one of {', '.join(FORMATS)}")
    return JsonLine() if form == "json" else OneLine(text)


def set_up(
    level: str = "info", stream: TextIO | None = None, *, form: str = "text", text: str = FORM
) -> None:
    """Send records of *level* and above to *stream*, replacing earlier handlers.

    *form*: one of FORMATS; *text*: of a line of text.

    Raises:
        ValueError: *level* is none of LEVELS, or *form* none of FORMATS; the text is the sentence
            for the user.
    """
    if level not in LEVELS:
        raise ValueError(f"log level {level!r} is unknown; write one of {', '.join(LEVELS)}")
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(formatter(form, text))
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    for name in CHATTY:
        logging.getLogger(name).setLevel(max(root.level, logging.WARNING))
