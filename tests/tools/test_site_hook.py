"""The site: links that work in it and at code hosts, and nothing that comes from elsewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tools import site_hook
from tools.site_hook import ROOT, homeless, linked, readable

FROM_ELSEWHERE = re.compile(
    r"<(?:script|img|iframe|source)[^>]*\bsrc=\"?(?:https?:)?//"
    r"|<link[^>]*\brel=\"?(?:stylesheet|preload|preconnect|icon)[^>]*\bhref=\"?(?:https?:)?//"
    r"|@import|url\((?:https?:)?//"
)


@pytest.mark.parametrize(
    ("page", "markdown", "expected"),
    [
        pytest.param("docs/a.md", "[b](bgp.md#racks)", "[b](bgp.md#racks)", id="a neighbour"),
        pytest.param("docs/a.md", "[r](../README.md#use-it)", "[r](repository.md#use-it)",
                     id="the README"),
        pytest.param("docs/decisions/x.md", "[m](../../manager/DESIGN.md)",
                     "[m](../manager/DESIGN.md)", id="a page outside docs"),
        pytest.param("manager/DESIGN.md", "[a](../docs/architecture.md)",
                     "[a](../architecture.md)", id="and back"),
        pytest.param("README.md", "in [examples](examples)", "in examples", id="a folder"),
        pytest.param("docs/a.md", "[x](nowhere.md)", "[x](nowhere.md)", id="MkDocs will say so"),
        pytest.param("docs/a.md", "```\n[b](../README.md)\n```", "```\n[b](../README.md)\n```",
                     id="no link in a block"),
        pytest.param("docs/a.md", "[a](https://example.org/b)", "[a](https://example.org/b)",
                     id="elsewhere"),
    ],
)  # fmt: skip
def test_a_path_in_the_repository_becomes_one_in_the_site(
    page: str, markdown: str, expected: str
) -> None:
    assert linked(markdown, page, lambda place: "nowhere" not in place) == expected


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        pytest.param("so:\n- a\n- b", "so:\n\n- a\n- b", id="a list right after its paragraph"),
        pytest.param("- a\n- b", "- a\n- b", id="a list"),
        pytest.param("- a\n  more\n- b", "- a\n  more\n- b", id="an item of two lines"),
        pytest.param("| `a \\| b` | c |", "| `a | b` | c |", id="a bar in code in a table"),
        pytest.param("```yaml web.yaml\n", '```yaml title="web.yaml"\n', id="a file's name"),
        pytest.param("```console lab\n", "```console\n", id="a word for the tests"),
        pytest.param("a\n```mermaid\nx\n```\nb", "a\nb", id="a diagram"),
        pytest.param("```\nso:\n- a\n```", "```\nso:\n- a\n```", id="a block is left alone"),
    ],
)
def test_the_dialects_of_markdown_are_levelled(markdown: str, expected: str) -> None:
    assert readable(markdown) == expected


def test_a_page_without_a_place_is_told_where_to_go() -> None:
    (sentence,) = homeless({"bgp.md"}, ["bgp.md", "kernel.md"])
    assert sentence.endswith('add the line "- kernel.md" to nav in mkdocs.yml.')


def test_every_page_outside_docs_is_found_and_nothing_that_was_built() -> None:
    found = set(site_hook.pages_outside())
    assert {"README.md", "CHANGELOG.md", "manager/DESIGN.md"} <= found
    assert not [page for page in found if page.startswith(("build/", "docs/", "."))]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make site` builds it."""
    made = tmp_path_factory.mktemp("site")
    words = [
        sys.executable,
        "-m",
        "mkdocs",
        "build",
        "--strict",
        "--quiet",
        "--site-dir",
        str(made),
    ]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": ""}
    done = subprocess.run(
        words, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return made


def test_it_is_built_strictly_with_the_pages_outside_docs(site: Path) -> None:
    assert (site / "manager/DESIGN.html").exists()
    # index.html of the root is the landing page, and no README took its place.
    assert "all that an application needs" in (site / "index.html").read_text("utf-8")


def test_nothing_in_it_comes_from_another_host(site: Path) -> None:
    texts = [path for ending in ("html", "css") for path in site.rglob(f"*.{ending}")]
    assert texts
    for path in texts:
        found = FROM_ELSEWHERE.search(path.read_text("utf-8"))
        assert found is None, f"{path.relative_to(site)}: {found}"


def test_a_heading_has_the_anchor_that_code_hosts_give_it(site: Path) -> None:
    assert 'id="routers-without-add-path"' in (site / "bgp.html").read_text("utf-8")
