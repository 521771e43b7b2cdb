"""Text that is fit to be read: what others wrote, inside our messages, logs and tables.

Whoever may edit a Service, answer as an API server or name an interface chooses text that
ends up in front of an administrator. A control character there moves the cursor, a line end
forges a log line, a direction mark turns an address round, and 200 KB of anything hide the
rest. Three functions, from the inside out: `clipped` for a text of others within a sentence,
`sentence` for a whole message, `printable` for whatever is written last. Each may be applied
to its own result. They refuse to judge what a text means.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

CLIP: Final = 64  # characters of one text of others that are shown
# metav1.Condition: a message has 32768 at most. Characters here, bytes there: all but what
# `clipped` lets through is ASCII, and this leaves room for it.
MESSAGE_MAX: Final = 24_000
CLAUSES_MAX: Final = 32  # in one sentence; nobody reads more
MORE: Final = "…"
# Marks stack on what stands before them and format characters work unseen; letters that
# draw nothing are no category of their own (Unicode: Default_Ignorable_Code_Point, blanks).
UNSEEN: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")
STACKING: Final = ("Mn", "Me")


def printable(text: str) -> str:
    """Return *text* as one line whose every character is seen: others become escapes.

    The escapes are Python's: \\n, \\x1b, \\u202e. A backslash stays as it is.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_shown, text))


def clipped(text: str, longest: int = CLIP) -> str:
    """Return what is shown of a *text* that somebody else wrote: *longest* characters of it.

    An escape counts as the characters it is made of, and is never cut in two.
    """
    if len(text) <= longest and text.isascii() and text.isprintable():
        return text
    shown: list[str] = []
    room = longest
    for character in text:
        piece = _shown(character)
        if len(piece) > room:
            return "".join((*shown, MORE))
        shown.append(piece)
        room -= len(piece)
    return "".join(shown)


def sentence(text: str, longest: int = MESSAGE_MAX) -> str:
    """Return a whole message as it may be stored and shown; of one too long, both its ends.

    What to do stands at the end of a message, so that is kept.
    """
    line = printable(text)
    if len(line) <= longest:
        return line
    tail = longest // 4
    return f"{line[: longest - tail - len(MORE) - 2]} {MORE} {line[-tail:]}"


def some(clauses: Sequence[str], most: int = CLAUSES_MAX) -> tuple[str, ...]:
    """Return the first of *clauses*, and that there are others: never how many."""
    return tuple(clauses) if len(clauses) <= most else (*clauses[:most], "and others")


def quoted(names: Iterable[str]) -> list[str]:
    """Return names that others chose, as they stand in a sentence."""
    return [f"'{clipped(name)}'" for name in names]


@lru_cache(maxsize=4096)
def _shown(character: str) -> str:
    seen = character.isprintable() and character not in UNSEEN
    if seen and (character.isascii() or unicodedata.category(character) not in STACKING):
        return character
    return character.encode("unicode_escape").decode("ascii")
