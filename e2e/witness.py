"""What routers were told meanwhile, beside what their kernels changed: for "0 route events".

A kernel knows only what its router's daemon made of all that it heard. An UPDATE that takes a
path away and one that brings it back right behind it leave no trace there, nor does one that
says what was known. They are in the daemon's own log of UPDATEs, so that log is read, too:
FRR's `debug bgp updates in`, BIRD's `debug { routes }`. BMP (RFC 7854) is no better witness:
FRR's route monitoring sends the state of a prefix when the collector's turn comes, not what came.
"""

from __future__ import annotations

import re
from types import TracebackType
from typing import Final, Self

from e2e.bed import Bed
from e2e.route_events import RouteEvents, inside
from lab.network.topology import RouterKind
from lab.routers.roles import roles
from lab.supervision.programs import SUFFIXES

# FRR 8.4 to 10.x: "192.0.2.10(name) rcvd 198.51.100.0/32 with addpath ID 1 IPv4 unicast", and
# "... rcvd UPDATE about 198.51.100.0/32 ... -- withdrawn".
_FRR: Final = re.compile(
    r"BGP: \[[\w-]+\] (\S+?)(?:\([^)]*\))? rcvd (?:UPDATE about )?(\S+/\d+)(.*)"
)
# "manager_v4.ipv4 > added [best] 198.51.100.0/32 4L 7G unicast"
_BIRD: Final = re.compile(r"<TRACE> (\w+)\.ipv[46] > (?:\w+ )+(?:\[\w+\] )?(\S+/\d+)")
_WITHDRAWN: Final = ("-- withdrawn", "> removed")
# Written at once: what a daemon heard before it answers a command is in its log.
_LOG: Final = {
    RouterKind.FRR: (
        *("-c", "debug bgp updates in"),
        *("-c", "configure terminal", "-c", "log immediate-mode", "-c", "log stdout debugging"),
    ),
    RouterKind.BIRD: ("debug", "all", "{ routes }"),
}
_LOG_NOT: Final = {
    RouterKind.FRR: (
        *("-c", "no debug bgp updates in"),
        *("-c", "configure terminal", "-c", "log stdout informational"),
        *("-c", "no log immediate-mode"),
    ),
    RouterKind.BIRD: ("debug", "all", "off"),
}


class Witness(RouteEvents):
    """A context that hears every change of a router's routes, and every UPDATE told to it.

    with Witness(lab) as events:
        lab.kill("manager")
    assert events.about("198.51.100.0/28") == []

    Where a session ends, or one of two speakers goes quiet, the claim is about `kernel` and who
    is `withdrawing`: that what comes back is told again is no fault.
    """

    def __init__(self, lab: Bed, *, machine: str = "router") -> None:
        super().__init__(lab, machine=machine)
        (self._role,) = (role for role in roles(lab.topology) if role.machine == machine)
        self._known = 0
        self._heard: list[str] = []

    def __enter__(self) -> Self:
        self._ask(*_LOG[self._role.kind])
        self._known = len(self._logged())
        return super().__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        super().__exit__(kind, error, trace)
        self._ask(*_LOG_NOT[self._role.kind])
        self._heard = self._logged()[self._known :]

    def about(self, prefix: str) -> list[str]:
        """Return the changes of routes inside *prefix*, and the UPDATEs about them."""
        return [*self.kernel(prefix), *self.updates(prefix)]

    def kernel(self, prefix: str) -> list[str]:
        """Return the changes of routes inside *prefix* in the router's kernel."""
        return super().about(prefix)

    def updates(self, prefix: str) -> list[str]:
        """Return what UPDATEs said of prefixes inside *prefix*, one line for each path."""
        return [line for line in self._heard if inside(_read(line)[1], prefix)]

    def withdrawn(self, prefix: str) -> list[str]:
        """Return the lines of `updates` that take a path away."""
        return [line for line in self.updates(prefix) if any(word in line for word in _WITHDRAWN)]

    def withdrawing(self, prefix: str) -> set[str]:
        """Return who took a path away: neighbors of FRR, protocols of BIRD."""
        return {_read(line)[0] for line in self.withdrawn(prefix)}

    def _logged(self) -> list[str]:
        lines = self._lab.log(self._machine).splitlines()
        return [line for line in lines if "/" in line and _read(line)[1]]

    def _ask(self, *words: str) -> None:
        tool = "vtysh" if self._role.kind is RouterKind.FRR else "birdc"
        suffix = SUFFIXES.get(self._machine, f"-{self._machine}")
        self._lab.exec(self._machine, f"{tool}{suffix}", *words)


def _read(line: str) -> tuple[str, str]:
    """Return the neighbor and the prefix of a line about an UPDATE; nothing: it is another's."""
    found = _FRR.search(line) or _BIRD.search(line)
    return (found[1], found[2]) if found else ("", "")
