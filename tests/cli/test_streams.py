"""Standard streams that can't be written, or that nobody opened."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.running import OFFLINE, ROOT


@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])
@pytest.mark.parametrize("words", [("plan", *OFFLINE), ("crds",), ("manager", "--help")])
def test_a_full_disk_is_said(words: tuple[str, ...], unbuffered: str) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "cli", *words],
            cwd=ROOT, env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
            stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    sentence = "pointsman: The output cannot be written: No space left on device."
    assert done.stderr.splitlines()[-1] == sentence
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("closed", "words", "status", "err"),
    [
        ("<&-", ("plan", "--offline", "-f", "-"), 0, ""),
        ("<&-", ("uninstall",), 2, "Nobody can be asked here"),
        (">&-", ("plan", *OFFLINE), 0, ""),
        ("2>&-", ("plan", "--wrong"), 2, ""),
    ],
)
def test_a_stream_that_is_closed_is_an_empty_one(
    closed: str, words: tuple[str, ...], status: int, err: str
) -> None:
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {closed}', "sh", sys.executable, "-m", "cli", *words],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == status
    assert err in done.stderr
    assert "Traceback" not in done.stderr


def _unread(*words: str, unbuffered: str = "") -> int:
    """Return the status of a command whose answer and complaints nobody reads any more."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, *words],
        cwd=ROOT, env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        stdout=writing, stderr=writing, check=False,
    )  # fmt: skip
    os.close(writing)
    return done.returncode


@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])
@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("plan", *OFFLINE), 0),
        (("status", *OFFLINE), 1),
        (("plan", "--offline", "-f", "none.yaml"), 2),
        (("plan", "--wrong"), 2),
        (("migrate", "--from", "metallb", "-f", OFFLINE[-1]), 1),
    ],
)
def test_a_status_is_the_commands_own_whoever_reads(
    words: tuple[str, ...], status: int, unbuffered: str
) -> None:
    assert _unread("-m", "cli", *words, unbuffered=unbuffered) == status


ACTS = """
import sys
from pathlib import Path
from pathlib import Path
from pointsman.runtime import terminal

with terminal.guarded():
    for _ in range(5_000):  # more than any buffer and pipe take
        terminal.say("what is to be made")
        terminal.say("what is wrong with it", error=True)
    print("on a terminal", file=terminal.raw(sys.stdout), flush=True)
    Path(sys.argv[1]).write_text("made")
    sys.stdout.flush()
"""


@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])
def test_a_reader_that_leaves_ends_no_deed(tmp_path: Path, unbuffered: str) -> None:
    assert _unread("-c", ACTS, str(tmp_path / "deed"), unbuffered=unbuffered) == 0
    assert (tmp_path / "deed").read_text() == "made"


WATCHES = """
from cli.output.screen import Screen
from pointsman.runtime import terminal

with terminal.guarded():
    screen = Screen()
    try:
        for number in range(9):
            screen.show([str(number)], heading="now")
    except BrokenPipeError:  # which the command takes for its end
        raise SystemExit(3)
"""


def test_what_has_no_end_ends_with_its_reader() -> None:
    assert _unread("-c", WATCHES) == 3


def test_the_lab_by_itself_says_a_full_disk_too() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "lab", "down", "--name", "never-up"],
            cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (
        1, "pointsman lab: The output cannot be written: No space left on device.\n",
    )  # fmt: skip
