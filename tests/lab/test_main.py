"""The verbs as words; what they do to a lab is test_real."""

import pytest

from lab.__main__ import main

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
        pytest.param(["fail"], id="fail without a target"),
        pytest.param(["down", "--", "x"], id="a command where none belongs"),
        pytest.param(["status", "-o", "xml"], id="unknown format"),
    ],
)
def test_misuse_is_2_and_a_sentence(words: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert capfd.readouterr().err.strip()


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
