"""What comes next for which address: one appointment each, ranked once its time has come.

Refuses to know what an appointment is about. Its size follows the number of addresses, however
often appointments change.
"""

import heapq
from dataclasses import dataclass
from typing import Final

from pointsman.responder.terms import Address

SLACK: Final = 64  # stale entries that are not worth a clean-up


@dataclass(frozen=True, slots=True)
class _Appointment:
    at_s: float
    rank: int
    number: int


class Agenda:
    """Appointments by address. Of those due, the lowest rank comes first, then the earliest."""

    def __init__(self) -> None:
        self._appointments: dict[Address, _Appointment] = {}
        self._waiting: list[tuple[float, int, Address]] = []  # at, number
        self._ready: list[tuple[int, float, int, Address]] = []  # rank, at, number
        self._count = 0

    def __len__(self) -> int:
        return len(self._appointments)

    def put(self, address: Address, *, at_s: float, rank: int) -> None:
        """Give *address* this appointment in place of the one it had."""
        self._count += 1
        self._appointments[address] = _Appointment(at_s, rank, self._count)
        heapq.heappush(self._waiting, (at_s, self._count, address))
        self._tidy()

    def drop(self, address: Address) -> None:
        """Cancel the appointment of *address*, if it has one."""
        self._appointments.pop(address, None)

    def first(self, now_s: float) -> Address | None:
        """Return whose turn it is at *now_s*; it stays so until put or dropped. None: nobody's."""
        while self._waiting and self._waiting[0][0] <= now_s:
            at_s, number, address = heapq.heappop(self._waiting)
            if self._stands(address, number):
                rank = self._appointments[address].rank
                heapq.heappush(self._ready, (rank, at_s, number, address))
        while self._ready:
            _, _, number, address = self._ready[0]
            if self._stands(address, number):
                return address
            heapq.heappop(self._ready)
        return None

    def backlog(self) -> bool:
        """Return whether anybody's turn had come when :meth:`first` was asked last."""
        return bool(self._ready)

    def next_s(self) -> float | None:
        """Return the earliest time of those whose turn has not come. None: there is none."""
        while self._waiting and not self._stands(self._waiting[0][2], self._waiting[0][1]):
            heapq.heappop(self._waiting)
        return self._waiting[0][0] if self._waiting else None

    def _stands(self, address: Address, number: int) -> bool:
        appointment = self._appointments.get(address)
        return appointment is not None and appointment.number == number

    def _tidy(self) -> None:
        if len(self._waiting) + len(self._ready) <= 2 * len(self._appointments) + SLACK:
            return
        self._waiting = [entry for entry in self._waiting if self._stands(entry[2], entry[1])]
        self._ready = [entry for entry in self._ready if self._stands(entry[3], entry[2])]
        heapq.heapify(self._waiting)
        heapq.heapify(self._ready)
