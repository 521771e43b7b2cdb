import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from cli import __main__ as program
from lab.parts import find
from pointsman.runtime.version import version
from tests.cli.running import (
    CLUSTER,
    OFFLINE,
    ROOT,
    obj,
    peer,
    process,
    run,
    service,
    small,
    write,
)


def test_the_overview_names_every_command_and_loads_none(capsys) -> None:
    status, out, _ = run(capsys, "--help")
    assert status == 0
    for command in ("manager", "agent", "lab", "status", "explain", "plan", "crds"):
        assert f"    {command} " in out
    heavy = "aiohttp", "pydantic", "kubernetes_asyncio", "grpc", "yaml", "asyncio"
    code = (
        "import sys, cli.__main__ as c; c.main(['--help']); "
        f"print([m for m in {heavy!r} if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_files_need_no_client_for_a_cluster() -> None:
    code = (
        f"import sys, cli.__main__ as c; c.main(['plan', '--offline', '-f', {CLUSTER!r}]); "
        "print([m for m in ('aiohttp', 'kubernetes_asyncio', 'grpc') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


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


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["manager", "--wrong"], "unrecognized arguments: --wrong"),
        (["manager", "--log-level", "loud"], "argument --log-level: invalid choice: 'loud'"),
        (["agent", "--node"], "argument --node: expected one argument"),
        (["lab"], "the following arguments are required: VERB"),
        (["lab", "fly"], "argument VERB: invalid choice: 'fly'"),
        (["lab", "up", "--nodes", "many"], "argument --nodes: invalid int value: 'many'"),
        (["plan", "--wrong"], "unrecognized arguments: --wrong"),
    ],
)
def test_a_wrong_word_is_answered_in_one_line(words, sentence, capsys) -> None:
    """The line says which command's help to read; a screen of usage would hide it."""
    try:
        status, out, err = run(capsys, *words)
    except SystemExit as end:
        raise AssertionError("it ended the process") from end
    assert (status, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert f"{words[0]}" in err.partition(":")[0]
    assert sentence in err
    assert "--help`." in err


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
def test_every_program_can_be_run_as_a_command(name: str, capsys) -> None:
    status, out, _ = run(capsys, name, "--help")
    assert status == 0
    assert f"usage: pointsman {name}" in out


def test_an_installation_without_the_lab_says_where_it_is(capsys, monkeypatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "lab"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "lab", None)  # so that there is none
    status, _, err = run(capsys, "lab", "up")
    assert status == 2
    assert "run it in a checkout" in err


def test_a_missing_package_names_the_extra_to_install(capsys, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "lab.__main__", None)  # so that importing it fails
    with pytest.raises(ModuleNotFoundError):  # ours: a bug, not a matter of extras
        run(capsys, "lab")
    assert program._not_installed("lab", ModuleNotFoundError(name="celpy.x")) == 2
    assert "needs the package celpy" in capsys.readouterr().err
    missing = ModuleNotFoundError(name="pointsman.gobgp_api.gobgp_pb2")
    assert program._not_installed("manager", missing) == 2
    assert capsys.readouterr().err.endswith("run `make setup` in the checkout.\n")
    assert program._not_installed("plan", ModuleNotFoundError(name="aiohttp")) == 2
    assert "install pointsman[manager]." in capsys.readouterr().err


def test_as_a_kubectl_plugin_it_calls_itself_so(capsys, monkeypatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/usr/local/bin/kubectl-pointsman"])
    assert "usage: kubectl pointsman plan" in run(capsys, "plan", "--help")[1]
    assert run(capsys, "plan")[2].startswith("kubectl pointsman plan: ")


def test_kubectl_finds_the_plugin() -> None:
    beside = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        [find("kubectl").path, "pointsman", "plan", "--help"],
        env={**os.environ, "PATH": beside}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "usage: kubectl pointsman plan" in done.stdout


@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])
@pytest.mark.parametrize("words", [("plan", *OFFLINE, "-o", "json"), ("crds",), ("--help",)])
def test_a_reader_that_leaves_is_no_error(words: tuple[str, ...], unbuffered: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "cli", *words],
        cwd=ROOT, env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        stdout=writing, stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    os.close(writing)
    assert done.returncode == 0
    assert "BrokenPipe" not in done.stderr
    assert "Traceback" not in done.stderr


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


HELPS = (
    (), ("status",), ("explain",), ("peers",), ("routes",), ("plan",), ("crds",), ("node",),
    ("uninstall",), ("support-dump",), ("completion",), ("map",),
    ("manager",),
    ("agent",), ("lab",), *(("lab", verb) for verb in ("up", "down", "status", "exec", "kubeconfig",
    "endpoints", "get", "fail", "heal", "logs", "demo")),
)  # fmt: skip


@pytest.mark.parametrize("words", HELPS, ids=" ".join)
def test_every_command_says_the_version(words: tuple[str, ...], capsys) -> None:
    assert run(capsys, *words, "--version") == (0, f"pointsman {version()}\n", "")


