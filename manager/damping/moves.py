"""Which addresses of layer2 moved so often lately that they had better stay where they are.

EVPN fabrics and some switches block an address that changes its port five times within three
minutes, and each move costs every client a look. So after three moves within that time an
address stays with its node for as long as that can serve it at all; a node that died, or cannot
serve it, loses it all the same. Whether it can is the planner's question.

How often something moved is history, which no snapshot holds: it lives here, in the shell, is
handed on as a set of addresses, and a restart counts anew.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from manager.snapshot import Announcer, NodeName, Snapshot
from pointsman.model.address import Address
from pointsman.model.assignment import KERNEL
from pointsman.model.liveness import Liveness

WINDOW_S: Final = 180.0  # RFC 7432 section 15.1: five moves in 180 s are a fault, by default
ALLOWED: Final = 3
GONE: Final = frozenset({Liveness.Dead, Liveness.AgentSilent, Liveness.NodeHung})


class Moves:
    """Who answered for each address last, and how often that changed. *wake*: less is damped."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._assigned: dict[NodeName, Announcer] = {}  # as it was seen last
        self._owner: dict[Address, NodeName] = {}  # who has it, or had it last
        self._left: dict[Address, float] = {}  # nobody has it, since when
        self._times: dict[Address, list[float]] = {}  # of its moves, within the window
        self._damped: frozenset[Address] = frozenset()
        self._alive: Callable[[NodeName], bool] = lambda _: True
        self._wakes_at = 0.0

    def seen(self, snapshot: Snapshot) -> Snapshot:
        """Return *snapshot* with the addresses that had better stay."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._alive = lambda node: (
            node in snapshot.nodes and snapshot.liveness.get(node) not in GONE
        )
        left = self._note(snapshot.announcers, now)
        for address in left - _recorded(snapshot, left) if left else ():
            # No Service has it any more: whoever gets it next begins anew.
            for history in (self._owner, self._left, self._times):
                history.pop(address, None)
        self._times = {
            address: recent
            for address, times in self._times.items()
            if (recent := [at for at in times if now - at < WINDOW_S])
        }
        damped = {one for one, times in self._times.items() if len(times) >= ALLOWED}
        if damped != self._damped:
            self._damped = frozenset(damped)
        if damped and self._wakes_at <= now:
            self._wakes_at = min(self._times[one][-ALLOWED] for one in damped) + WINDOW_S
            loop.call_at(self._wakes_at, self._wake)
        return replace(snapshot, damped=self._damped) if damped else snapshot

    def orphaned(self, address: Address) -> bool:
        """Say whether the last node that had *address* is gone, so that nobody may wait."""
        owner = self._owner.get(address)
        return owner is not None and not self._alive(owner)

    def _note(self, announcers: Mapping[NodeName, Announcer], now: float) -> frozenset[Address]:
        """Take note of who has what now; return what nobody has since just now."""
        before, self._assigned = self._assigned, dict(announcers)
        for node, announcer in announcers.items():
            was = before.get(node)
            if was is announcer or (was is not None and was.assignments == announcer.assignments):
                continue
            now_has, had = _addresses(announcer), _addresses(was)
            for address in now_has - had:
                owner = self._owner.get(address, node)
                self._owner[address] = node
                self._left.pop(address, None)
                if owner != node:
                    self._times.setdefault(address, []).append(now)
            self._leave(node, had - now_has, now)
        for node in before.keys() - announcers.keys():
            self._leave(node, _addresses(before[node]), now)
        for address in [one for one, at in self._left.items() if now - at >= WINDOW_S]:
            del self._left[address]
            self._owner.pop(address, None)
        return frozenset(address for address, at in self._left.items() if at == now)

    def _leave(self, node: NodeName, addresses: frozenset[Address], now: float) -> None:
        for address in addresses:
            if self._owner.get(address) == node:  # else another has it by now
                self._left[address] = now


def _recorded(snapshot: Snapshot, sought: frozenset[Address]) -> frozenset[Address]:
    """Return which of *sought* a Service has in its status."""
    every = (address for one in snapshot.services.values() for address in one.status_addresses)
    return frozenset(address for address in every if address in sought)


def _addresses(announcer: Announcer | None) -> frozenset[Address]:
    """Return the addresses that one node alone may have; what kernels have is on several."""
    found = () if announcer is None else announcer.assignments
    return frozenset(
        address for one in found if one.responder != KERNEL for address in one.addresses
    )
