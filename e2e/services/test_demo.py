"""`make demo` tells the truth, and says so with its exit status."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest

from lab import __main__ as command
from lab.parts import CHECKOUT
from lab.supervision import lifecycle

pytestmark = pytest.mark.lab


def test_the_demo_is_all_as_told(
    fresh_name: Callable[[], str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["demo", "--name", fresh_name()]) == 0, capsys.readouterr().err
    assert "all as told" in capsys.readouterr().out


def test_a_lab_that_is_up_is_left_alone(
    fresh_name: Callable[[], str], capsys: pytest.CaptureFixture[str]
) -> None:
    name = fresh_name()
    without = "manager,sidecar,agents,proxy,pods,router"
    assert command.main(["up", "--detach", "--name", name, "--without", without]) == 0
    try:
        assert command.main(["demo", "--name", name]) == 2
        assert "is up already" in capsys.readouterr().err
        assert command.main(["status", "--name", name]) == 0
    finally:
        command.main(["down", "--name", name])


@pytest.mark.parametrize(
    "until",
    [
        pytest.param("Nodes", id="while the lab is built"),
        pytest.param("2. A real router", id="while it is told"),
    ],
)
def test_ctrl_c_ends_the_story_and_leaves_nothing(
    fresh_name: Callable[[], str], until: str
) -> None:
    name = fresh_name()
    words = [sys.executable, "-u", "-m", "lab", "demo", "--name", name]
    # A terminal's Ctrl-C reaches the whole process group, what the story runs included.
    process = subprocess.Popen(
        words,
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    with process.stdout as lines:
        while until not in (line := lines.readline()):
            assert line, "it ended before"
        os.killpg(process.pid, signal.SIGINT)
        rest = lines.read()
    assert process.wait(30) == 1
    assert rest.endswith("interrupted\n")
    assert "Traceback" not in rest
    assert lifecycle.traces(name) == []
