"""For how long entries have been in quarantine, by this process's own clock.

A memory that no snapshot holds, for a reason: the IPAM's clock is not ours. It is lost with the
process, and a quarantine that begins anew ends late, never early.
"""

from collections.abc import Iterable

from pointsman.model.reservation import Reservation, ReservationState


class Quarantine:
    """Of one IPAM, in which an entry stays for *seconds* after it was released."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._since: dict[str, float] = {}

    def read(self, entries: Iterable[Reservation], *, now: float) -> None:
        """Note which *entries* are in quarantine; whatever no longer is begins anew."""
        there = [one.id for one in entries if one.state is ReservationState.QUARANTINED]
        self._since = {identity: self._since.get(identity, now) for identity in there}

    def left_s(self, entry: Reservation, *, now: float) -> float:
        """Return for how many seconds *entry* is to stay; 0: it may go."""
        if entry.state is not ReservationState.QUARANTINED:
            return self.seconds
        return max(0.0, self._since.get(entry.id, now) + self.seconds - now)
