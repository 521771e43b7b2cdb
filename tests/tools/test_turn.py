"""Who works below `build/`: one at a time."""

import subprocess
import sys
from pathlib import Path

import pytest

from tools.setup import ROOT
from tools.turn import turn

TAKE = """
import os, pathlib, sys
from tools.turn import turn
with turn(pathlib.Path(sys.argv[1]), "t"): """


def taking(folder: Path, deed: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", TAKE + deed, str(folder)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_who_waits_is_told_so_and_has_its_turn(tmp_path: Path) -> None:
    """Without a word a second `make` seemed to hang for as long as the first one took."""
    with turn(tmp_path / "build", "setup"):
        other = taking(tmp_path / "build", "print('done')")
        assert other.stdout is not None
        line = other.stdout.readline()
        assert line == "t: another one runs in this tree; waiting for its end\n"
        assert other.poll() is None
    assert other.communicate(timeout=30)[0] == "done\n"


def test_nobody_waits_for_one_that_has_ended(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with taking(tmp_path / "build", "os._exit(0)") as ended:
        ended.wait(30)
    with turn(tmp_path / "build", "setup"):
        pass
    assert capsys.readouterr().out == ""
