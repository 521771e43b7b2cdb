"""What happened at the router meanwhile: route events, and whether a session is the same one.

For claims of the kind "nothing was withdrawn": a look before and after would
miss what came and went.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import time
from collections.abc import Callable
from ipaddress import ip_network
from types import TracebackType
from typing import IO, Any, Self

from e2e.bed import Bed, Broken

MARKER = "192.0.0.8"  # RFC 7600 section 4.8: a dummy address
LAST = "metric 77"  # the marker that tells the end from the beginning
PATIENCE_S = 60.0


class RouteEvents:
    """A context that hears every change of the router's routes.

    with RouteEvents(lab) as events:
        lab.kill("manager")
    assert events.about("198.51.100.0/28") == []
    """

    def __init__(self, lab: Bed, *, machine: str = "router") -> None:
        self._lab, self._machine = lab, machine
        self._text = ""
        self._lines: list[str] = []

    def __enter__(self) -> Self:
        command = self._lab.command(self._machine, ["ip", "monitor", "route"])
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=self._lab.environment()
        )
        # It doesn't say when it listens; hearing of a route of ours proves that it does.
        self._hear(MARKER, again=self._mark)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # The kernel tells in order: who hears of this one was told all that was before it.
        self._mark(*LAST.split())
        self._hear(LAST)
        self._process.kill()
        self._stream().close()
        self._process.wait()
        before, _, _ = self._text.partition(LAST)
        self._lines = [line for line in before.splitlines() if MARKER not in line]

    def _mark(self, *more: str) -> None:
        for verb in ("add", "del"):
            self._lab.exec(self._machine, "ip", "route", verb, "blackhole", MARKER, *more)

    def _hear(self, words: str, *, again: Callable[[], None] = lambda: None) -> None:
        """Read until *words* are told; in silence, do *again*.

        Raises:
            Broken: they never are.
        """
        until, stream = time.monotonic() + PATIENCE_S, self._stream().fileno()
        while words not in self._text:
            if time.monotonic() > until or self._process.poll() is not None:
                self._process.kill()
                raise Broken(
                    f"ip monitor on {self._machine} tells nothing of {words}: {self._text}"
                )
            if select.select([stream], [], [], 0.1)[0]:
                self._text += os.read(stream, 65536).decode()
            else:
                again()

    @property
    def lines(self) -> list[str]:
        """All of them, once the context is left."""
        return self._lines

    def about(self, prefix: str) -> list[str]:
        """Return the events of routes inside *prefix*."""
        return [line for line in self._lines if inside(line, prefix)]

    def _stream(self) -> IO[bytes]:
        if self._process.stdout is None:
            raise Broken("ip monitor has no output")
        return self._process.stdout


def inside(line: str, prefix: str) -> bool:
    """Whether the first address in *line* is of *prefix*."""
    wanted = ip_network(prefix)
    for word in line.split():
        try:
            found = ip_network(word, strict=False)
        except ValueError:
            continue
        # The first address of a line is the route; what follows are its next hops.
        return found.version == wanted.version and wanted.supernet_of(found)  # type: ignore[arg-type]
    return False


def session(lab: Bed, neighbor: str) -> tuple[int, int]:
    """Return what names FRR's session with *neighbor*: bgpd's pid, and the session's number.

    Equal before and after: it is the same session.

    Raises:
        Broken: it isn't established.
    """
    number = int(_established(lab, neighbor)["connectionsEstablished"])
    return int(lab.process("bgpd")["pid"]), number


def _established(lab: Bed, neighbor: str) -> dict[str, Any]:
    neighbors = json.loads(lab.exec("router", "vtysh", "-c", f"show bgp neighbors {neighbor} json"))
    found: dict[str, Any] = neighbors.get(neighbor, {})
    if found.get("bgpState") != "Established":
        raise Broken(f"The session with {neighbor} is {found.get('bgpState', 'unknown')}.")
    return found
