"""A story told of a lab: commands shown and run, claims looked at, timed and remembered.

It refuses to know which: the product's own story is `lab.demo`.
"""

from __future__ import annotations

import shlex
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from lab.errors import Broken
from lab.handle import Lab
from pointsman.runtime import terminal


@dataclass(frozen=True, slots=True)
class Seen:
    """One line of the closing table."""

    what: str
    seconds: float
    true: bool


Reply = tuple[str, ...]  # node, pod, client seen


def replies(lab: Lab, address: str, count: int, *, machine: str = "client") -> Counter[Reply]:
    """Return how often each reply came to *count* requests, every one a new connection."""
    return Counter(lab.get(address, machine=machine) for _ in range(count))


def tally(found: Counter[Reply]) -> str:
    lines = []
    for (node, pod, client), times in sorted(found.items()):
        lines.append(f"{times:4} x  {node}  {pod}  sees {client}")
    return "\n".join(lines)


class Untrue(Exception):
    """Something was not as told."""


class Story:
    """Tells of *lab*, and remembers what was seen."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.seen: list[Seen] = []
        self._since = time.monotonic()
        self._colour = sys.stdout.isatty()

    def chapter(self, text: str) -> None:
        self._print(self._in("1", f"\n{text}"))

    def kubectl(self, *words: str, stdin: str | None = None) -> None:
        """Run kubectl, shown with what it was given; the clock of the next claim starts."""
        self._command(f"kubectl {shlex.join(words)}" + (" <<EOF" if stdin else ""))
        if stdin:
            print(stdin + "EOF")
        self._since = time.monotonic()
        print(self.lab.kubectl(*words, stdin=stdin).rstrip(), flush=True)

    def endpoints(self, service: str, *words: str) -> None:
        self._command(f"pointsman lab endpoints {service} {' '.join(words)}")
        self._since = time.monotonic()
        self.lab.endpoints(service, *words)

    def fail(self, target: str) -> None:
        """Break *target*; the clock of the next claim starts as it breaks."""
        self._command(f"pointsman lab fail {target}")
        self._since = time.monotonic()
        self.lab.fail(target)

    def show(self, machine: str, *command: str) -> None:
        self._command(f"pointsman lab exec {machine} -- {shlex.join(command)}")
        print(self.lab.exec(machine, *command).rstrip(), flush=True)

    def claim(self, what: str, look: Callable[[], object]) -> None:
        """Wait until *look*, which looks afresh each time, is true.

        Time runs from the command that caused it.

        Raises:
            Untrue: it never was.
        """
        try:
            self.lab.wait(what, look)
        except Broken as broken:
            self._remember(what, true=False)
            raise Untrue(str(broken)) from broken
        self._remember(what, true=True)

    def requests(
        self, address: str, count: int, *, what: str, true: Callable[[Counter[Reply]], bool]
    ) -> None:
        """Claim that the answers to *count* requests are as *true* says, and print them.

        They are asked again until they are: the route may be there before the rules of the
        last node, and an answer from before stays what it was.

        Raises:
            Untrue: they never were.
        """

        def look() -> bool:
            found = replies(self.lab, address, count)
            if not true(found):
                raise Broken(f"these answers came:\n{tally(found)}")
            print(tally(found), flush=True)
            return True

        self._command(f"pointsman lab get {address} --count {count}")
        self._since = time.monotonic()
        self.claim(what, look)

    def table(self) -> str:
        width = max((len(one.what) for one in self.seen), default=0)
        lines = []
        for one in self.seen:
            word = "seen" if one.true else "NOT SEEN"
            lines.append(f"{word:8}  {one.what:{width}}  {one.seconds * 1000:7.0f} ms")
        return "\n".join(lines)

    def _remember(self, what: str, *, true: bool) -> None:
        took = time.monotonic() - self._since
        self.seen.append(Seen(what, took, true))
        mark = self._in("32", "ok") if true else self._in("31", "NOT AS TOLD")
        self._print(f"{mark}  {what}  ({took * 1000:.0f} ms)")

    def _command(self, text: str) -> None:
        self._print(self._in("36", f"$ {text}"))

    def _print(self, text: str) -> None:
        """Print *text*, which is ours, colours included: nothing of it is to be escaped."""
        print(text, file=terminal.raw(sys.stdout), flush=True)

    def _in(self, code: str, text: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self._colour else text
