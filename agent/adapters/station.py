"""One interface that answers: its packet sockets, its groups, its responder, and the timer.

What the kernel lets in follows the responder's table; until the link was heard to carry, every
frame counts. What it refuses is tried again, and said until it works. Refuses to know where its
addresses come from.
"""

import asyncio
import logging
import random
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from agent.stations import Station
from pointsman.model.address import Address
from pointsman.net.packet import PASSING, PacketSocket, Program
from pointsman.net.solicited import SolicitedNodeGroups
from pointsman.responder.responder import Responder
from pointsman.responder.terms import DutyTerms
from pointsman.runtime.os_errors import os_error_text
from pointsman.wire.ethernet import ETH_P_ARP, ETH_P_IPV6
from pointsman.wire.packet_filter import ANY_ARP, ANY_ICMPV6, arp_filter, ndp_filter

RETRY_S: Final = 1.0
PROTOCOLS: Final = (ETH_P_ARP, ETH_P_IPV6)  # a socket for each, or nothing is sent
UNSETTLED: Final = -1  # no number of changes: what they ask for is still to be done
ETHERTYPE: Final = slice(12, 14)
FORBIDDEN: Final = (
    "The agent may not open packet sockets on this node, so it answers for nothing: give its "
    "container the capability NET_RAW (securityContext.capabilities.add)."
)
log = logging.getLogger(__name__)


