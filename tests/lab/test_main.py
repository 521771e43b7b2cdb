"""The verbs as words; what they do to a lab is test_real."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from lab.__main__ import main
from lab.network import topology
from lab.network.topology import RUNTIME_ROOT

ROOT = Path(__file__).resolve().parents[2]

NAME = ["--name", "never-up"]


@pytest.mark.parametrize(
    "words",
    [
        pytest.param([], id="no verb"),
        pytest.param(["fly"], id="unknown verb"),
        pytest.param(["up", "--nodes", "many"], id="not a number"),
        pytest.param(["up", "--nodes", "0", "--detach"], id="too small"),
        pytest.param(["up", "--name", "A!", "--detach"], id="bad name"),
        pytest.param(["up", "--router", "ios"], id="unknown router"),
        pytest.param(["up", "--without", "coffee", "--detach"], id="nothing to leave out"),
        pytest.param(["up", "--kubeconfig", "/nonexistent", "--detach"], id="no such file"),
        pytest.param(["up", "--det"], id="abbreviated flag"),
        pytest.param(["exec"], id="exec without a machine"),
        pytest.param(["exec", "router"], id="exec without a command"),
        pytest.param(["endpoints"], id="endpoints without a Service"),
        pytest.param(["get"], id="get without an address"),
        pytest.param(["fail"], id="fail without a target"),
        pytest.param(["down", "--", "x"], id="a command where none belongs"),
        pytest.param(["status", "-o", "xml"], id="unknown format"),
    ],
)
def test_misuse_is_2_and_a_sentence(words: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert capfd.readouterr().err.strip()


@pytest.mark.parametrize("name", ["", ".", "..", "../lab", "lab/..", "/run", "a b", "A"])
@pytest.mark.parametrize(
    "words",
    [
        ["down"],
        ["status"],
        ["exec", "router", "--", "true"],
        ["kubeconfig"],
        ["endpoints", "default/web"],
        ["get", "198.51.100.1"],
        ["fail", "node1"],
        ["heal", "node1"],
        ["logs", "manager"],
        ["demo"],
        ["up", "--detach"],
    ],
)
def test_what_no_lab_can_be_called_is_misuse(
    words: list[str], name: str, capfd: pytest.CaptureFixture[str], labs: Path
) -> None:
    """Above all for `down`, which removes the folder of that name with all that is in it."""
    before = sorted(labs.parent.rglob("*"))
    assert main([words[0], "--name", name, *words[1:]]) == 2
    assert capfd.readouterr().err.startswith(f"{name!r} can't name a lab")
    assert sorted(labs.parent.rglob("*")) == before


@pytest.fixture
def labs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of all labs, here with a stranger's folder beside it."""
    root = tmp_path / "pointsman-lab"
    for folder in (root / "other", tmp_path / "lab", tmp_path / "run"):
        folder.mkdir(parents=True)
    monkeypatch.setattr(topology, "RUNTIME_ROOT", root)
    return root


@pytest.mark.parametrize(
    "words",
    [
        ["status", *NAME],
        ["exec", *NAME, "router", "--", "true"],
        ["kubeconfig", *NAME],
        ["endpoints", *NAME, "default/web"],
        ["fail", *NAME, "node1"],
        ["heal", *NAME, "node1"],
        ["logs", *NAME, "manager"],
    ],
)
def test_a_lab_that_is_not_up_is_1_and_says_how_to(
    words: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 1
    assert "lab up --name never-up" in capfd.readouterr().err


def test_down_of_nothing_is_fine(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["down", *NAME]) == 0
    assert "was not up" in capfd.readouterr().out


def test_help_is_0() -> None:
    assert main(["--help"]) == 0
    assert main(["up", "--help"]) == 0


AS_NOBODY = """
import os, sys
from lab.__main__ import main
os.setegid(65534)
os.seteuid(65534)
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("verb", ["status", "kubeconfig", "down"])
def test_somebody_elses_lab_is_no_traceback(verb: str) -> None:
    name = f"other-{os.getpid()}"
    folder = RUNTIME_ROOT / name
    folder.mkdir(mode=0o700, parents=True)
    try:
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(folder / "control.sock"))
            listening.listen()
            done = subprocess.run(
                [sys.executable, "-c", AS_NOBODY, verb, "--name", name],
                capture_output=True, text=True, check=False, cwd=ROOT,
            )  # fmt: skip
    finally:
        shutil.rmtree(folder)
    assert done.returncode == 1
    assert "root" in done.stderr
    assert "Traceback" not in done.stderr
