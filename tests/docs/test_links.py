"""Every link inside the documentation leads somewhere."""

from __future__ import annotations

import re

import pytest

from tests.docs import pages
from tests.docs.pages import ROOT

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCED = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`[^`\n]*`")


def links(page: str) -> list[str]:
    return LINK.findall(CODE.sub("", FENCED.sub("", pages.read(page))))


def anchors(page: str) -> set[str]:
    """Return the anchors that a page's headings get, as code hosts make them."""
    found: set[str] = set()
    for heading in re.findall(r"^#+ (.*)$", FENCED.sub("", pages.read(page)), re.MULTILINE):
        letters = re.sub(r"[^\w\- ]", "", heading.lower())
        found.add(letters.strip().replace(" ", "-"))
    return found


@pytest.mark.parametrize("page", pages.pages())
def test_every_link_leads_somewhere(page: str) -> None:
    for link in links(page):
        assert "://" not in link, f"{page}: {link} leaves the repository"
        path, _, anchor = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        assert target.exists(), f"{page}: {link}: there is no such file"
        if anchor:
            known = anchors(str(target.resolve().relative_to(ROOT)))
            assert anchor in known, f"{page}: {link}: no such heading"


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, todo = set(), ["README.md"]
    while todo:
        page = todo.pop()
        reached.add(page)
        for link in links(page):
            path = link.partition("#")[0]
            name = str(((ROOT / page).parent / path).resolve().relative_to(ROOT)) if path else page
            if name.endswith(".md") and name not in reached:
                todo.append(name)
    assert set(pages.pages()) <= reached
