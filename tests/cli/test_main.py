import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from cli import __main__ as program
from lab.parts import find
from tests.cli.running import CLUSTER, OFFLINE, ROOT, process, run


def test_the_overview_names_every_command_and_loads_none(capsys) -> None:
    status, out, _ = run(capsys, "--help")
    assert status == 0
    for command in ("manager", "agent", "lab", "status", "explain", "plan", "crds"):
        assert f"    {command} " in out
    heavy = "aiohttp", "pydantic", "kubernetes_asyncio", "grpc", "rich", "yaml", "asyncio"
    code = (
        "import sys, cli.__main__ as c; c.main(['--help']); "
        f"print([m for m in {heavy!r} if m in sys.modules])"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert told.stdout.splitlines()[-1] == "[]"


def test_files_need_no_client_for_a_cluster() -> None:
    code = (
        f"import sys, cli.__main__ as c; c.main(['plan', '--offline', '-f', {CLUSTER!r}]); "
        "print([m for m in ('aiohttp', 'kubernetes_asyncio', 'grpc', 'rich') if m in sys.modules])"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert told.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        pytest.param([], "usage: pointsman", id="no command: the overview"),
        pytest.param(["paln"], "invalid choice: 'paln'", id="an unknown command"),
        pytest.param(["--offline"], "the following arguments are required: COMMAND", id="a flag"),
        pytest.param(["status", "--wrong"], "unrecognized arguments: --wrong", id="a wrong flag"),
        pytest.param(["crds", "-o", "table"], "invalid choice: 'table'", id="a wrong value"),
    ],
)
def test_misuse_is_2_with_a_sentence(words, sentence, capsys) -> None:
    status, out, err = run(capsys, *words)
    assert (status, out) == (2, "")
    assert sentence in err


@pytest.mark.parametrize("name", ["manager", "agent", "lab"])
def test_programs_read_their_own_command_line(name: str, capsys, monkeypatch) -> None:
    heard: list[list[str]] = []

    def hear(words: list[str]) -> int:
        heard.append(list(words))
        return 3

    module = ModuleType(f"{name}.__main__")
    monkeypatch.setattr(module, "main", hear, raising=False)
    monkeypatch.setitem(sys.modules, f"{name}.__main__", module)
    assert run(capsys, name, "--node", "x", "--", "--help")[0] == 3
    assert heard == [["--node", "x", "--", "--help"]]


@pytest.mark.parametrize("name", ["manager", "agent", "lab"])
def test_programs_exist(name: str, capsys) -> None:
    status, out, _ = run(capsys, name, "--help")
    assert status == 0
    assert f"usage: pointsman {name}" in out


def test_a_missing_package_names_the_extra_to_install(capsys, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "lab.__main__", None)  # so that importing it fails
    with pytest.raises(ModuleNotFoundError):  # ours: a bug, not a matter of extras
        run(capsys, "lab")
    assert program._not_installed("lab", ModuleNotFoundError(name="celpy.x")) == 2
    assert "needs the package celpy" in capsys.readouterr().err
    assert program._not_installed("plan", ModuleNotFoundError(name="aiohttp")) == 2
    assert "install pointsman[manager]." in capsys.readouterr().err


def test_as_a_kubectl_plugin_it_calls_itself_so(capsys, monkeypatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/usr/local/bin/kubectl-pointsman"])
    assert "usage: kubectl pointsman plan" in run(capsys, "plan", "--help")[1]
    assert run(capsys, "plan")[2].startswith("kubectl pointsman plan: ")


def test_kubectl_finds_the_plugin() -> None:
    beside = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    told = subprocess.run(
        [find("kubectl").path, "pointsman", "plan", "--help"],
        env={**os.environ, "PATH": beside}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "usage: kubectl pointsman plan" in told.stdout


@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])
@pytest.mark.parametrize("words", [("plan", *OFFLINE, "-o", "json"), ("crds",), ("--help",)])
def test_a_reader_that_leaves_is_no_error(words: tuple[str, ...], unbuffered: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    told = subprocess.run(
        [sys.executable, "-m", "cli", *words],
        cwd=ROOT, env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        stdout=writing, stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    os.close(writing)
    assert told.returncode == 0
    assert "BrokenPipe" not in told.stderr
    assert "Traceback" not in told.stderr


def test_a_terminal_gets_colour_and_a_pipe_does_not(tmp_path: Path) -> None:
    script = f"{sys.executable} -m cli plan --offline -f {CLUSTER}"
    shown = subprocess.run(
        ["script", "-qec", script, "/dev/null"],
        cwd=ROOT, env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "200"},
        capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert "\x1b[" in shown.stdout
    assert "198.51.100.1" in shown.stdout
    assert "\x1b" not in process("plan", *OFFLINE).stdout
