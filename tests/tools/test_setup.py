"""What setting up does besides downloading: how it refuses, and which kubectl it offers."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pointsman.runtime.errors import Failed
from tools import setup

KUBECTL = "#!/bin/sh\n"


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tree that is set up; its part is a kubectl."""
    build = tmp_path / "build"
    (build / "venv" / "bin").mkdir(parents=True)
    program(build / "parts")
    (build / "parts.json").write_text(json.dumps({"kubectl": {"path": "build/parts/kubectl"}}))
    for name, place in (("ROOT", tmp_path), ("BUILD", build), ("TMP", build / "tmp"),
                        ("VENV", build / "venv"), ("PARTS", build / "parts.json")):  # fmt: skip
        monkeypatch.setattr(setup, name, place)
    monkeypatch.setenv("PATH", f"{build / 'venv' / 'bin'}{os.pathsep}{tmp_path / 'bin'}")
    return tmp_path


def program(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "kubectl").write_text(KUBECTL)
    (folder / "kubectl").chmod(0o755)


def test_a_machine_without_kubectl_is_offered_the_lab_s(tree: Path) -> None:
    link = tree / "build" / "venv" / "bin" / "kubectl"
    for _ in range(2):  # a second run finds its own link, which is none of the machine's
        setup.offer_kubectl()
        assert link.resolve() == tree / "build" / "parts" / "kubectl"


def test_a_machine_s_own_kubectl_stays_the_one(tree: Path) -> None:
    setup.offer_kubectl()
    program(tree / "bin")
    setup.offer_kubectl()
    assert not (tree / "build" / "venv" / "bin" / "kubectl").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_tree_of_somebody_else_s_is_a_sentence(tree: Path) -> None:
    (tree / "build" / ".lock").touch(0o644)
    os.seteuid(65534)
    try:
        with pytest.raises(Failed, match="Run this as the user who made this tree"), setup.alone():
            pass
    finally:
        os.seteuid(0)


def test_an_old_python_is_told_which_one_to_name() -> None:
    code = (
        "import sys; sys.version_info = (3, 9, 2); from tools import setup; sys.exit(setup.main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=setup.ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "too old: Pointsman needs 3.11 or newer" in done.stderr
