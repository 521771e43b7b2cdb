"""Answers on this host's own interfaces while this replica leads, and at no other time.

Whether it leads is asked before every single answer: a process that was frozen reads what waited
in its sockets with a lease that has lapsed, and answers none of it. On a claim it reads the lease
afresh. Refuses to choose: which address is answered for, and with whose MAC, is the plan's.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from manager.central.claims import Claims
from manager.central.placement import by_interface
from manager.ports import FrameNet, FrameSocket, HostInterface
from pointsman.model.address import Address, address_order
from pointsman.responder.central import CentralResponder
from pointsman.responder.counters import Counters
from pointsman.runtime.log_once import LogOnce
from pointsman.runtime.target import Unavailable

INTERFACES_S: Final = 2.0  # how often the host's interfaces are looked at
LOOK_S: Final = 1.0  # after a lease that could not be read
log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Open:
    """One interface that is listened on."""

    responder: CentralResponder
    sock: FrameSocket
    macs: Mapping[Address, bytes]


class Leader(Protocol):
    """Whether this replica leads."""

    @property
    def leading(self) -> bool:
        """Whether it surely does at this moment, by its own clock."""
        ...

    async def confirm(self) -> bool:
        """Whether the lease, read now, says so."""
        ...


class CentralDriver:
    """Answers on the interfaces of *net* what :meth:`follow` was given."""

    def __init__(self, net: FrameNet, leader: Leader, *, now_s: Callable[[], float]) -> None:
        self._net, self._leader, self._now_s = net, leader, now_s
        self._answers: Mapping[Address, bytes] = {}
        self._open: dict[HostInterface, _Open] = {}
        self._changed, self._claimed = asyncio.Event(), asyncio.Event()
        self._trouble = LogOnce(log)
        self._unplaced: frozenset[Address] = frozenset()
        self.counters = Counters()
        self.claims = Claims()

    def follow(self, answers: Mapping[Address, bytes]) -> None:
        """Answer for these from now on; for nothing where this replica does not lead."""
        if answers is not self._answers and answers != self._answers:
            self._answers = answers
            self._changed.set()

    @property
    def answers_for(self) -> frozenset[Address]:
        """Return the addresses that are answered for now."""
        return frozenset(address for one in self._open.values() for address in one.macs)

    async def run(self) -> None:
        """Answer until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._look(), name="central: claims")
                while True:
                    self._changed.clear()
                    self._arrange()
                    self._show_claims()
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(INTERFACES_S if self._answers else None):
                            await self._changed.wait()
        finally:
            self.claims.close()
            for interface in list(self._open):
                self._close(interface)

    def _arrange(self) -> None:
        """Listen where the addresses are, for them; a socket's trouble is for the next time."""
        if not self._answers and not self._open:
            return
        try:
            interfaces = self._net.interfaces() if self._answers else ()
        except Unavailable as error:
            self._trouble.log(error)
            return
        wanted = by_interface(self._answers, interfaces)
        for interface in self._open.keys() - wanted.keys():
            self._close(interface)
        for interface, macs in wanted.items():
            try:
                self._listen(interface, macs)
            except Unavailable as error:
                self._trouble.log(error)
                self._close(interface)
        self._report(wanted)

    def _listen(self, interface: HostInterface, macs: Mapping[Address, bytes]) -> None:
        at = self._open.get(interface)
        if at is None:
            responder = CentralResponder(interface.mac, self.counters)
            sock = self._net.open(interface, lambda frame: self._received(interface, frame))
            at = self._open[interface] = _Open(responder, sock, {})
        if at.sock.broken:
            raise Unavailable(f"interface {interface.name} is gone")
        at.responder.follow(macs)
        if at.macs.keys() != macs.keys():
            at.sock.listen(frozenset(macs))
        at.macs = macs

    def _report(self, wanted: Mapping[HostInterface, Mapping[Address, bytes]]) -> None:
        unplaced = frozenset(self._answers) - {a for macs in wanted.values() for a in macs}
        if unplaced - self._unplaced:
            log.warning(
                "no interface of this host is in the subnet of %s, and of %d addresses in all: "
                "their nodes alone answer; run managers in that subnet, or use responder: Node",
                min(unplaced, key=str),
                len(unplaced),
            )
        self._unplaced = unplaced

    def _close(self, interface: HostInterface) -> None:
        at = self._open.pop(interface, None)
        if at is not None:
            at.sock.close()

    def _received(self, interface: HostInterface, frame: bytes) -> list[bytes]:
        """Return the answer to *frame*, if this replica leads at this very moment."""
        at = self._open.get(interface)
        if at is None or not self._leader.leading:
            return []
        replies = at.responder.received(frame, now_s=self._now_s())
        if at.responder.questions:
            self._claimed.set()
        return replies

    def _show_claims(self) -> None:
        now_s = self._now_s()
        heard = [at.responder.claimed(now_s).items() for at in self._open.values()]
        macs = {address: mac.hex(":") for one in heard for address, mac in one}
        self.claims.follow(dict(sorted(macs.items(), key=lambda one: address_order(one[0]))))

    async def _look(self) -> None:
        """Read the lease after a claim: who holds it has the newest table."""
        while True:
            await self._claimed.wait()
            self._claimed.clear()
            asked = {
                interface: at.responder.questions
                for interface, at in self._open.items()
                if at.responder.questions
            }
            if not asked:
                continue
            leads = await self._leader.confirm()
            for interface, addresses in asked.items():
                if (at := self._open.get(interface)) is not None:
                    for address in addresses:
                        at.responder.looked(address, leads=leads)
            if not leads:
                await asyncio.sleep(LOOK_S)
            self._claimed.set()
