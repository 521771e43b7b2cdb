"""Every module has a test file of its own name, or a line in tests/README.md that says where."""

import re
from functools import cache
from pathlib import Path, PurePosixPath

from tests.docs import pages
from tests.docs.pages import ROOT

PROGRAMS = (
    "pointsman",
    "manager",
    "agent",
    "cli",
    "sidecars",
    "lab",
    "standin",
    "monitoring",
    "tools",
)
ROW = re.compile(r"^\| `([\w/]+)` \| ((?:`\w+` ?)+)\| (.+) \|$", re.MULTILINE)


@cache
def modules() -> frozenset[str]:
    """Return every module of the programs, by path; none that is made or says nothing."""
    found = (path for room in PROGRAMS for path in (ROOT / room).rglob("*.py"))
    names = {str(path.relative_to(ROOT)) for path in found if path.name != "__init__.py"}
    return frozenset(name for name in names if "gobgp_api" not in name)


def has_its_own(module: str) -> bool:
    """Return whether a test file bears its name, here or above: there it may be a namesake's."""
    own = PurePosixPath(module)
    names = {own.stem, own.stem.strip("_")}
    for room in own.parents[:-1]:
        if room != own.parent and str(room / own.name) in modules():
            return False
        for found in Path(ROOT / "tests" / room).glob("test_*.py"):
            called = found.stem.removeprefix("test_")
            if called in names or called.startswith(f"{own.stem}_"):
                return True
    return False


def listed() -> set[str]:
    rows = ROW.findall(pages.read("tests/README.md"))
    return {f"{room}/{name}.py" for room, names, _ in rows for name in re.findall(r"\w+", names)}


def test_every_module_is_tested_somewhere() -> None:
    missing = {one for one in modules() if not has_its_own(one)} - listed()
    assert not missing, "give each a test file of its name, or a line in tests/README.md"


def test_the_list_names_modules_that_exist() -> None:
    assert listed() <= modules()
