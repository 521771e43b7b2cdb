"""How the story is told; that it is true is seen with the whole product."""

import contextlib
import io
from collections import Counter
from collections.abc import Callable
from typing import cast

import pytest

from lab.demo import ingress
from lab.errors import Broken
from lab.handle import Lab
from lab.patience import PATIENCE_S
from lab.story import Reply, Story, Untrue
from pointsman.runtime import terminal


class Stage:
    """A lab in which the first look decides."""

    def wait(self, what: str, look: Callable[[], object], *, timeout_s: float = PATIENCE_S) -> None:
        if not look():
            raise Broken(f"Waited {timeout_s:g} s in vain for {what}.")


def test_what_is_true_is_remembered_and_what_is_not_ends_the_story(
    capsys: pytest.CaptureFixture[str],
) -> None:
    story = Story(cast(Lab, Stage()))
    story.claim("water is wet", lambda: True)
    with pytest.raises(Untrue, match="in vain for pigs fly"):
        story.claim("pigs fly", lambda: False)
    first, second = story.table().splitlines()
    assert first.startswith("seen      water is wet")
    assert second.startswith("NOT SEEN  pigs fly")
    assert "NOT AS TOLD  pigs fly" in capsys.readouterr().out


class Latecomer(Stage):
    """A lab whose rules arrive one after another: each request is answered by one more."""

    def __init__(self) -> None:
        self.asked = 0

    def wait(self, what: str, look: Callable[[], object], *, timeout_s: float = PATIENCE_S) -> None:
        for _ in range(3):
            with contextlib.suppress(Broken):
                if look():
                    return
        raise Broken(f"Waited {timeout_s:g} s in vain for {what}.")

    def get(self, address: str, *, machine: str) -> tuple[str, str, str]:
        self.asked += 1
        if self.asked == 1:
            raise Broken("nobody answered")
        return f"node{self.asked}", f"node{self.asked}-pod1", "203.0.113.10"


def test_answers_are_asked_for_until_they_are_as_told(capsys: pytest.CaptureFixture[str]) -> None:
    story = Story(cast(Lab, Latecomer()))
    story.requests("198.51.100.0", 2, what="node4 is in", true=lambda all_: "node4" in nodes(all_))
    assert story.seen[-1].true
    out = capsys.readouterr().out
    assert "node5" in out  # asked together with node4
    assert "node3" not in out  # told are the answers that made it true
    with pytest.raises(Untrue):
        story.requests("198.51.100.0", 2, what="nobody is in", true=lambda all_: not all_)


def nodes(found: Counter[Reply]) -> set[str]:
    return {node for node, _, _ in found}


def test_a_service_without_a_status_has_no_address() -> None:
    class Api:
        def get(self, path: str) -> dict[str, object]:
            return {"status": {"loadBalancer": {}}} if path.endswith("/web") else {}

    class Fake:
        api = Api()

    assert ingress(cast(Lab, Fake()), "web") == ingress(cast(Lab, Fake()), "other") == []


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_it_is_told_in_colour() -> None:
    """Through the guard that every command of ours prints through."""
    with contextlib.redirect_stdout(Terminal()) as seen, terminal.guarded():
        story = Story(cast(Lab, Stage()))
        story.chapter("1. Water")
        story.claim("water is wet", lambda: True)
    assert "\033[1m\n1. Water\033[0m\n" in seen.getvalue()
    assert "\033[32mok\033[0m  water is wet" in seen.getvalue()
    assert "\\x1b" not in seen.getvalue()


def test_in_a_pipe_it_is_told_without(capsys: pytest.CaptureFixture[str]) -> None:
    with terminal.guarded():
        Story(cast(Lab, Stage())).chapter("1. Water")
    assert capsys.readouterr().out == "\n1. Water\n"
