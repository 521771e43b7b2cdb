"""Every file that the design's pages and the code's comments name is there.

Names move when code moves, and nobody notices a page that points into the void. So: a word
in backticks that looks like a path of this repository is one, a table of files names files,
and the picture of the rooms is the tree. A word with NAME or DIR in it stands for something.
"""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path, PurePosixPath

import pytest

from tests.docs import pages
from tests.docs.pages import ROOT

DESIGN = [
    page
    for page in pages.pages()
    if page.startswith(("docs/architecture", "docs/decisions", "docs/critique"))
    or page.endswith("DESIGN.md")
    or page in ("CONTRIBUTING.md", "tests/README.md")
]
CODE = re.compile(r"`([^`\n]+)`")
FILES = re.compile(r"^\| file \|.*\n\|[-|]+\n((?:\|.*\n)+)", re.MULTILINE)
FENCED = re.compile(r"```.*?```", re.DOTALL)
ENDINGS = (".py", ".md", ".yaml", ".txt")
PLANNED = ("docs/decisions/arp-ndp.md", "docs/decisions/heartbeats.md")  # not in the code yet
MADE = ("build/", "pointsman/gobgp_api")  # by `make setup`
NAMED = re.compile(r"(?<![\w/.*{}])((?:[\w-]+/)*[\w-]+\.md)\b")

# They speak of pages that are not there, on purpose.
NO_REFERENCES = {
    *("tests/docs/test_paths.py", "tests/tools/test_tidy.py"),
    *("tools/site_hook.py", "tests/tools/test_site_hook.py"),  # names that only the site has
}


@cache
def tracked() -> frozenset[str]:
    """Return every file of the repository, and every folder."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True)
    files = {name for name in done.stdout.split("\0") if name and (ROOT / name).exists()}
    folders = {str(parent) for name in files for parent in PurePosixPath(name).parents}
    return frozenset(files | folders)


TOPS = frozenset(name for name in tracked() if "/" not in name)
NAMES = frozenset(PurePosixPath(name).name for name in tracked())


def is_there(path: str) -> bool:
    path = path.partition("::")[0].rstrip("/")
    if path.startswith(MADE):
        return True
    if "*" in path:
        return any(PurePosixPath(name).match(path) for name in tracked())
    return path in tracked()


def test_the_judge_knows_what_is_there() -> None:
    assert is_there("docs/architecture.md")
    assert is_there("tests/docs/")
    assert is_there("tests/docs/*.py")
    assert not is_there("docs/architekture.md")
    assert not is_there("tests/docs/*.rs")


@pytest.mark.parametrize("page", DESIGN)
def test_every_path_in_backticks_exists(page: str) -> None:
    for word in CODE.findall(FENCED.sub("", pages.read(page))):
        if re.search(r"\s|NAME|DIR|[{}<>…]", word):
            continue
        if "/" in word and word.partition("/")[0] in TOPS:
            assert is_there(word), f"{page}: there is no {word}"
        elif re.fullmatch(r"[\w.*-]+\.(py|md|yaml|txt)", word) and "*" not in word:
            assert word in NAMES, f"{page}: nothing is called {word}"


@pytest.mark.parametrize("page", [page for page in DESIGN if FILES.search(pages.read(page))])
def test_a_table_of_files_names_files_beside_the_page(page: str) -> None:
    room = Path(page).parent
    for rows in FILES.findall(pages.read(page)):
        for row in rows.splitlines():
            for word in CODE.findall(row.split("|")[1]):
                found = [str(room / f"{word}.py"), str(room / word)]
                assert any(map(is_there, found)), f"{page}: there is no {room}/{word}"


def test_the_picture_of_the_rooms_is_the_tree() -> None:
    block = next(
        block
        for block in pages.blocks("docs/architecture.md")
        if block.lines[0].startswith("pointsman/")
    )
    above: dict[int, str] = {}
    for line in block.lines:
        found = re.match(r"^( *)([\w.]+/?)(?: |$)", line)
        assert found is not None, line
        depth = len(found[1])
        if depth > 2 + max(above, default=0):
            continue  # a second line about the same room
        above = {at: room for at, room in above.items() if at < depth}
        above[depth] = found[2]
        path = "".join(above.values())
        assert is_there(path), f"docs/architecture.md: there is no {path}"


@cache
def spelled() -> frozenset[str]:
    """Return every word of the code and what belongs to it."""
    ends = (".py", ".yaml", ".yml", ".toml", ".txt", "Makefile", ".importlinter")
    texts = ((ROOT / name).read_text("utf-8") for name in tracked() if name.endswith(ends))
    return frozenset(word for text in texts for word in re.findall(r"[A-Za-z_]\w*", text))


@pytest.mark.parametrize("page", [page for page in DESIGN if page not in PLANNED])
def test_every_name_in_backticks_is_in_the_code(page: str) -> None:
    """A class or function that was renamed is renamed on the pages, too."""
    for word in CODE.findall(FENCED.sub("", pages.read(page))):
        found = re.fullmatch(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)(?:\(.*\))?", word)
        if found is not None and "NAME" not in word and not word.endswith(ENDINGS):
            unknown = set(found[1].split(".")) - spelled()
            assert not unknown, f"{page}: nothing in the code is called {word}"


def test_every_page_that_code_names_exists() -> None:
    for name in sorted(tracked() - NO_REFERENCES):
        if name.endswith(".py"):
            for page in NAMED.findall((ROOT / name).read_text("utf-8")):
                found = is_there(page) if "/" in page else page in NAMES
                assert found, f"{name}: there is no {page}"