class AnsweringStation:
    """The interface of *station*; *changed* is called after whatever may change a view of it."""

    def __init__(
        self,
        station: Station,
        *,
        announce_rate: int,
        chance: random.Random,
        changed: Callable[[], None],
    ) -> None:
        self._station, self._changed = station, changed
        self._loop = asyncio.get_running_loop()
        self.responder = Responder(
            mac=station.mac,
            announce_rate=announce_rate,
            chance=chance,
            now_s=self._loop.time(),
            link_local=station.link_local,
            gateways=station.gateways,
        )
        if not station.link.up:
            self.responder.link(up=False, mac=station.mac, now_s=self._loop.time())
        self._sockets: dict[int, PacketSocket] = {}  # by EtherType
        self._filters: dict[int, tuple[object, ...]] = {}  # what each was made of
        self._groups = SolicitedNodeGroups(station.link.index)
        self._grouped: frozenset[Address] | None = None  # whose groups are joined, all of them
        self._timer: asyncio.TimerHandle | None = None
        self._seen = UNSETTLED  # of the responder's changes
        self._lost = 0  # by sockets that are closed
        self.trouble = ""  # why nothing can be answered here, or asked

    @property
    def station(self) -> Station:
        return self._station

    @property
    def name(self) -> str:
        return self._station.link.name

    @property
    def lost(self) -> int:
        """Return how many frames found a buffer full."""
        return self._lost + sum(sock.dropped for sock in self._sockets.values())

    def narrow(self, addresses: frozenset[Address]) -> None:
        """Fall silent at once for what is not among *addresses*."""
        terms = self._station.terms
        if gone := terms.keys() - addresses:
            left: dict[Address, DutyTerms] = {a: t for a, t in terms.items() if a not in gone}
            self.responder.follow(left, self._loop.time())
            self._settle()

    def follow(self, station: Station) -> None:
        """Be *station* from now on: of the same index."""
        before, self._station = self._station, station
        now_s = self._loop.time()
        self.responder.follow_link_local(station.link_local)
        if _way(station) != _way(before):
            self.responder.link(up=station.link.up, mac=station.mac, now_s=now_s)
        self.responder.follow_gateways(station.gateways, now_s)
        self.responder.follow(station.terms, now_s)
        self._due()

    def close(self) -> None:
        """Answer nobody from now on."""
        if self._timer is not None:
            self._timer.cancel()
        self._close_sockets()
        self._groups.close()

    def looked(self, address: Address, *, ours: bool | None) -> None:
        self.responder.looked(address, ours=ours, now_s=self._loop.time())
        self._due()

    # --- the kernel's side ---

    def _open(self) -> None:
        """Have both sockets; say what is in the way."""
        link = self._station.link
        for protocol in PROTOCOLS:
            if protocol in self._sockets:
                continue
            try:
                sock = PacketSocket(link.name, link.index, protocol, self._programs(protocol))
            except PermissionError:
                self._hindered(FORBIDDEN)
                return
            except OSError as error:
                why = os_error_text(error)
                self._hindered(f"No packet socket can be opened on {link.name}: {why}.")
                return
            self._sockets[protocol] = sock
            self._filters[protocol] = self._wanted()
            self._loop.add_reader(sock, self._read, protocol)
        self._hindered("")

    def _hindered(self, trouble: str) -> None:
        if trouble != self.trouble:
            self.trouble = trouble
            if trouble:
                log.warning("interface %s: %s", self.name, trouble)
            self._changed()

    def _is_open(self) -> bool:
        return len(self._sockets) == len(PROTOCOLS)

    def _close_sockets(self) -> None:
        for sock in self._sockets.values():
            self._lost += sock.dropped
            self._loop.remove_reader(sock)
            sock.close()
        self._sockets.clear()

    def _wanted(self) -> tuple[frozenset[Address], bool, tuple[Address, ...]]:
        return self.responder.listens_for, not self.responder.hears, self._station.gateways

    def _programs(self, protocol: int) -> tuple[Program, ...]:
        addresses, everything, gateways = self._wanted()
        if everything:
            return (ANY_ARP,) if protocol == ETH_P_ARP else (ANY_ICMPV6,)
        if protocol == ETH_P_ARP:
            return arp_filter(one for one in addresses if isinstance(one, IPv4Address))
        return ndp_filter(
            (one for one in addresses if isinstance(one, IPv6Address)),
            (one for one in gateways if isinstance(one, IPv6Address)),
        )

    def _settle(self) -> None:
        """Bring filters and groups up to what the responder listens for; say what changed."""
        if self.responder.changes == self._seen and self._is_open():
            return
        self._seen = self.responder.changes
        # Groups first: what a switch lets through now was asked after it.
        self._join()
        self._open()
        self._filter()
        self._changed()

    def _filter(self) -> None:
        """Let the kernel pass what is listened for; where it has no room, what it passed before."""
        wanted = self._wanted()
        for protocol, sock in self._sockets.items():
            if self._filters[protocol] == wanted:
                continue
            try:
                sock.filter(self._programs(protocol))
            except OSError as error:
                # Other sockets of this process share the room (optmem_max); it is tried again.
                log.warning("interface %s: no filter is taken: %s", self.name, error.strerror)
                self._seen = UNSETTLED
            else:
                self._filters[protocol] = wanted

    def _join(self) -> None:
        """Be in the groups of what is listened for; a claim alone costs no pass over all of it."""
        listened = self.responder.listens_for
        if listened is self._grouped:
            return
        six = [one for one in listened if isinstance(one, IPv6Address)]
        refused = self._groups.follow(six)
        self._grouped = listened if refused is None else None
        if refused is not None:
            log.debug("%s: a solicited-node group is not joined: %s", self.name, refused)

    def _read(self, protocol: int) -> None:
        sock = self._sockets[protocol]
        try:
            for frame in sock.drain().frames:
                for answer in self.responder.received(frame, now_s=self._loop.time()):
                    sock.send(answer)
        except OSError as error:
            self._gone(error)
        self._due()

    def _due(self) -> None:
        """Send what is due, settle, and set the timer for what comes next."""
        self._settle()
        if not self._is_open():  # one of two would be asked for frames that it cannot send
            self._again(self._loop.time() + RETRY_S)
            return
        try:
            for frame in self.responder.due(self._loop.time()):
                protocol = int.from_bytes(frame[ETHERTYPE], "big")
                self._sockets[protocol].send(frame)
        except OSError as error:
            self._gone(error)
        self._settle()
        due_s = self.responder.next_due_s()
        if self._seen == UNSETTLED or not self._is_open():
            retry_s = self._loop.time() + RETRY_S
            due_s = retry_s if due_s is None else min(due_s, retry_s)
        self._again(due_s)

    def _again(self, due_s: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if due_s is None else self._loop.call_at(due_s, self._due)

    def _gone(self, error: OSError) -> None:
        """The interface is gone, or another has its index: its sockets are of no use any more."""
        if error.errno in PASSING:
            return
        log.info("interface %s: %s", self.name, error.strerror)
        self._close_sockets()


def _way(station: Station) -> tuple[object, ...]:
    """Return what of the link makes every series begin again when it changes."""
    link = station.link
    return link.up, link.mac, link.carrier_changes, link.active_port
