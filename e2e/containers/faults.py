"""Faults of the Docker bed: what was failed, and how each is undone."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from e2e.containers.machines import API_PORT, LAN, segments
from lab.cluster import objects
from lab.errors import Broken
from lab.supervision.failing import UNKNOWN_AFTER_S
from lab.supervision.faults import Fault, Part, parse

if TYPE_CHECKING:
    from e2e.containers.bed import DockerBed

TABLE: Final = "inet bed_api"
# Of a hanging server nothing comes, not even a refusal. The test itself is spared.
HANGING: Final = (
    "add table {table}; add chain {table} in {{ type filter hook input priority -10; }}; "
    "add rule {table} in tcp dport {port} ip saddr != {spared} drop"
)
OUT_OF_REACH: Final = (
    "add table {table}; "
    "add chain {table} in {{ type filter hook input priority -10; }}; "
    "add chain {table} out {{ type filter hook output priority -10; }}; "
    "add rule {table} in tcp sport {port} drop; add rule {table} out tcp dport {port} drop"
)


class Faults:
    """What is failed on purpose."""

    def __init__(self, bed: DockerBed) -> None:
        self._bed = bed
        self._faults: dict[str, Fault] = {}
        self._doubts: dict[str, threading.Timer] = {}  # nodes on their way to Unknown

    @property
    def names(self) -> list[str]:
        return sorted(self._faults)

    def fail(self, target: str) -> None:
        fault = parse(target, self._bed.topology)
        if target in self._faults:
            return
        self._faults[target] = fault
        match fault.part:
            case Part.NODE:
                (node,) = fault.which
                self._bed.cut(node)
                self._flag(node)
                for program in self._of_node(node):
                    self._bed.container(program).kill()
                self._doubts[node] = threading.Timer(UNKNOWN_AFTER_S, self._doubt, [node])
                self._doubts[node].start()
            case Part.LINK:
                self._bed.cut(fault.which[0])
            case Part.PROGRAM:
                for program in self._running(fault):
                    self._bed.container(program).kill()  # Docker leaves it away
            case Part.PROXY:
                self._flag(fault.which[0])
            case Part.API:
                self._unreachable(fault.which)

    def heal(self, target: str) -> None:
        """Undo that fault, and no other that holds the same part."""
        fault = self._faults.pop(target, None)
        if fault is None:
            return
        match fault.part:
            case Part.NODE:
                (node,) = fault.which
                self._doubts.pop(node).cancel()
                if f"link:{node}" not in self._faults:
                    self._bed.mend(node)
                self._unflag(node)
                for program in self._of_node(node):
                    self._start(program)
                objects.set_ready(self._bed.api, node, "True")
            case Part.LINK:
                if fault.which[0] not in self._faults:
                    self._bed.mend(fault.which[0])
            case Part.PROGRAM:
                for program in self._running(fault):
                    self._start(program)
            case Part.PROXY:
                self._unflag(fault.which[0])
            case Part.API:
                for machine in fault.which or ("manager",):
                    self._bed.exec(machine, "nft", "delete", "table", *TABLE.split())

    def forget(self) -> None:
        for timer in self._doubts.values():
            timer.cancel()

    @staticmethod
    def _of_node(node: str) -> list[str]:
        return [f"agent:{node}", f"pods:{node}"]

    def _running(self, fault: Fault) -> list[str]:
        """Return those of its programs that this bed has: "router" is FRR's or BIRD's."""
        return [name for name in fault.which if name in self._bed.program_names]

    def _start(self, program: str) -> None:
        """Start *program* again, unless another fault holds it."""
        held = {name for fault in self._faults.values() for name in fault.which}
        node = program.partition(":")[2]
        if program not in held and node not in self._faults:
            self._bed.container(program).start()

    def _doubt(self, node: str) -> None:
        try:
            objects.set_ready(self._bed.api, node, "Unknown")
        except Broken:  # an API that is away hears of it never, as in life
            return

    def _unreachable(self, which: tuple[str, ...]) -> None:
        if not which:
            lan = next(s for s in segments(self._bed.topology) if s.name == LAN)
            rules = HANGING.format(table=TABLE, port=API_PORT, spared=lan.bridge[0])
            self._bed.exec("manager", "nft", rules)
        for machine in which:
            self._bed.exec(machine, "nft", OUT_OF_REACH.format(table=TABLE, port=API_PORT))

    def _flag(self, node: str) -> None:
        (self._bed.folder("proxy-failed") / node).touch()

    def _unflag(self, node: str) -> None:
        if not {node, f"proxy:{node}"} & self._faults.keys():
            (self._bed.folder("proxy-failed") / node).unlink(missing_ok=True)
