"""A bed goes when its folder is done: an idle lab takes a twentieth of a processor for ever."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent


def of_the_session(source: str) -> Iterator[str]:
    """Yield the fixtures that keep what they have standing until the last test of all."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            scopes = [ast.unparse(one) for one in node.decorator_list]
            stands = any(
                isinstance(one, ast.Call) and ast.unparse(one.func).endswith("standing")
                for one in ast.walk(node)
            )
            if stands and any("session" in one for one in scopes):
                yield node.name


def test_no_bed_outlives_its_folder() -> None:
    lasting = {
        str(path.relative_to(ROOT)): names
        for path in sorted(ROOT.rglob("*.py"))
        if (names := list(of_the_session(path.read_text())))
    }
    assert not lasting, "use scope='package' or 'module'"
