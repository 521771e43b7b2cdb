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
