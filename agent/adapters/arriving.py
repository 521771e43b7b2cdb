"""New flows towards our addresses, counted while this node drains: packet sockets, read at a pace.

The port ``Arrivals``. Sockets are open only while there is something to look for. The kernel's
filter passes nothing but beginnings of flows; they are read five times a second, so many and no
more, so that a flood costs what a trickle does: what finds the buffer full is a flow that came,
from nobody knows where. Refuses to decide who is told what.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol

from agent.adapters.tc_filters import in_hardware
from agent.arriving import Arrivals, Counted, Found, Word
from agent.outward import beneath, hidden, outward, own_addresses, without
from agent.snapshot import Assignment, Link, LinkIndex, Network
from pointsman.model.address import Prefix, address_order, family_of
from pointsman.model.assignment import Arriving, Quiet
from pointsman.model.ranges import AddressSet, union
from pointsman.model.timestamps import format_micro_time
from pointsman.net.packet import ArrivingPackets, Drained, Program
from pointsman.runtime.clock import Clock
from pointsman.runtime.os_errors import os_error_text
from pointsman.wire.arrival_filter import addresses, arrival_filter, is_exact

POLL_S: Final = 0.2
RETRY_S: Final = 5.0  # after a socket could not be opened
HARDWARE_S: Final = 5.0  # between two looks at what the cards do by themselves
FORBIDDEN: Final = (
    "The agent may not open packet sockets on this node: give its container the capability "
    "NET_RAW (securityContext.capabilities.add)."
)
NOWHERE: Final = "The node has no interface that packets from elsewhere arrive by."
CROWDED: Final = (
    "The kernel's filter has no room for all prefixes of the Eips, and packets to what lies "
    "between them fill its buffer."
)
log = logging.getLogger(__name__)


class Packets(Protocol):
    """What of `ArrivingPackets` is used here."""

    taken: int

    def filter(self, programs: Sequence[Program]) -> int: ...
    def drain(self) -> Drained: ...
    def close(self) -> None: ...
    @property
    def dropped(self) -> int: ...


Open = Callable[[str, int, Sequence[Program]], Packets]
InHardware = Callable[[Iterable[int]], frozenset[LinkIndex]]


@dataclass(slots=True)
class _Socket:
    packets: Packets
    dropped: int = 0


@dataclass(slots=True)
class _Watch:
    """What is looked for, and where."""

    arrivals: Arrivals
    began_s: float
    began_at: datetime
    sought: AddressSet = AddressSet()
    programs: Sequence[Program] = ()
    exact: Sequence[bool] = ()  # of each
    network: Network = field(default_factory=Network)
    links: tuple[Link, ...] = ()
    read_s: float | None = None  # when it was last read what hides packets
    sockets: dict[LinkIndex, _Socket] = field(default_factory=dict)
    hidden: str = ""
    trouble: str = ""
    crowded: bool = False

    @property
    def unmeasured(self) -> str:
        nowhere = "" if self.links else NOWHERE
        return self.trouble or nowhere or self.hidden or (CROWDED if self.crowded else "")

    def at(self, then_s: float) -> str:
        """Return a moment as this watch tells it: the clock of the node may be set meanwhile."""
        return format_micro_time(self.began_at + timedelta(seconds=then_s - self.began_s))


class PacketArrivals:
    """Looks on real interfaces."""

    def __init__(
        self,
        clock: Clock,
        open_packets: Open = ArrivingPackets,
        in_hardware: InHardware = in_hardware,
    ) -> None:
        self._clock, self._open, self._in_hardware = clock, open_packets, in_hardware
        self._watch: _Watch | None = None
        self._begun = asyncio.Event()
        self._wake: Callable[[], None] = lambda: None
        self._retry_s: float | None = None
        self._seen = self._lost = 0
        self.found = Found()

    @property
    def counted(self) -> Counted:
        """Return how many new flows came since the start."""
        return Counted(self._seen, self._lost)

    def follow(self, assignment: Assignment, network: Network) -> None:
        """Look for what *assignment* says from now on, on *network*; for nothing: close all."""
        watch, now_s = self._watch, self._clock.monotonic()
        if not assignment.watched:
            self._stop()
            return
        if watch is None:
            log.info("node drains: looking for new flows to %d prefixes", len(assignment.watched))
            arrivals = Arrivals(assignment.generation, now_s)
            watch = self._watch = _Watch(arrivals, now_s, self._clock.wall())
            self._begun.set()
        links = outward(network, assignment.duties)
        prefixes = without(assignment.watched, own_addresses(network, links))
        watch.network, watch.links = network, links
        self._read_hidden(watch, now_s)
        anew = self._adjust(watch, prefixes)
        watch.arrivals.follow(assignment.generation, now_s, anew=anew)

    async def run(self, wake: Callable[[], None]) -> None:
        """Read what arrives until cancelled; call *wake* whenever there is a word to be told."""
        self._wake = wake
        try:
            while True:
                await self._begun.wait()
                await asyncio.sleep(POLL_S)
                if self._watch is not None:
                    self._look(self._watch)
        finally:
            self._stop()

    def _stop(self) -> None:
        if self._watch is None:
            return
        for index in list(self._watch.sockets):
            self._close(self._watch, index)
        self._watch = None
        self._begun.clear()
        self._tell(Found())

    def _tell(self, found: Found) -> None:
        if found != self.found:
            self.found = found
            self._wake()

    # --- the kernel's side ---

    def _adjust(self, watch: _Watch, prefixes: Sequence[Prefix]) -> bool:
        """Have a socket on each of the links, and each pass *prefixes*; say if more is seen."""
        sought = _as_set(prefixes)
        more = bool(sought - watch.sought)
        if sought != watch.sought:
            watch.sought, watch.programs = sought, arrival_filter(prefixes)
            watch.exact = [is_exact(prefixes, one) for one in watch.programs]
            watch.crowded = False
            for index, one in list(watch.sockets.items()):
                try:
                    one.packets.taken = one.packets.filter(watch.programs)
                except OSError:  # no room beside the one that it has: a new one has one alone
                    self._close(watch, index)
        wanted = {link.index: link for link in watch.links}
        for index in watch.sockets.keys() - wanted.keys():
            self._close(watch, index)
        return self._open_missing(watch) or more

    def _open_missing(self, watch: _Watch) -> bool:
        """Open what is not open; say what is in the way."""
        opened, watch.trouble, self._retry_s = False, "", None
        for link in watch.links:
            if link.index in watch.sockets:
                continue
            try:
                packets = self._open(link.name, link.index, watch.programs)
            except PermissionError:
                watch.trouble = FORBIDDEN
            except OSError as error:
                why = os_error_text(error)
                watch.trouble = f"No packet socket can be opened on {link.name}: {why}."
            else:
                watch.sockets[link.index] = _Socket(packets)
                opened = True
        if watch.trouble:
            self._retry_s = self._clock.monotonic() + RETRY_S
        return opened

    def _read_hidden(self, watch: _Watch, now_s: float) -> None:
        """Read what may take packets before the filter sees them: nothing tells when it changes."""
        watch.read_s = now_s
        under = beneath(watch.network, watch.links)
        cards = self._in_hardware(one.index for one in under)
        before, watch.hidden = watch.hidden, hidden(watch.network, watch.links, cards)
        if before and not watch.hidden:  # what came until now was not seen
            watch.arrivals.lost(now_s)

    def _look(self, watch: _Watch) -> None:
        """Take what arrived since the last look, and tell it if it is time."""
        now_s = self._clock.monotonic()
        if watch.read_s is None or now_s >= watch.read_s + HARDWARE_S:
            self._read_hidden(watch, now_s)
        if self._retry_s is not None and now_s >= self._retry_s and self._open_missing(watch):
            watch.arrivals.lost(now_s)
        for index, one in list(watch.sockets.items()):
            try:
                packets = one.packets.drain().frames
                dropped = one.packets.dropped
            except OSError as error:  # it is gone; its successor is another interface
                log.info("interface %d: %s", index, error.strerror)
                self._close(watch, index)
                self._retry_s = now_s + RETRY_S
                continue
            for packet in packets:
                self._saw(watch, packet, now_s)
            if dropped > one.dropped:
                self._lost += dropped - one.dropped
                one.dropped = dropped
                watch.arrivals.lost(now_s)
                watch.crowded = watch.crowded or not watch.exact[one.packets.taken]
        word = watch.arrivals.due(now_s)
        if word is not None:
            self._tell(_in_words(watch, word))

    def _saw(self, watch: _Watch, packet: bytes, now_s: float) -> None:
        found = addresses(packet)
        if found is not None and found[0] in watch.sought:
            watch.arrivals.saw(*found, now_s)
            self._seen += 1

    def _close(self, watch: _Watch, index: LinkIndex) -> None:
        watch.sockets.pop(index).packets.close()


def _as_set(prefixes: Sequence[Prefix]) -> AddressSet:
    return union((family_of(one), (int(one[0]), int(one[-1]))) for one in prefixes)


def _in_words(watch: _Watch, word: Word) -> Found:
    arriving = tuple(
        Arriving(address, seen.source, watch.at(seen.at_s))
        for address, seen in sorted(word.seen.items(), key=lambda one: address_order(one[0]))
    )
    if watch.unmeasured:
        return Found(arriving, None, watch.unmeasured)
    quiet = Quiet(word.generation, watch.at(word.since_s), watch.at(word.until_s))
    return Found(arriving, quiet)
