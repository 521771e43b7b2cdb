"""Kubeconfigs of every shape: a cluster that is asked, or one sentence."""

from pathlib import Path

import pytest

from tests.cli.running import OFFLINE, run

USERS = {
    "a user that is missing": "[]",
    "a certificate that is no base64": '[{name: u, user: {client-certificate-data: "!!!"}}]',
    "a program that isn't there": "[{name: u, user: {exec: {apiVersion: "
    "client.authentication.k8s.io/v1, command: /nowhere/login, interactiveMode: Never}}}]",
    "a program that fails": "[{name: u, user: {exec: {apiVersion: "
    "client.authentication.k8s.io/v1, command: /bin/false, interactiveMode: Never}}}]",
    "a program without a name": "[{name: u, user: {exec: {}}}]",
    "a token file that isn't there": "[{name: u, user: {tokenFile: /nowhere}}]",
    "a certificate that isn't there": "[{name: u, user: {client-certificate: /nowhere}}]",
    "a token of two lines": '[{name: u, user: {token: "a\\nb"}}]',
    "nobody": "[{name: u, user: null}]",
}
SHAPES = {
    "nothing": "", "null": "null", "a list": "- a", "a number": "7", "no YAML": "a: [", "text": "x",
    "no context": "apiVersion: v1\nkind: Config", "no UTF-8": "\udcff\udcfe",
}  # fmt: skip


def _config(users: str) -> str:
    return (
        'apiVersion: v1\nkind: Config\nclusters: [{name: c, cluster: {server: "http://[::1]:1"}}]\n'
        "contexts: [{name: x, context: {cluster: c, user: u}}]\ncurrent-context: x\n"
        f"users: {users}\n"
    )


@pytest.mark.parametrize(
    "text",
    [pytest.param(text, id=name) for name, text in SHAPES.items()]
    + [pytest.param(_config(users), id=name) for name, users in USERS.items()],
)
def test_an_odd_kubeconfig_is_a_sentence(text: str, tmp_path: Path, capsys) -> None:
    path = tmp_path / "config"
    path.write_text(text, errors="surrogateescape")
    status, out, err = run(capsys, "status", "--kubeconfig", str(path))
    assert (status, out) == (1, "")
    last = err.splitlines()[-1]
    assert last.startswith("pointsman status: ")
    assert "NoneType" not in last
    assert "Traceback" not in err


def test_a_context_is_chosen_by_name(tmp_path: Path, capsys) -> None:
    path = tmp_path / "config"
    path.write_text(_config("[{name: u, user: {}}]"))
    _, _, err = run(capsys, "status", "--kubeconfig", str(path), "--context", "elsewhere")
    assert "elsewhere" in err
    _, _, err = run(capsys, "status", "--kubeconfig", str(path), "--context", "x")
    assert "cannot be read" in err
    assert run(capsys, "status", "--context", "x", *OFFLINE)[0] == 2


@pytest.mark.parametrize("words", [("status",), ("migrate", "--from", "metallb")])
def test_an_empty_context_is_the_current_one(words, tmp_path: Path, capsys) -> None:
    """As of a shell's variable that is not set, and as for kubectl."""
    path = tmp_path / "config"
    path.write_text(_config("[{name: u, user: {}}]"))
    _, _, err = run(capsys, *words, "--kubeconfig", str(path), "--context", "")
    assert "no answer from the API server" in err


def test_a_folder_is_no_kubeconfig(tmp_path: Path, capsys) -> None:
    status, _, err = run(capsys, "status", "--kubeconfig", str(tmp_path))
    assert status == 2
    assert "There is no kubeconfig" in err
