"""All interfaces that answer for this node's addresses, and what is reported of them.

The port ``Responders``. What is revoked falls silent before anything is taken up; what somebody
claims is looked up, all questions with one look. SIGKILL leaves nothing behind: sockets and
groups go with the process. Refuses to decide who owns an address.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Final

from agent.adapters.answer_report import AnswerReport, Standing
from agent.adapters.station import AnsweringStation
from agent.adapters.totals import Totals
from agent.looks import Looked
from agent.snapshot import (
    AddressConflict,
    Assignment,
    LinkIndex,
    Network,
    Unacknowledged,
    Withheld,
)
from agent.stations import stations
from pointsman.model.address import Address, address_order
from pointsman.model.timestamps import format_time
from pointsman.runtime.clock import Clock

LOOK_GAP_S: Final = 0.1
MOST_UNACKNOWLEDGED: Final = 64  # that are told: of them a sentence names a few
CUT_OFF_GAP_S: Final = 2.0  # nobody could be asked: the network takes its time

Look = Callable[[], Awaitable[Looked | None]]


class PacketResponders:
    """Answers on real interfaces. *looked* is called after each look: it may have found news."""

    def __init__(
        self,
        *,
        announce_rate: int,
        chance: random.Random,
        clock: Clock,
        look: Look,
        looked: Callable[[], None] = lambda: None,
    ) -> None:
        self._rate, self._chance, self._clock = announce_rate, chance, clock
        self._look, self._looked = look, looked
        self._stations: dict[LinkIndex, AnsweringStation] = {}
        self._names: Mapping[str, LinkIndex] = {}
        self._unplaced: Mapping[Address, str] = {}
        self._assignment = Assignment()
        self._executes = 0
        self._report = AnswerReport(self._standing)
        self._asked = asyncio.Event()
        self._since: dict[tuple[Address, bytes, float], str] = {}
        self._closed = Totals()

    @property
    def withheld(self) -> tuple[Withheld, ...]:
        return self._report.withheld

    @property
    def conflicts(self) -> tuple[AddressConflict, ...]:
        return self._report.conflicts

    @property
    def unacknowledged(self) -> tuple[Unacknowledged, ...]:
        return self._report.unacknowledged

    @property
    def silent(self) -> int:
        """Return how many addresses a gateway does not acknowledge."""
        return sum(len(one.responder.unacknowledged) for one in self._stations.values())

    @property
    def executes(self) -> int:
        return self._report.executes

    @property
    def announced(self) -> int:
        """Return how many addresses are answered for."""
        return sum(
            len(one.responder.answers_for) for one in self._stations.values() if not one.trouble
        )

    @property
    def totals(self) -> Totals:
        """Return what was counted since the start, on all interfaces that there were."""
        total = Totals()
        total.add(self._closed)
        for one in self._stations.values():
            total.count(one.responder.counters, lost=one.lost)
        return total

    def follow(self, assignment: Assignment, network: Network, *, confirmed: bool) -> None:
        """Answer for *assignment* on *network* from now on."""
        found = stations(assignment.duties, network, found=self._names, probe_all=not confirmed)
        self._assignment, self._names, self._unplaced = assignment, found.names, found.withheld
        if confirmed:
            self._executes = assignment.generation
        for index in list(self._stations):
            station = found.by_index.get(index)
            if station is None:
                self._close(index)
            else:
                self._stations[index].narrow(frozenset(station.terms))
        for index, station in found.by_index.items():
            if index not in self._stations:
                self._stations[index] = AnsweringStation(
                    station,
                    announce_rate=self._rate,
                    chance=self._chance,
                    changed=self._changed,
                )
            self._stations[index].follow(station)
        self._changed()

    async def run(self, wake: Callable[[], None]) -> None:
        """Look whenever somebody claims an address, until cancelled; then fall silent."""
        self._report.wake = wake
        try:
            while True:
                await self._asked.wait()
                self._asked.clear()
                answered = await self._ask()
                await asyncio.sleep(LOOK_GAP_S if answered else CUT_OFF_GAP_S)
                self._note_questions()
        finally:
            for index in list(self._stations):
                self._close(index)
            self._report.close()

    async def _ask(self) -> bool:
        """Look once for every question there is; return whether somebody could be asked."""
        asked = {
            index: questions
            for index, one in self._stations.items()
            if (questions := one.responder.questions)
        }
        if not asked:
            return True
        found = await self._look()
        for index, questions in asked.items():
            for address in questions:
                # An interface may have gone meanwhile, and a question with it.
                if (one := self._stations.get(index)) is not None:
                    ours = None if found is None else _assigns(found.assignment, address)
                    one.looked(address, ours=ours)
        if found is not None:
            self._looked()
        return found is not None

    def _changed(self) -> None:
        self._note_questions()
        self._report.changed()

    def _note_questions(self) -> None:
        if any(one.responder.questions for one in self._stations.values()):
            self._asked.set()

    def _standing(self) -> Standing:
        """Return how it is now; no generation while an address is still being probed."""
        withheld = self._all_withheld()
        silent = {one.address for one in withheld}
        undecided = any(
            address not in silent
            for one in self._stations.values()
            for address in one.responder.listens_for - one.responder.answers_for
        )
        executes = None if undecided else self._executes
        return Standing(withheld, self._all_conflicts(), executes, self._all_unacknowledged())

    def _all_withheld(self) -> tuple[Withheld, ...]:
        found = dict(self._unplaced)
        for one in self._stations.values():
            if one.trouble:
                found |= dict.fromkeys(one.responder.listens_for, one.trouble)
            else:
                found |= one.responder.withheld
        return tuple(Withheld(one, found[one]) for one in sorted(found, key=address_order))

    def _all_unacknowledged(self) -> tuple[Unacknowledged, ...]:
        found = [
            Unacknowledged(address, one.name, gateway)
            for one in self._stations.values()
            for address, gateways in one.responder.unacknowledged.items()
            for gateway in gateways
        ]
        order = sorted(found, key=lambda one: (one.interface, address_order(one.address)))
        return tuple(order[:MOST_UNACKNOWLEDGED])

    def _all_conflicts(self) -> tuple[AddressConflict, ...]:
        seen = {
            (address, conflict.mac, conflict.since_s): one.name
            for one in self._stations.values()
            for address, conflict in one.responder.conflicts.items()
        }
        # Computed once each: two clocks read twice never agree to the second.
        self._since = {key: self._since.get(key) or self._at(key[2]) for key in seen}
        return tuple(
            AddressConflict(address, name, mac.hex(":"), self._since[address, mac, since_s])
            for (address, mac, since_s), name in sorted(
                seen.items(), key=lambda one: address_order(one[0][0])
            )
        )

    def _at(self, then_s: float) -> str:
        age_s = asyncio.get_running_loop().time() - then_s
        return format_time(self._clock.wall() - timedelta(seconds=age_s))

    def _close(self, index: LinkIndex) -> None:
        station = self._stations.pop(index)
        station.close()
        self._closed.count(station.responder.counters, lost=station.lost)


def _assigns(assignment: Assignment | None, address: Address) -> bool:
    return assignment is not None and any(address in duty.addresses for duty in assignment.duties)
