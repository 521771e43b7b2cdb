"""Flags of the agent: what they become, and the sentence for those that can't be meant."""

import asyncio
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from agent.__main__ import main, options, parser
from agent.main import until
from pointsman.runtime.errors import Misuse

KUBECONFIG = """
current-context: a
contexts: [{name: a, context: {cluster: a}}]
clusters: [{name: a, cluster: {server: "http://127.0.0.1:1"}}]
"""


@pytest.fixture
def kubeconfig(tmp_path: Path) -> str:
    path = tmp_path / "kubeconfig"
    path.write_text(KUBECONFIG)
    return str(path)


def test_without_flags_the_defaults_hold(kubeconfig: str) -> None:
    given = parser().parse_args(["--kubeconfig", kubeconfig])
    found = options(given, {"NODE_NAME": "node1"})
    assert (found.node, found.proxy_url) == ("node1", "http://127.0.0.1:10256/healthz")
    assert found.access.server == "http://127.0.0.1:1"
    assert (found.announce_rate, str(found.state_dir)) == (500, "/var/lib/pointsman")


def test_flags_win_over_the_environment(kubeconfig: str) -> None:
    flags = ["--kubeconfig", kubeconfig, "--node", "node2", "--proxy-health", "off"]
    found = options(parser().parse_args(flags), {"NODE_NAME": "node1"})
    assert (found.node, found.proxy_url) == ("node2", "")


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        pytest.param([], "give --node NAME, or set NODE_NAME", id="no node"),
        pytest.param(["--node", "Node_1"], "can't be the name of a Node", id="no name of a node"),
        pytest.param(["--node", "n", "--proxy-health", "yes"], "nor off", id="no URL"),
        pytest.param(["--node", "n", "--proxy-health", "http://x:99999"], "nor off", id="port"),
        pytest.param(["--node", "n", "--announce-rate", "0"], "1 to 10000", id="no rate"),
        pytest.param(["--node", "n", "--kernel-lease", "5"], "6 to 3600", id="no lease"),
        pytest.param(["--node", "n", "--http", "9473"], "--http '9473' is no", id="no port alone"),
        pytest.param(["--node", "n"], "--kubeconfig", id="neither kubeconfig nor Pod"),
        pytest.param(["--node", "n", "--kubeconfig", "/none"], "can't be read", id="no file"),
    ],
)
def test_misuse_is_a_sentence_and_status_2(
    flags: list[str],
    sentence: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("NODE_NAME", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)
    assert main(flags) == 2
    printed = capsys.readouterr().err
    assert sentence in printed
    assert printed.startswith("pointsman agent: ")
    assert printed.count("\n") == 1
    with pytest.raises(Misuse):
        options(parser().parse_args(flags), {})


async def test_told_to_stop_the_work_ends_quietly() -> None:
    stopping, ended = asyncio.Event(), False

    async def work() -> None:
        nonlocal ended
        try:
            stopping.set()
            await asyncio.Event().wait()
        finally:
            ended = True

    await until(stopping, work())
    assert ended


async def test_work_that_breaks_is_not_swallowed() -> None:
    async def work() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await until(asyncio.Event(), work())


def test_a_busy_port_is_a_sentence_and_status_2(
    kubeconfig: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        where = f"127.0.0.1:{taken.getsockname()[1]}"
        assert main(["--kubeconfig", kubeconfig, "--node", "n", f"--http={where}"]) == 2
    sentence = f"pointsman agent: --http {where}: another program listens there already"
    assert sentence in capsys.readouterr().err


def test_what_changes_a_kernel_is_not_loaded_before_there_is_something_to_hold() -> None:
    look = "import agent.main, sys; sys.exit('pyroute2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", look], check=False).returncode == 0
