"""Flags of the manager: what they become, and the sentence for those that can't be meant."""

from pathlib import Path

import pytest

from manager.__main__ import main, options, parser
from manager.snapshot import Settings
from pointsman.runtime.errors import Misuse


def test_the_defaults() -> None:
    found = options(parser().parse_args(["--name", "manager-0"]))
    assert (found.name, found.namespace, found.kubeconfig) == (
        "manager-0",
        "pointsman-system",
        None,
    )
    assert found.gobgp_sockets == (Path("/run/pointsman/gobgp/gobgp.sock"),)
    assert found.lease_duration_s == 15
    assert found.settings == Settings(speaker_name="manager-0")


def test_flags_win() -> None:
    flags = [
        *("--name", "m.example", "--namespace", "lb", "--kubeconfig", "k", "--gobgp-socket", "s"),
        *("--require-class", "--drain-taints", " a/b, ,c", "--lease-duration-s", "3"),
    ]
    found = options(parser().parse_args(flags))
    assert (found.name, found.namespace) == ("m.example", "lb")
    assert (found.kubeconfig, found.gobgp_sockets) == (Path("k"), (Path("s"),))
    assert found.lease_duration_s == 3
    assert found.settings == Settings(
        require_class=True, drain_taints=frozenset({"a/b", "c"}), speaker_name="m.example"
    )


def test_no_drain_taints_at_all() -> None:
    found = options(parser().parse_args(["--name", "m", "--drain-taints", ""]))
    assert found.settings.drain_taints == frozenset()


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        pytest.param(["--name", "Node_1"], "'Node_1' cannot name a replica", id="no name"),
        pytest.param(["--name", "-"], "cannot name a replica", id="a lone dash"),
        pytest.param(
            ["--name", "m", "--lease-duration-s", "2"],
            "A lease of 2 s is too short to be renewed in time: give --lease-duration-s 3 or more.",
            id="a lease too short",
        ),
        pytest.param(
            ["--name", "m", "--lease-duration-s", "nan"], "A lease of nan s", id="no number"
        ),
        pytest.param(
            ["--name", "m", "--kubeconfig", "/nowhere"], "Name a kubeconfig", id="no kubeconfig"
        ),
        pytest.param(["--name", "m"], "the Pod's service account", id="outside a Pod"),
        pytest.param(["--log-level", "loud"], "invalid choice: 'loud'", id="no level"),
        pytest.param(["--lease-duration-s", "long"], "invalid float value", id="no duration"),
        pytest.param(["--unknown"], "unrecognized arguments: --unknown", id="no such flag"),
    ],
)
def test_misuse_is_a_sentence_and_status_2(
    flags: list[str],
    sentence: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    assert main(flags) == 2
    printed = capsys.readouterr().err
    assert sentence in printed
    assert "Traceback" not in printed


def test_help_is_no_misuse(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert "--gobgp-socket" in capsys.readouterr().out


def test_a_socket_more_is_a_speaker_more() -> None:
    found = options(parser().parse_args(["--name=a", "--gobgp-socket=x", "--gobgp-socket=y"]))
    assert found.gobgp_sockets == (Path("x"), Path("y"))
    assert found.settings.speakers == 2
    with pytest.raises(Misuse, match="Two speakers cannot have one socket"):
        options(parser().parse_args(["--name=a", "--gobgp-socket=x", "--gobgp-socket=x"]))
