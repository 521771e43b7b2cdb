"""Completion in shells: the script is whole, and bash completes with it."""

import subprocess
from pathlib import Path

import pytest

from cli.__main__ import COMMANDS, PROGRAMS
from tests.cli.running import run

COMPLETE = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
"$(complete -p pointsman | sed 's/.*-F \\([^ ]*\\).*/\\1/')"
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import contextlib
    import io

    from cli.__main__ import main

    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        assert main(["completion", "bash"]) == 0
    path = tmp_path_factory.mktemp("completion") / "pointsman.bash"
    path.write_text(text.getvalue())
    return path


def completed(script: Path, *words: str) -> set[str]:
    """Return what bash offers for the last of *words*."""
    done = subprocess.run(
        ["bash", "-c", COMPLETE, "bash", str(script), *words],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("pointsman", "sta"), {"status"}),
        (("pointsman", "status", "--wat"), {"--watch"}),
        (("pointsman", "node", ""), {"drain", "undrain"}),
        (("pointsman", "plan", "--router-config", ""), {"bird", "frr"}),
        (("pointsman", "explain", "-o", ""), {"table", "json", "yaml"}),
        (("pointsman", "lab", "ex"), {"exec"}),
        (("pointsman", "lab", "up", "--nod"), {"--nodes"}),
        (("pointsman", "manager", "--require"), {"--require-class"}),
        (("pointsman", "completion", ""), {"bash", "zsh", "fish"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_bash_offers(words: tuple[str, ...], offered: set[str], script: Path) -> None:
    assert completed(script, *words) == offered


def test_every_command_is_offered(script: Path) -> None:
    assert completed(script, "pointsman", "") == {*COMMANDS, *PROGRAMS}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_for_each_shell_knows_every_command(shell: str, capsys) -> None:
    status, out, err = run(capsys, "completion", shell)
    assert (status, err) == (0, "")
    for command in (*COMMANDS, *PROGRAMS):
        assert command in out
    assert "router-config" in out


def test_another_shell_is_2(capsys) -> None:
    assert run(capsys, "completion", "csh")[0] == 2
