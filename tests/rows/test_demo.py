"""`make demo` tells the truth, and says so with its exit status."""

from collections.abc import Callable

import pytest

from lab import __main__ as command

pytestmark = pytest.mark.lab


def test_the_demo_is_all_as_told(
    fresh_name: Callable[[], str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["demo", "--name", fresh_name()]) == 0, capsys.readouterr().err
    assert "all as told" in capsys.readouterr().out


def test_a_lab_that_is_up_is_left_alone(
    fresh_name: Callable[[], str], capsys: pytest.CaptureFixture[str]
) -> None:
    name = fresh_name()
    without = "manager,sidecar,agents,proxy,pods,router"
    assert command.main(["up", "--detach", "--name", name, "--without", without]) == 0
    try:
        assert command.main(["demo", "--name", name]) == 2
        assert "is up already" in capsys.readouterr().err
        assert command.main(["status", "--name", name]) == 0
    finally:
        command.main(["down", "--name", name])
