"""Words that have meant too many things here are no names any more; files stay short.

A word such as *told* stood for a route, a condition and a process's output within one folder.
Sentences may use it, and a test's name is a sentence; a name in code says what the thing is.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[1]
ROOMS: Final = (
    "pointsman", "manager", "agent", "cli", "lab", "standin", "sidecars", "monitoring",
    "tools", "tests", "e2e",
)  # fmt: skip
WORDS: Final = frozenset({"told", "said", "kept"})
IN_CLASSES: Final = ("Voice", "Speech", "Saying", "Seat", "Books", "Quarrel", "Told")
LINES_MAX: Final = 300
# Longer ones, all of them tests, each with what holds it together; a source is never longer.
LONGER: Final = {
    "tests/manager/planner/addresses/test_allocate_machine.py": "a state machine is one class",
    "tests/manager/liveness/test_judgement.py": "one scale of times behind every row",
    "tests/manager/planner/bgp/test_peer_speakers.py": "one sample of speakers behind every row",
    "tests/sim/fleet.py": "one network and its parts, each of which changes the others",
}


def files() -> Iterator[Path]:
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            if "gobgp_api" not in path.parts:  # generated
                yield path.relative_to(ROOT)


def identifiers(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield every name that code gives or uses, with its line; a test's own name is a sentence."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                yield node.lineno, name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                if not name.startswith("test_"):
                    yield node.lineno, name


def unclear(source: str) -> list[str]:
    """Return what is named with one of the words, by line."""
    tree = ast.parse(source)
    names = {(line, name) for line, name in identifiers(tree) if WORDS & set(name.split("_"))}
    names |= {
        (node.lineno, node.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and any(word in node.name for word in IN_CLASSES)
    }
    return [f"{line}: {name}" for line, name in sorted(names)]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        pytest.param("told = 1", ["1: told"], id="a variable"),
        pytest.param("one._said", ["1: _said"], id="an attribute"),
        pytest.param("def f(*, is_kept): ...", ["1: is_kept"], id="a parameter, in part"),
        pytest.param("def _told(): ...", ["1: _told"], id="a function"),
        pytest.param("class RouterVoices: ...", ["1: RouterVoices"], id="a class"),
        pytest.param("def test_what_is_said(): ...", [], id="a test's sentence"),
        pytest.param('"""What was told."""  # and kept', [], id="a sentence"),
        pytest.param("unfolded = retold", [], id="a part of a word"),
    ],
)
def test_the_words_are_found_where_they_name_something(source: str, found: list[str]) -> None:
    assert unclear(source) == found


@pytest.mark.parametrize("room", ROOMS)
def test_a_name_says_what_the_thing_is(room: str) -> None:
    here = [path for path in files() if path.parts[0] == room]
    found = {str(path): unclear((ROOT / path).read_text()) for path in here}
    assert {path: names for path, names in found.items() if names} == {}


def test_a_file_is_read_in_one_go() -> None:
    lengths = {str(path): len((ROOT / path).read_text().splitlines()) for path in files()}
    longer = {path for path, length in lengths.items() if length > LINES_MAX}
    assert longer - LONGER.keys() == set(), "split each, or give the reason in LONGER"


def test_only_tests_may_be_longer() -> None:
    assert {path for path in LONGER if not path.startswith(("tests/", "e2e/"))} == set()
