"""What the site needs beyond MkDocs: pages and files of the repository that are not below docs/.

A link in a page is a path in the repository, so that it works at any code host. Here it becomes
one in the site: a page's, wherever in the repository it lives, or that of a file, which is
copied. A folder has no page, so its link becomes plain text. A page that is in no place of the
site is said with what to do. It refuses to guess: what leads nowhere stays, and MkDocs says so.

Source: MkDocs, "Hooks" and "Events".
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
DOCS: Final = "docs"
README: Final = "repository.md"  # the site's name for README.md: its own front page is index.md
BUILT: Final = ("build", "dist", "node_modules", "gobgp_api")
_LINK: Final = re.compile(r"(!?\[(?:[^\[\]]|\[[^\]]*\])*\])\(([^)\s#]+)(#[^)\s]*)?\)")
_FENCE: Final = re.compile(r"^ *```")
_TITLED: Final = re.compile(r"^( *```\w+) +(\S.*)$", re.MULTILINE)
_LIST: Final = re.compile(r"^(?:[-*+]|\d+\.) ")
_BAR_IN_CODE: Final = re.compile(r"`[^`\n]*`")
log: Final = logging.getLogger("mkdocs.hooks.site")


def site_path(path: str) -> str:
    """Return the place in the site of the file *path* of the repository."""
    if path == "README.md":
        return README
    return path.removeprefix(f"{DOCS}/")


def repository_path(place: str) -> str:
    """Return the file of the repository whose place in the site is *place*."""
    if place == README:
        return "README.md"
    return f"{DOCS}/{place}" if (ROOT / DOCS / place).exists() else place


def pages_outside() -> Iterator[str]:
    """Yield each page of the repository that is not below docs/, in order."""
    for path in sorted(ROOT.rglob("*.md")):
        inside = path.relative_to(ROOT)
        hidden = any(part.startswith(".") or part in BUILT for part in inside.parts)
        if not hidden and inside.parts[0] != DOCS:
            yield str(inside)


def linked(markdown: str, page: str, known: Callable[[str], bool]) -> str:
    """Return *markdown* of the repository's *page* with links of the site; *known* files only."""

    def replaced(found: re.Match[str]) -> str:
        text, target, anchor = found[1], found[2], found[3] or ""
        if "://" in target or target.startswith("mailto:"):
            return found[0]
        path = os.path.normpath(PurePosixPath(page).parent / target)
        if (ROOT / path).is_dir():
            return text.removeprefix("!")[1:-1]
        if not known(site_path(path)):
            return found[0]
        here = PurePosixPath(site_path(page)).parent
        return f"{text}({os.path.relpath(site_path(path), here)}{anchor})"

    return _outside_code(markdown, lambda line: _LINK.sub(replaced, line))


def readable(markdown: str) -> str:
    """Return *markdown*, written for code hosts, as Python-Markdown needs it.

    A list may follow its paragraph at once there, here an empty line stands between; a bar
    inside code in a table is escaped there, here it isn't; what follows a block's language is the
    name of a file, or for the tests. Diagrams are code hosts' alone.
    """
    text = re.sub(r"^```mermaid\n.*?^```\n", "", markdown, flags=re.MULTILINE | re.DOTALL)
    text = _TITLED.sub(_block_head, text)
    before = ""

    def line_of(line: str) -> str:
        nonlocal before
        starts = _LIST.match(line) and before and not before.startswith((" ", "\t"))
        gap = "\n" if starts and not _LIST.match(before) else ""
        before = line
        if line.startswith("|"):
            line = _BAR_IN_CODE.sub(lambda found: found[0].replace("\\|", "|"), line)
        return gap + line

    return _outside_code(text, line_of)


def _block_head(found: re.Match[str]) -> str:
    is_file = "." in found[2] and " " not in found[2]
    return f'{found[1]} title="{found[2]}"' if is_file else found[1]


def _outside_code(markdown: str, change: Callable[[str], str]) -> str:
    """Return *markdown* with *change* made to every line that is in no fenced block."""
    fenced, lines = False, []
    for line in markdown.split("\n"):
        if _FENCE.match(line):
            fenced = not fenced
            lines.append(change(line) if fenced else line)
        else:
            lines.append(line if fenced else change(line))
    return "\n".join(lines)


def links(markdown: str, page: str) -> Iterator[str]:
    """Yield the files of the repository, no pages, that *page* links to."""
    found: list[str] = []

    def note(line: str) -> str:
        found.extend(match[2] for match in _LINK.finditer(line))
        return line

    _outside_code(markdown, note)
    for target in found:
        path = os.path.normpath(PurePosixPath(page).parent / target)
        is_inside = "://" not in target and not path.startswith("..")
        if is_inside and not path.endswith(".md") and (ROOT / path).is_file():
            yield path


# --- what MkDocs calls -----------------------------------------------------------------------


def on_files(files: Any, *, config: Any) -> Any:
    """Add the repository's other pages, and the files that pages link to."""
    from mkdocs.structure.files import File

    for page in pages_outside():
        files.append(File.generated(config, site_path(page), abs_src_path=str(ROOT / page)))
    pages = [file.src_uri for file in files.documentation_pages()]
    for place in pages:
        page = repository_path(place)
        for path in links((ROOT / page).read_text("utf-8"), page):
            if files.get_file_from_path(site_path(path)) is None:
                made = File.generated(config, site_path(path), abs_src_path=str(ROOT / path))
                files.append(made)
    return files


def on_nav(nav: Any, *, files: Any, **_: Any) -> Any:
    """Say which pages have no place in the site."""
    for sentence in homeless({p.file.src_uri for p in nav.pages},
                             (file.src_uri for file in files.documentation_pages())):  # fmt: skip
        log.warning(sentence)
    return nav


def homeless(placed: set[str], pages: Any) -> Iterator[str]:
    """Yield a sentence for each of *pages* that is not among those *placed* in the site."""
    for place in sorted(set(pages) - placed):
        yield (
            f"The page {repository_path(place)} has no place in the site: add the line "
            f'"- {place}" to nav in mkdocs.yml.'
        )


def on_page_markdown(markdown: str, *, page: Any, files: Any, **_: Any) -> str:
    """Return the text of a page with the site's links."""
    path = repository_path(page.file.src_uri)
    known = linked(markdown, path, lambda place: files.get_file_from_path(place) is not None)
    return readable(known)
