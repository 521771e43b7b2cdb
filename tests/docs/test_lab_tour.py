"""docs/lab.md, played: every command of its tour runs in a lab and prints what the page says.

A command that shows output is asked again until it agrees; one without output is run once.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from lab.supervision import lifecycle
from tests.docs import pages
from tests.docs.pages import ROOT, ShellCommand

pytestmark = pytest.mark.lab

PAGE = "docs/lab.md"
PATIENCE_S = 90.0
# The page uses the default name; labs of other people may have it.
SHELL = """
pointsman() {
  if [ "$1" = lab ]; then verb=$2; shift 2; set -- lab "$verb" --name "$LAB" "$@"; fi
  "$PYTHON" -m cli "$@"
}
"""


@pytest.fixture
def environment(parts: Mapping[str, Mapping[str, str]], tmp_path: Path) -> Iterator[dict[str, str]]:
    name = f"d{os.getpid()}"
    kubectl = Path(parts["kubectl"]["path"]).parent
    inherited = {k: v for k, v in os.environ.items() if k not in ("KUBECONFIG", "COLUMNS")}
    yield inherited | {
        "LAB": name,
        "PYTHON": sys.executable,
        "PYTHONPATH": str(ROOT),
        "PATH": f"{kubectl}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
    }
    if lifecycle.traces(name):
        lifecycle.down(name)


def pattern(lines: tuple[str, ...]) -> re.Pattern[str]:
    """Return what *lines* match: `...` is anything, any run of blanks is a run of blanks."""
    wanted = []
    for line in lines:
        pieces = [re.sub(r"(\\? )+", r"\\s+", re.escape(part)) for part in line.split("...")]
        wanted.append(".*?".join(pieces))
    return re.compile(r"\s*\n".join(wanted), re.DOTALL)


def run(step: ShellCommand, environment: dict[str, str], folder: Path) -> tuple[int, str]:
    done = subprocess.run(
        ["bash", "-c", f"{SHELL}\n{step.command}"],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def play(step: ShellCommand, environment: dict[str, str], folder: Path) -> None:
    where = f"{PAGE}:{step.line}: {step.command}"
    if step.command.startswith("export KUBECONFIG="):
        _, printed = run(ShellCommand(0, "pointsman lab kubeconfig", ()), environment, folder)
        environment["KUBECONFIG"] = printed.strip()
        return
    until = time.monotonic() + PATIENCE_S
    wanted = pattern(tuple(line.rstrip() for line in step.output if line.strip()))
    if "lab down" in step.command:
        wanted = re.compile(": down")  # under the test's own name
    while True:
        status, printed = run(step, environment, folder)
        if status in ((0, 1) if step.output else (0,)) and wanted.fullmatch(printed.strip()):
            return
        if wanted.search(printed) and "lab down" in step.command:
            return
        assert step.output, f"{where}: {status}: {printed}"
        assert time.monotonic() < until, f"{where}: {status}:\n{printed}"
        time.sleep(0.3)


def test_the_tour_goes_as_the_page_says(environment: dict[str, str], tmp_path: Path) -> None:
    played = 0
    for block in pages.blocks(PAGE):
        if block.language == "yaml" and block.title:
            (tmp_path / block.title).write_text(block.text)
        if (block.language, block.title) == ("console", "lab"):
            for step in pages.shell_commands(block):
                play(step, environment, tmp_path)
                played += 1
    assert played > 20
