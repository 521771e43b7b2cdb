"""A command of a bed prints something, or fails with what it complained of."""

import re
import subprocess

import pytest

from lab.commands import printed
from lab.errors import Broken


def run(
    *command: str, check: bool = True, timeout_s: float = 60.0, stdin: str | None = None
) -> str:
    return printed(command, {"WORD": "set"}, check=check, timeout_s=timeout_s, stdin=stdin)


def test_it_sees_its_environment_and_its_input_and_no_other() -> None:
    assert run("/bin/sh", "-c", 'echo "$WORD $(/bin/cat)"', stdin="given") == "set given\n"
    assert run("/bin/sh", "-c", "/bin/cat") == ""


def test_a_failure_is_a_sentence_or_wished() -> None:
    failing = ("/bin/sh", "-c", "echo why >&2; echo seen; exit 3")
    with pytest.raises(Broken, match=re.escape("exit 3` ended with 3: why")):
        run(*failing)
    assert run(*failing, check=False) == "seen\n"


def test_what_never_ends_is_ended() -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        run("/bin/sleep", "600", timeout_s=0.05)
