"""How each of our programs begins and ends: its flags about logs, its first line, its last words.

What ends a program is a record like any other, a bug's traceback included: whoever reads JSON
lines reads nothing else. It knows no program.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import platform
import re
import sys
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Final, TypeVar

from pointsman.runtime import logs, terminal
from pointsman.runtime.errors import Misuse
from pointsman.runtime.version import version

# The user and the password in a URL (RFC 3986 section 3.2.1).
_USER_INFO: Final = re.compile(r"(?<=://)[^/@\s]*@")
T = TypeVar("T")


def log_flags(parser: argparse.ArgumentParser) -> None:
    """Give *parser* the flags about logs."""
    parser.add_argument(
        "--log-level",
        default="info",
        choices=logs.LEVELS,
        help="the least that is logged (default: %(default)s)",
    )
    parser.add_argument(
        "--log-format",
        default="text",
        choices=logs.FORMATS,
        help="lines for people, or one JSON object a line (default: %(default)s)",
    )


def flags(parser: argparse.ArgumentParser, given: argparse.Namespace) -> str:
    """Return the flags that were *given* another value than their default; no password of a URL."""
    words: list[str] = []
    for action in parser._actions:
        value = getattr(given, action.dest, None)
        if not action.option_strings or value is None or value == action.default:
            continue
        flag = action.option_strings[-1]
        values = value if isinstance(value, list) else [value]
        words += [
            flag if one is True else f"{flag} {_USER_INFO.sub('…@', str(one))}" for one in values
        ]
    return " ".join(words)


def status_of(
    prog: str,
    parser: argparse.ArgumentParser,
    given: argparse.Namespace,
    choose: Callable[[], T],
    work: Callable[[T], int],
    *,
    text: str = logs.FORM,
) -> int:
    """Do *work* with what *choose* makes of the flags *given*; return the exit status.

    2: they are misuse, and a sentence said why. 1: a bug ended it, and a record holds its
    traceback. *text*: the form of a line of text.
    """
    logs.set_up(given.log_level, form=given.log_format, text=text)
    log = logging.getLogger(prog.rpartition(" ")[2])
    with _nothing_past(log):
        try:
            chosen = choose()
            shown = flags(parser, given) or "no flags"
            log.info("version %s, Python %s, %s", version(), platform.python_version(), shown)
            return work(chosen)
        except Misuse as misuse:
            if given.log_format == "json":
                log.error("%s", misuse)
            else:
                terminal.say(f"{prog}: {misuse}", error=True)
            return 2
        except Exception:
            log.critical("a bug ended this program; please report it", exc_info=True)
            return 1


@contextlib.contextmanager
def _nothing_past(log: logging.Logger) -> Iterator[None]:
    """Have what Python would print itself, from where nobody catches, written as records."""

    def unraisable(found: sys.UnraisableHookArgs) -> None:
        what = found.err_msg or "ignored"
        log.error("%s: %r", what, found.object, exc_info=_info(found.exc_value))

    def in_thread(found: threading.ExceptHookArgs) -> None:
        if not isinstance(found.exc_value, SystemExit):
            log.error("a thread ended", exc_info=_info(found.exc_value))

    before = sys.unraisablehook, threading.excepthook
    sys.unraisablehook, threading.excepthook = unraisable, in_thread
    try:
        yield
    finally:
        sys.unraisablehook, threading.excepthook = before


def _info(
    error: BaseException | None,
) -> tuple[type[BaseException], BaseException, TracebackType | None] | None:
    return None if error is None else (type(error), error, error.__traceback__)
