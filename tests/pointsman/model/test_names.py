"""No name that we share with an API server is spelled a second time in the programs."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from pointsman.model import names

ROOT = Path(__file__).parents[3]
HOME = Path(names.__file__)
# standin/ plays an API server: what Kubernetes calls its own it must know by itself.
PACKAGES = ("agent", "cli", "lab", "manager", "pointsman", "sidecars", "tools")
# Words that others use, too, for a condition of theirs, a state, the program: nobody's alone.
COMMON = frozenset({names.READY, names.ESTABLISHED, names.EVENT_SOURCE})
# The demo shows its users manifests and commands as they would type them.
MANIFESTS = frozenset({Path("lab/demo.py")})


def constants() -> dict[str, str]:
    """Every name, with what the constant is called."""
    return {value: key for key, value in vars(names).items() if isinstance(value, str)}


def sources() -> Iterator[Path]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if path != HOME and "gobgp_api" not in path.parts:
                yield path.relative_to(ROOT)


def spelled(source: str) -> Iterator[tuple[int, str]]:
    """Yield every string of *source* and its line, those in f-strings too; no docstrings."""
    tree = ast.parse(source)
    documentation = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or id(node) in documentation:
            continue
        if isinstance(node.value, str):
            yield node.lineno, node.value


def second_spellings(source: str) -> list[str]:
    unique = {v: k for v, k in constants().items() if k[0].isupper() and v not in COMMON}
    return [
        f"{line}: {text!r}"
        for line, text in spelled(source)
        if text in unique or names.GROUP in text
    ]


def test_every_name_is_spelled_in_one_file() -> None:
    found = {
        str(path): second_spellings((ROOT / path).read_text())
        for path in sources()
        if path not in MANIFESTS
    }
    assert not {path: lines for path, lines in found.items() if lines}


@pytest.mark.parametrize(
    "source",
    [
        'KEY = "pointsman.dev/eip"',
        'KEY = f"{name} has pointsman.dev/eip"',
        'MANAGER = "pointsman-agent"',
        'if service.type == "LoadBalancer": pass',
    ],
)
def test_a_second_spelling_is_found(source: str) -> None:
    assert len(second_spellings(source)) == 1


def test_a_docstring_may_name_what_it_speaks_of() -> None:
    assert not second_spellings('def f():\n    """Read pointsman.dev/eip."""\n')
