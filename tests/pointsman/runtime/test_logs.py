import io
import logging
import re
from collections.abc import Iterator

import pytest

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
