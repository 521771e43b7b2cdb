"""What an IPAM refused of single entries, and when each is tried again: each alone.

A memory that no snapshot holds: of an answer, until it is asked again. Refuses to send anything.
"""

from collections.abc import Hashable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from manager.ipam.work import Put
from pointsman.model.address import Address, address_order
from pointsman.model.reservation import RefusedRequest, Reservation, ReservationKey
from pointsman.runtime.loop import exponential

FIRST_S: Final = 2.0
LONGEST_S: Final = 60.0  # somebody gives an address back without telling us


@dataclass(slots=True)
class _Refused:
    what: object
    clause: str
    delays: Iterator[float]
    until: float = 0.0
    times: int = 0  # of the very same
    unanswered: bool = False


class Retries:
    """Of one IPAM. Keys: what an entry is for and at which address, or its id."""

    def __init__(self) -> None:
        self._refused: dict[Hashable, _Refused] = {}

    @property
    def refusals(self) -> Mapping[ReservationKey, RefusedRequest]:
        """Return what was said of each that asks for an address, or has one."""
        found: dict[ReservationKey, RefusedRequest] = {}
        for one in self._refused.values():
            if isinstance(one.what, Put) and (not one.what.held or one.what.key not in found):
                found[one.what.key] = RefusedRequest(one.clause, one.what.request.address)
        return found

    @property
    def unreleased(self) -> Mapping[Address, str]:
        """Return what is not taken back, in order, and why; once may be a change meanwhile."""
        found = {
            one.what.address: one.clause
            for one in self._refused.values()
            if isinstance(one.what, Reservation) and one.times > 1 and not one.unanswered
        }
        return {address: found[address] for address in sorted(found, key=address_order)}

    def refused(self, key: Hashable, what: object, clause: str, *, now: float) -> None:
        """Note that *what* was refused of *key*; something else than before is tried sooner."""
        entry = self._refused.get(key)
        if entry is None or entry.what != what:
            delays = exponential(FIRST_S, LONGEST_S)
            entry = self._refused[key] = _Refused(what, clause, delays)
        entry.clause, entry.until = clause, now + next(entry.delays)
        entry.times, entry.unanswered = entry.times + 1, False

    def unanswered(self, key: Hashable, what: object, clause: str, *, now: float) -> None:
        """Note that *what* was not done, for a trouble that may be of the IPAM or of *what*.

        So the others go before it next time: one that always fails is in nobody's way.
        """
        self.refused(key, what, clause, now=now)
        self._refused[key].unanswered = True

    def answers_again(self) -> None:
        """Note that it was the IPAM's trouble: whoever waits for that need not any longer."""
        for entry in self._refused.values():
            if entry.unanswered:
                entry.until = 0.0

    def passed(self, key: Hashable) -> None:
        """Note that *key* was done."""
        self._refused.pop(key, None)

    def retain(self, keys: AbstractSet[Hashable]) -> None:
        """Forget whoever asks for nothing any more."""
        for key in self._refused.keys() - keys:
            del self._refused[key]

    def due(self, key: Hashable, what: object, *, now: float) -> bool:
        """Whether *what* may be asked of *key* now."""
        entry = self._refused.get(key)
        return entry is None or entry.what != what or entry.until <= now

    def next_s(self, *, now: float, otherwise: float) -> float:
        """Return in how many seconds the next is due; *otherwise*, if that is sooner."""
        return min((max(0.0, one.until - now) for one in self._refused.values()), default=otherwise)
