"""The pages of the documentation, and the blocks in them, as values.

A fenced block's first word is its language. `yaml NAME` is a file of that name for the
commands of its page; in `console` a line that begins with `$ ` is a command and what follows
is its output; `console lab` is played in a lab. It refuses to judge any of it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^( *)```(\S*) *(.*)$")
PROMPT = "$ "
ROOMS = (
    *("docs", "deploy", "e2e", "tests"),
    *("pointsman", "manager", "agent", "cli", "lab", "sidecars", "standin"),
)


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block; *line* is the 1-based number of its opening fence."""

    page: str
    line: int
    language: str
    title: str
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        return "".join(f"{line}\n" for line in self.lines)

    @property
    def where(self) -> str:
        return f"{self.page}:{self.line}"


@dataclass(frozen=True, slots=True)
class ShellCommand:
    """A command and the output that the page claims; *line* is that of the command."""

    line: int
    command: str
    output: tuple[str, ...]


def pages() -> list[str]:
    """Return every page, as a path from the root."""
    top = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")
    below = [path for room in ROOMS for path in (ROOT / room).rglob("*.md")]
    return [*top, *sorted(str(path.relative_to(ROOT)) for path in below)]


def read(page: str) -> str:
    return (ROOT / page).read_text("utf-8")


def blocks(page: str) -> list[Block]:
    """Return the fenced blocks of *page*, in order.

    Raises:
        ValueError: a block is not closed.
    """
    found: list[Block] = []
    opened: tuple[int, str, str, str] | None = None
    inside: list[str] = []
    for number, line in enumerate(read(page).splitlines(), start=1):
        fence = FENCE.match(line)
        if fence is None:
            inside.append(line)
        elif opened is None:
            opened, inside = (number, *fence.groups()), []  # type: ignore[assignment]
        else:
            start, indent, language, title = opened
            lines = tuple(one.removeprefix(indent) for one in inside)
            found.append(Block(page, start, language, title.strip(), lines))
            opened = None
    if opened is not None:
        raise ValueError(f"{page}:{opened[0]}: the block is not closed")
    return found


def shell_commands(block: Block) -> Iterator[ShellCommand]:
    """Yield the commands of a console block with their outputs; `\\` joins lines."""
    line, command, output = 0, "", list[str]()
    joining = False
    for number, text in enumerate(block.lines, start=block.line + 1):
        if joining:
            command += text.lstrip()
        elif text.startswith(PROMPT):
            if command:
                yield ShellCommand(line, command, tuple(output))
            line, command, output = number, text.removeprefix(PROMPT), []
        else:
            output.append(text)
            continue
        joining = command.endswith("\\")
        command = command.removesuffix("\\")
    if command:
        yield ShellCommand(line, command, tuple(output))


def commands(block: Block) -> list[tuple[int, str]]:
    """Return the command lines of a `sh` or `console` block, with their line numbers."""
    if block.language == "console":
        return [(one.line, one.command) for one in shell_commands(block)]
    if block.language != "sh":
        return []
    numbered = enumerate(block.lines, start=block.line + 1)
    return [(number, text) for number, text in numbered if text.split("#")[0].strip()]


def words(command: str) -> Iterator[list[str]]:
    """Yield the words of each simple command of a pipe or an and-list."""
    lexer = shlex.shlex(command, posix=True, punctuation_chars="|&;")
    lexer.whitespace_split, lexer.commenters = True, ""
    simple: list[str] = []
    for word in lexer:
        if word.strip("|&;"):
            simple.append(word)
        else:
            yield simple
            simple = []
    yield simple