@pytest.mark.parametrize("words", HELPS, ids=" ".join)
def test_every_help_has_examples(words: tuple[str, ...], capsys) -> None:
    status, out, _ = run(capsys, *words, "--help")
    assert status == 0
    _, _, shown = out.partition("\nexamples:\n")
    assert "$(pointsman" in shown or f"pointsman {' '.join(words)}".strip() in shown


def _terminal(*words: str, environment: dict[str, str] | None = None) -> str:
    """Return what a terminal of so many columns is sent."""
    size = f"stty cols 80 rows 24; {sys.executable} -m cli {' '.join(words)}"
    shown = subprocess.run(
        ["script", "-qec", size, "/dev/null"],
        cwd=ROOT,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "", **(environment or {})},
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return shown.stdout.replace("\r\n", "\n")


def test_no_cell_is_broken_on_80_columns() -> None:
    plain = process("plan", *OFFLINE).stdout
    shown = re.sub(r"\x1b\[\d*m", "", _terminal("plan", *OFFLINE))
    rows = [line for line in plain.splitlines() if line.startswith("  ") and ". " not in line]
    assert rows
    for row in rows:
        assert row in shown.splitlines()
    sentences = [line for line in shown.splitlines() if line.startswith("  Service default/late")]
    assert sentences
    assert all(len(line) <= 80 for line in sentences)


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=str)
def test_a_terminal_may_be_spared_the_colours(environment: dict[str, str]) -> None:
    assert "\x1b" not in _terminal("plan", *OFFLINE, environment=environment)


EVIL = (
    "\x1b[31mRED\x1b]0;pwned\x07\r\n2026-11-28T16:00:00.000Z ERROR manager: forged"
    "\u2028\u202egpj.exe\x85\x9b2J\u200b"
)


ASKING = (
    ("plan",), ("status",), ("routes",), ("peers",), ("explain", "service", "evil"),
    ("explain", "eip", "public"), ("explain", "peer", "tor-1"), ("explain", "node", "node1"),
    ("explain", "address", "198.51.100.0"),
)  # fmt: skip


@pytest.mark.parametrize("output", ["table", "json", "yaml"])
@pytest.mark.parametrize("words", ASKING, ids=" ".join)
def test_nothing_that_is_written_in_a_cluster_acts_on_a_terminal(
    words: tuple[str, ...], output: str, tmp_path: Path, capsys
) -> None:
    evil = service("evil", notes=dict.fromkeys(("eip", "addresses", "share-key"), EVIL))
    evil["metadata"]["annotations"]["pointsman.dev/" + EVIL] = "x"
    evil["spec"]["loadBalancerClass"] = "pointsman.dev/lb"
    evil["status"] = {
        "loadBalancer": {"ingress": [{"hostname": EVIL}]},
        "conditions": [
            {"type": f"pointsman.dev/{kind}", "status": "False", "reason": EVIL, "message": EVIL}
            for kind in ("Allocated", "Announced")
        ],
    }
    evil["metadata"]["uid"] = "1"  # from a server: shown, not refused
    odd = obj("Announcer", "node1", status={"interfaces": [{"name": EVIL}]})
    router = peer("tor-1")
    router["metadata"]["uid"] = "2"
    router["status"] = {
        "conditions": [{"type": EVIL, "status": EVIL, "reason": EVIL, "message": EVIL}],
        "speakers": [{"name": EVIL, "state": EVIL, "lastError": EVIL}],
    }
    others = [one for one in small() if one["kind"] != "BgpPeer"]
    path = write(
        tmp_path / "a.yaml", *others, router, evil, odd, {"kind": EVIL, "apiVersion": EVIL}
    )
    _, out, err = run(capsys, *words, "--offline", "-f", path, "-o", output)
    assert "evil" in out + err or "RED" in out + err
    for text in (out, err):
        assert text.replace("\n", "").isprintable()
        assert not any(line.startswith("2026-") for line in text.splitlines())


@pytest.mark.parametrize("words", ASKING, ids=" ".join)
def test_yaml_says_what_json_says(words: tuple[str, ...], tmp_path: Path, capsys) -> None:
    """In keys, order and values: it is the same answer."""
    named = service("evil", notes={"eip": "größe: [1]\u202e\x1b"})
    file = "--offline", "-f", write(tmp_path / "a.yaml", *small(), named)
    _, as_json, _ = run(capsys, *words, *file, "-o", "json")
    _, as_yaml, _ = run(capsys, *words, *file, "-o", "yaml")
    assert yaml.safe_load(as_yaml) == json.loads(as_json)
    assert as_yaml.replace("\n", "").isprintable()
    assert "&id" not in as_yaml


def test_a_terminal_of_another_encoding_is_served(tmp_path: Path) -> None:
    kind = obj("Größe", "x", "v1")
    done = process(
        "plan", "--offline", "-f", write(tmp_path / "a.yaml", *small(), kind), encoding="latin-1",
        seed="0",
    )  # fmt: skip
    assert done.returncode == 0
