"""What happened at the router meanwhile: route events, and whether a session is the same one.

For claims of the kind "nothing was withdrawn": a look before and after would
miss what came and went.
"""

from __future__ import annotations

import json
import select
import subprocess
import time
from ipaddress import ip_network
from types import TracebackType
from typing import IO, Any, Self

from lab.errors import Broken
from lab.handle import Lab

MARKER = "192.0.0.8"  # RFC 7600 section 4.8: a dummy address
LISTENING_S = 5.0
SETTLE_S = 0.3  # what netlink still has to tell when we stop listening


class RouteEvents:
    """A context that hears every change of the router's routes.

    with RouteEvents(lab) as events:
        lab.kill("manager")
    assert events.about("198.51.100.0/28") == []
    """

    def __init__(self, lab: Lab, *, machine: str = "router") -> None:
        self._lab, self._machine = lab, machine
        self._lines: list[str] = []

    def __enter__(self) -> Self:
        command = self._lab.command(self._machine, ["ip", "monitor", "route"])
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1
        )
        # It doesn't say when it listens; hearing of a route of ours proves that it does.
        until = time.monotonic() + LISTENING_S
        while not select.select([self._stream()], [], [], 0.1)[0]:
            if time.monotonic() > until or self._process.poll() is not None:
                self._process.kill()
                raise Broken("ip monitor on the router hears nothing.")
            for verb in ("add", "del"):
                self._lab.exec(self._machine, "ip", "route", verb, "blackhole", MARKER)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        time.sleep(SETTLE_S)
        self._process.terminate()
        with self._stream() as stream:
            lines = stream.read().splitlines()
        self._lines = [line for line in lines if MARKER not in line]
        self._process.wait()

    @property
    def lines(self) -> list[str]:
        """All of them, once the context is left."""
        return self._lines

    def about(self, prefix: str) -> list[str]:
        """Return the events of routes inside *prefix*."""
        return [line for line in self._lines if _inside(line, prefix)]

    def _stream(self) -> IO[str]:
        if self._process.stdout is None:
            raise Broken("ip monitor has no output")
        return self._process.stdout


def _inside(line: str, prefix: str) -> bool:
    wanted = ip_network(prefix)
    for word in line.split():
        try:
            found = ip_network(word, strict=False)
        except ValueError:
            continue
        # The first address of a line is the route; what follows are its next hops.
        return found.version == wanted.version and wanted.supernet_of(found)  # type: ignore[arg-type]
    return False


def established_since(lab: Lab, neighbor: str) -> int:
    """Return when FRR's session with *neighbor* came up, in seconds of the epoch.

    FRR subtracts an age from its clock, both in whole seconds: two looks at one session
    may differ by one. `session` tells sessions apart.

    Raises:
        Broken: it isn't established.
    """
    return int(_established(lab, neighbor)["bgpTimerUpEstablishedEpoch"])


def session(lab: Lab, neighbor: str) -> tuple[int, int]:
    """Return what names FRR's session with *neighbor*: bgpd's pid, and the session's number.

    Equal before and after: it is the same session.

    Raises:
        Broken: it isn't established.
    """
    number = int(_established(lab, neighbor)["connectionsEstablished"])
    return int(lab.process("bgpd")["pid"]), number


def _established(lab: Lab, neighbor: str) -> dict[str, Any]:
    neighbors = json.loads(lab.exec("router", "vtysh", "-c", f"show bgp neighbors {neighbor} json"))
    found: dict[str, Any] = neighbors.get(neighbor, {})
    if found.get("bgpState") != "Established":
        raise Broken(f"The session with {neighbor} is {found.get('bgpState', 'unknown')}.")
    return found
