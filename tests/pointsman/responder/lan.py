"""Several responders on one simulated LAN: loss, delay, duplicates, partitions, slow ports, looks.

A discrete-event simulation on a clock of its own; the same seed gives the same run. Whatever a
responder sends is checked: it may name only its own MAC, and only addresses assigned to it then.
"""

import heapq
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from random import Random
from typing import Final

from pointsman.model.address import Address
from pointsman.responder.responder import Responder
from pointsman.responder.terms import DutyTerms
from tests.pointsman.responder.bench import CLIENT, noise, question, says

CUT_OFF: Final = "cut off"


@dataclass(slots=True)
class Station:
    """One node: its responder, and what its shell can find out; its port forwards from then on."""

    name: str
    mac: bytes
    responder: Responder
    duties: dict[Address, DutyTerms] = field(default_factory=dict)
    cut_off: bool = False
    part: int = 0
    forwards_s: float = 0.0
    alive: bool = True
    looking: set[Address] = field(default_factory=set)
    timer_s: float | None = None


class Lan:
    """*truth* is what the API says: which station an address belongs to."""

    def __init__(
        self, seed: int, *, loss: float = 0.0, twice: float = 0.0, delay_s: float = 0.002
    ) -> None:
        self.chance = Random(seed)
        self.now_s = 0.0
        self.loss, self.twice, self.delay_s = loss, twice, delay_s
        self.stations: dict[str, Station] = {}
        self.truth: dict[Address, str] = {}
        self.heard: list[tuple[float, str, Address, bytes]] = []  # by the client
        self.look_s = 0.05
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0

    def join(self, name: str, number: int, *, forwards_s: float = 0.0, rate: int = 500) -> Station:
        """Add a station with the MAC 02:00:00:00:01:*number*."""
        mac = bytes((2, 0, 0, 0, 1, number))
        chance = Random(self.chance.random())
        responder = Responder(mac=mac, announce_rate=rate, chance=chance, now_s=self.now_s)
        station = Station(name, mac, responder, forwards_s=forwards_s)
        self.stations[name] = station
        self._after(station)
        return station

    def follow(self, name: str, held: Collection[Address], terms: DutyTerms | None = None) -> None:
        """Its Announcer says so, from now on."""
        station = self.stations[name]
        station.duties = dict.fromkeys(held, terms or DutyTerms())
        station.responder.follow(station.duties, self.now_s)
        self._after(station)

    def change_mac(self, name: str, number: int) -> None:
        """Its interface gets another MAC while its link stays up."""
        station = self.stations[name]
        station.mac = bytes((2, 0, 0, 0, 1, number))
        station.responder.link(up=True, mac=station.mac, now_s=self.now_s)
        self._after(station)

    def send(self, frame: bytes, *, sender: Station | None = None) -> None:
        """Put *frame* on the wire: of a station, or of a client that is everywhere."""
        if sender is not None:
            kind, address, mac = says(frame)
            assert mac == sender.mac, f"{sender.name} names a MAC that is not its own"
            assert address in sender.duties, (
                f"{sender.name} speaks for {address}, not assigned to it"
            )
            if self.now_s < sender.forwards_s:
                return
            self.heard.append((self.now_s, kind, address, mac))
        for station in self.stations.values():
            if station is sender or (sender is not None and station.part != sender.part):
                continue
            copies = 1 + (self.chance.random() < self.twice)
            for _ in range(copies):
                if self.chance.random() >= self.loss:
                    at_s = self.now_s + self.chance.uniform(0.0001, self.delay_s)
                    self.at(at_s, lambda s=station: self._arrive(s, frame))  # type: ignore[misc]

    def at(self, at_s: float, what: Callable[[], None]) -> None:
        """Let *what* happen then."""
        self._count += 1
        heapq.heappush(self._events, (at_s, self._count, what))

    def run(self, seconds: float, check: Callable[[], None] | None = None) -> None:
        """Let time pass; *check* is called after every event."""
        until_s = self.now_s + seconds
        while self._events and self._events[0][0] <= until_s:
            self.now_s, _, what = heapq.heappop(self._events)
            what()
            if check is not None:
                check()
        self.now_s = until_s

    def traffic(self, address: Address, every_s: float) -> None:
        """Let a client ask for *address* again and again; anything heard proves a link."""

        def ask() -> None:
            self.send(question(address))
            self.send(noise(CLIENT))
            self.at(self.now_s + every_s * self.chance.uniform(0.5, 1.5), ask)

        self.at(self.now_s, ask)

    def holders(self, address: Address) -> list[str]:
        """Return which stations answer for *address*."""
        return [
            s.name for s in self.stations.values() if s.alive and address in s.responder.answers_for
        ]

    def _arrive(self, station: Station, frame: bytes) -> None:
        if not station.alive or self.now_s < station.forwards_s:
            return
        for reply in station.responder.received(frame, now_s=self.now_s):
            self.send(reply, sender=station)
        self._after(station)

    def _wake(self, station: Station, at_s: float) -> None:
        if station.timer_s != at_s or not station.alive:
            return
        station.timer_s = None
        for frame in station.responder.due(self.now_s):
            self.send(frame, sender=station)
        self._after(station)

    def _after(self, station: Station) -> None:
        """Do what a shell does after each call: set the timer, look where it must."""
        due_s = station.responder.next_due_s()
        if due_s is not None and due_s != station.timer_s:
            at_s = station.timer_s = max(due_s, self.now_s)
            self.at(at_s, lambda: self._wake(station, at_s))
        for address in sorted(station.responder.questions - station.looking, key=str):
            station.looking.add(address)
            self.at(self.now_s + self.look_s, lambda a=address: self._look(station, a))  # type: ignore[misc]

    def _look(self, station: Station, address: Address) -> None:
        station.looking.discard(address)
        ours = None if station.cut_off else self.truth.get(address) == station.name
        if not station.alive:
            return
        station.responder.looked(address, ours=ours, now_s=self.now_s)
        if ours is None:  # again later, as long as it is a question
            station.looking.add(address)
            self.at(self.now_s + 2.0, lambda: self._look(station, address))
            self._timer_only(station)
        else:
            self._after(station)

    def _timer_only(self, station: Station) -> None:
        due_s = station.responder.next_due_s()
        if due_s is not None and due_s != station.timer_s:
            at_s = station.timer_s = max(due_s, self.now_s)
            self.at(at_s, lambda: self._wake(station, at_s))
