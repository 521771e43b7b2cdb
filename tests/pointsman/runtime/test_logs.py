import io
import json
import logging
import re
import sys
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.model.printable import printable
from pointsman.runtime import logs


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield io.StringIO()
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_record_is_one_line(stream: io.StringIO) -> None:
    logs.set_up("info", stream)
    try:
        raise ValueError("two\nlines")
    except ValueError:
        logging.getLogger("manager.x").exception("gave\nup on %s", "web")
    (line,) = stream.getvalue().splitlines()
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ERROR   manager\.x: gave", line)
    assert "ValueError: two" in line


def test_the_level_is_kept(stream: io.StringIO) -> None:
    logs.set_up("warning", stream)
    logging.getLogger("manager").info("hidden")
    assert stream.getvalue() == ""


def test_a_level_nobody_knows_is_a_sentence(stream: io.StringIO) -> None:
    with pytest.raises(ValueError, match="log level 'loud' is unknown; write one of debug, info"):
        logs.set_up("loud", stream)


def test_nothing_a_record_repeats_forges_a_second_one(stream: io.StringIO) -> None:
    logs.set_up("info", stream)
    forged = (
        "x\r\n2026-11-28T16:00:00.000Z ERROR   manager: forged\u2028line\x85nel\x0bvt\x1b[2J\u202e"
    )
    logging.getLogger("manager").warning("Eip %s", forged)
    logging.getLogger("manager").warning("Eip %s", "x" * 900_000)
    first, second = stream.getvalue().splitlines()
    assert first.isprintable()
    assert "\\r \\n 2026-11-28T16:00:00.000Z ERROR   manager: forged\\u2028line" in first
    assert len(second) <= logs.LINE_MAX


def test_a_record_as_json_is_one_object_in_one_line(stream: io.StringIO) -> None:
    logs.set_up("info", stream, form="json")
    log = logging.getLogger("manager.events")
    log.warning("Service %s: no", "web", extra=logs.about(reason="NoPeer", message="forged"))
    try:
        raise ValueError("two\nlines")
    except ValueError:
        log.exception("gave up", stack_info=True)
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first.pop("time"))
    assert first == {
        "level": "warning",
        "logger": "manager.events",
        "message": "Service web: no",
        "reason": "NoPeer",
    }
    assert (second["level"], second["message"]) == ("error", "gave up")
    assert "ValueError: two \\n lines" in second["exception"]
    assert "test_logs" in second["stack"]


def test_a_format_nobody_knows_is_a_sentence(stream: io.StringIO) -> None:
    with pytest.raises(ValueError, match="log format 'xml' is unknown; write one of text, json"):
        logs.set_up("info", stream, form="xml")


ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=60)


@given(text=ANY_TEXT, error=ANY_TEXT, field=ANY_TEXT)
def test_whatever_text_it_holds_a_record_is_one_line_of_what_is_seen(
    text: str, error: str, field: str
) -> None:
    try:
        raise ValueError(error)
    except ValueError:
        info = sys.exc_info()
    made = logging.LogRecord("manager", logging.ERROR, "x", 1, "Eip %s", (text,), info)
    made.__dict__.update(logs.about(name=field))
    line = logs.formatter("text").format(made)
    assert printable(line) == line
    encoded = logs.formatter("json").format(made)
    assert encoded.isascii()
    assert encoded.isprintable()
    decoded = json.loads(encoded)
    assert set(decoded) == {"time", "level", "logger", "message", "name", "exception"}
    for one in decoded.values():
        assert printable(one) == one
        assert len(one) <= logs.LINE_MAX
