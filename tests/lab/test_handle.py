"""Waiting for a lab, without one."""

import json
from collections.abc import Callable, Iterator

import pytest

from lab.errors import Broken
from lab.handle import Lab
from lab.options import Options

LAB = Lab(Options())


def looks(*found: object) -> Callable[[], object]:
    """Return a look that sees *found*, one after another; an exception is raised."""
    rest: Iterator[object] = iter(found)

    def look() -> object:
        one = next(rest)
        if isinstance(one, Exception):
            raise one
        return one

    return look


def test_what_is_not_there_yet_is_looked_for_again() -> None:
    early: tuple[object, ...] = (
        None,
        [],
        Broken("no route"),
        AssertionError("not so"),
        KeyError("status"),
        IndexError("no first speaker"),
        json.JSONDecodeError("bgpd is not running", "", 0),
    )
    assert LAB.wait("a status", looks(*early, "there")) == "there"


def test_a_bug_in_a_look_is_not_waited_for() -> None:
    with pytest.raises(TypeError, match="a typo"):
        LAB.wait("a status", looks(TypeError("a typo"), "there"))


@pytest.mark.parametrize(
    ("last", "words"),
    [
        pytest.param([], r"last seen: \[\]", id="a value that is none"),
        pytest.param(KeyError("status"), r"last look: KeyError\('status'\)", id="an exception"),
    ],
)
def test_in_vain_says_what_for_and_what_was_seen_last(last: object, words: str) -> None:
    with pytest.raises(Broken, match=f"in vain for a route; {words}"):
        LAB.wait("a route", looks(*[last] * 100), timeout_s=0.1)
