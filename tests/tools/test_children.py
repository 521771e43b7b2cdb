"""How a tool ends: in one sentence, and with nothing of what it ran left behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pointsman.runtime.errors import Failed
from tools.children import run

ROOT = Path(__file__).resolve().parents[2]
TOOL = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
from tools.children import run, spoken
def work():
    run([sys.executable, "-c", sys.argv[1], sys.argv[2]], shown=sys.argv[3] == "shown")
    return 0
sys.exit(spoken("tool", work))
"""
# Says where it is, is at it for a minute, and is slow to clear up: longer than Python itself waits.
CHILD = """
import os, pathlib, sys, time
place = pathlib.Path(sys.argv[1]); place.write_text(str(os.getpid()))
try:
    time.sleep(60)
finally:
    time.sleep(1)
    place.unlink()
"""
IGNORING = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
STUBBORN = IGNORING + CHILD


def started(child: str, place: Path, shown: str = "hidden") -> subprocess.Popen[str]:
    tool = subprocess.Popen(
        [sys.executable, "-c", TOOL, child, str(place), shown],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    until = time.monotonic() + 60
    while not (place.exists() and place.read_text()):
        assert time.monotonic() < until
        time.sleep(0.01)
    return tool


@pytest.mark.parametrize("shown", ["hidden", "shown"])
def test_ctrl_c_is_one_sentence_after_the_child_has_cleared_up(tmp_path: Path, shown: str) -> None:
    tool = started(CHILD, tmp_path / "pid", shown)
    os.killpg(tool.pid, signal.SIGINT)  # as a terminal does
    out, err = tool.communicate(timeout=60)
    assert tool.returncode == 130
    assert out == ""
    if shown == "hidden":  # apt's last words are for the user
        assert err == "tool: interrupted\n"
    assert not (tmp_path / "pid").exists()


def test_an_interrupt_for_the_tool_alone_ends_the_child_too(tmp_path: Path) -> None:
    patient = CHILD.replace("time.sleep(60)", "time.sleep(8)")
    tool = started(patient, tmp_path / "pid")
    tool.send_signal(signal.SIGINT)
    assert tool.communicate(timeout=60) == ("", "tool: interrupted\n")
    assert not (tmp_path / "pid").exists()


def test_a_second_ctrl_c_ends_what_ignores_the_first(tmp_path: Path) -> None:
    tool = started(STUBBORN, tmp_path / "pid")
    pid = int((tmp_path / "pid").read_text())
    for _ in range(2):
        os.killpg(tool.pid, signal.SIGINT)
        time.sleep(2)  # two that are pending at once are one
    assert tool.communicate(timeout=40) == ("", "tool: interrupted\n")
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_terminated_tool_terminates_its_child(tmp_path: Path) -> None:
    tool = started(CHILD, tmp_path / "pid")
    pid = int((tmp_path / "pid").read_text())
    tool.terminate()
    assert tool.communicate(timeout=60) == ("", "")
    assert tool.returncode == 143
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_what_fails_by_itself_has_said_why(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Failed, match="failed with exit status 3; its output is above"):
        run([sys.executable, "-c", "import sys; print('no room', file=sys.stderr); sys.exit(3)"])
    assert capfd.readouterr().err == "no room\n"
