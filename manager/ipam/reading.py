"""What an IPAM held when it answered last, what it acknowledged since, and what troubles there are.

`published` is the same object while it says the same, so whoever plans from it sees that at a
glance. Refuses to ask the IPAM anything. Its memory of what was right serves words alone: that
somebody else changed an entry cannot be read out of the IPAM.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from enum import IntEnum
from typing import Final

from pointsman.model.address import Address, address_order
from pointsman.model.ranges import AddressSet
from pointsman.model.reservation import (
    RefusedRequest,
    Reservation,
    ReservationKey,
    ReservationState,
    SourcePlan,
    SourceReading,
)
from pointsman.model.timestamps import format_time

DELETED: Final = "somebody deleted its entry there"
NAMED: Final = 3  # of the entries that are not taken back
EDITED: Final = "somebody edited its entry there"
log = logging.getLogger(__name__)


class Deed(IntEnum):
    """What fails, the most telling one first."""

    READ = 0
    PUT = 1
    RELEASE = 2


class Readings:
    """Of one IPAM. *wall*: for the stamps that people read."""

    def __init__(self, eip: str, *, wall: Callable[[], datetime]) -> None:
        self._eip, self._wall = eip, wall
        self.last = self.published = SourceReading()  # `last` without troubles
        self._troubles: dict[Deed, tuple[str, str]] = {}
        self._refusals: Mapping[ReservationKey, RefusedRequest] = {}
        self._unreleased: Mapping[Address, str] = {}
        self._withheld = ""
        self._changed: dict[Address, str] = {}
        self.known = False  # it was never read

    def read(self, found: SourceReading, plan: SourcePlan | None) -> None:
        """Take *found*, just read; *plan*: what is in use, for what others did meanwhile."""
        if plan is not None and self.known:
            self._compare(found, plan)
        self.known = True
        blocks = AddressSet() if found.blocks is None else found.blocks  # it is asked for none
        self.last = SourceReading(blocks, found.reservations, foreign=found.foreign)
        self._publish()

    def put(self, entry: Reservation) -> None:
        """Note that *entry* stands there now."""
        others = tuple(one for one in self.last.reservations if one.id != entry.id)
        self.last = replace(self.last, reservations=(*others, entry))
        if self._changed.pop(entry.address, None):
            log.info("Eip '%s': the entry of %s is put back", self._eip, entry.address)
        self._publish()

    def drop(self, entry: Reservation) -> None:
        """Note that *entry* is gone."""
        left = tuple(one for one in self.last.reservations if one.id != entry.id)
        self.last = replace(self.last, reservations=left)
        self._publish()

    def refuse(
        self,
        refusals: Mapping[ReservationKey, RefusedRequest],
        *,
        unreleased: Mapping[Address, str],
    ) -> None:
        """Note what it said about single requests.

        *unreleased*: what it does not take back, in the order of addresses.
        """
        if refusals == self._refusals and unreleased == self._unreleased:
            return
        if unreleased and not self._unreleased:
            self._withheld = format_time(self._wall())
            log.warning("Eip '%s': its IPAM: %s", self._eip, "; ".join(_not_taken_back(unreleased)))
        self._refusals, self._unreleased = refusals, unreleased
        self._publish()

    def fails(self, deed: Deed, clause: str) -> None:
        """Note that *deed* fails, and why; it does since it first did."""
        before = self._troubles.get(deed)
        if before is not None and before[0] == clause:
            return
        since = before[1] if before is not None else format_time(self._wall())
        if before is None:
            log.warning("Eip '%s': its IPAM: %s", self._eip, clause)
        self._troubles[deed] = clause, since
        self._publish()

    def passes(self, deed: Deed) -> bool:
        """Note that *deed* works; return whether it did not before."""
        if self._troubles.pop(deed, None) is None:
            return False
        if not self._troubles:
            log.info("Eip '%s': its IPAM answers again", self._eip)
        self._publish()
        return True

    def _publish(self) -> None:
        asking = [self._troubles[one] for one in sorted(self._troubles) if one is not Deed.RELEASE]
        clause, since = asking[0] if asking else ("", "")
        unreleased, withheld = _not_taken_back(self._unreleased), self._withheld
        if (failing := self._troubles.get(Deed.RELEASE)) is not None:
            unreleased, withheld = (failing[0],), failing[1]
        now = replace(
            self.last,
            problem=clause,
            since=since,
            refusals=self._refusals,
            changed=dict(self._changed),
            unreleased=unreleased,
            withheld=withheld if unreleased else "",
        )
        if now != self.published:
            self.published = now

    def _compare(self, found: SourceReading, plan: SourcePlan) -> None:
        """Note which entries of addresses in use others deleted or edited since the last look."""
        there = {one.id: one for one in found.reservations}
        right = {one.address for one in found.reservations if _right(one, plan)}
        for address in self._changed.keys() & (right | (self._changed.keys() - plan.held.keys())):
            del self._changed[address]
        for before in sorted(self.last.reservations, key=lambda one: address_order(one.address)):
            address = before.address
            if address in right or not _right(before, plan) or address in self._changed:
                continue
            edited = before.id in there or address in found.foreign
            self._changed[address] = EDITED if edited else DELETED
            log.warning("Eip '%s': %s: %s", self._eip, address, self._changed[address])


def _not_taken_back(entries: Mapping[Address, str]) -> tuple[str, ...]:
    """Return the first of *entries*, which are in order, with why; and how many more there are."""
    named = [f"{address} is not taken back: {entries[address]}" for address in [*entries][:NAMED]]
    more = len(entries) - NAMED
    if more > 0:
        named.append("nor is one more" if more == 1 else f"nor are {more} more")
    return tuple(named)


def _right(entry: Reservation, plan: SourcePlan) -> bool:
    """Whether *entry* is that of an address in use, and says so."""
    return (
        entry.address in plan.held
        and entry.state is ReservationState.HELD
        and entry.key == plan.owners.get(entry.address)
        and entry.holder == plan.held[entry.address]
    )
