"""How a program begins and ends: always a line, never a page."""

import argparse
import gc
import json
import logging
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from pointsman.runtime.errors import Misuse
from pointsman.runtime.program import flags, log_flags, status_of
from pointsman.runtime.version import version

Run = Callable[..., int]


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser()
    made.add_argument("--name")
    made.add_argument("--proxy", default="off")
    made.add_argument("--rate", type=int, default=500)
    made.add_argument("--strict", action="store_true")
    made.add_argument("--socket", action="append")
    log_flags(made)
    return made


@pytest.fixture(autouse=True)
def _own_handlers() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def run(work: Callable[[], int], *words: str, choose: Callable[[], None] = lambda: None) -> int:
    given = parser().parse_args(words)
    return status_of("pointsman agent", parser(), given, choose, lambda _: work())


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        pytest.param((), "", id="no flag at all"),
        pytest.param(("--rate", "500"), "", id="one that says what is so anyway"),
        pytest.param(
            ("--strict", "--socket", "a", "--socket=b", "--rate=7"),
            "--rate 7 --strict --socket a --socket b",
            id="in the order of --help, however they were given",
        ),
        pytest.param(
            ("--proxy", "https://me:hunter2@192.0.2.1/healthz"),
            "--proxy https://…@192.0.2.1/healthz",
            id="no password of a URL",
        ),
    ],
)
def test_the_flags_that_a_first_line_shows(words: tuple[str, ...], shown: str) -> None:
    assert flags(parser(), parser().parse_args(words)) == shown


def test_it_begins_with_its_version_and_flags(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(lambda: 7, "--name", "x\ny") == 7
    (line,) = capsys.readouterr().err.splitlines()
    assert f"INFO    agent: version {version()}, Python {sys.version_info[0]}." in line
    assert line.endswith(", --name x \\n y")


def test_misuse_is_a_sentence_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    def choose() -> None:
        raise Misuse("--rate 0 can't\nbe kept: give 1.")

    assert run(lambda: 0, choose=choose) == 2
    assert capsys.readouterr().err == "pointsman agent: --rate 0 can't\\nbe kept: give 1.\n"
    assert run(lambda: 0, "--log-format=json", choose=choose) == 2
    (line,) = capsys.readouterr().err.splitlines()
    record = json.loads(line)
    assert (record["level"], record["message"]) == ("error", "--rate 0 can't \\n be kept: give 1.")


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_bug_ends_it_with_one_line(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    def work() -> int:
        raise ExceptionGroup("in a task", [KeyError("two\nlines")])

    assert run(work, f"--log-format={form}", "--log-level=error") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "a bug ended this program; please report it" in line
    text = json.loads(line)["exception"] if form == "json" else line
    assert "KeyError: 'two\\nlines'" in text.replace("\\\\", "\\")
    assert line.isprintable()


class Poisoned:
    def __del__(self) -> None:
        raise ValueError("in a finalizer\n")


def test_what_nobody_catches_is_a_line_too(capsys: pytest.CaptureFixture[str]) -> None:
    hooks = sys.unraisablehook, threading.excepthook

    def fail() -> None:
        raise ValueError("in a thread\n")

    def work() -> int:
        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()
        Poisoned()
        gc.collect()
        return 0

    assert run(work, "--log-format=json") == 0
    _, *records = map(json.loads, capsys.readouterr().err.splitlines())
    assert ["ValueError: in a thread" in records[0]["exception"], len(records)] == [True, 2]
    assert "ValueError: in a finalizer" in records[1]["exception"]
    assert (sys.unraisablehook, threading.excepthook) == hooks
