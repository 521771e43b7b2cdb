"""The IPAM of an Eip in a story: what it may give, what it holds, and what it is told.

What the driver and NetBox do together is done here in the fewest lines. Strict where the planner
could be wrong: nothing is reserved twice, and what somebody else has is refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pointsman.model.address import Address, Family, address_order, family_of
from pointsman.model.ranges import AddressSet, address_of, read_address, read_union
from pointsman.model.reservation import (
    AddressRequest,
    Holder,
    RefusedRequest,
    Reservation,
    ReservationKey,
    ReservationState,
    SourcePlan,
    SourceReading,
)


@dataclass(slots=True)
class Ipam:
    """One IPAM, as one Eip sees it. The first six are what a story says."""

    blocks: AddressSet | None = None
    foreign: dict[Address, str] = field(default_factory=dict)
    away: str = ""  # why it does not answer
    since: str = ""
    refuses: str = ""  # what it says to every request
    keeps: bool = False  # what is released is quarantined, for good

    entries: dict[Address, Reservation] = field(default_factory=dict)
    changed: dict[Address, str] = field(default_factory=dict)
    refusals: dict[ReservationKey, RefusedRequest] = field(default_factory=dict)
    read: AddressSet | None = None  # what it step when it answered last

    def tell(self, step: Mapping[str, Any]) -> None:
        """Do what a step says; telling it twice is telling it once."""
        unknown = step.keys() - {"blocks", "foreign", "away", "since", "refuses", "keeps", "lost"}
        assert not unknown, unknown
        if "blocks" in step:
            self.blocks = read_union(tuple(step["blocks"]))
        if "foreign" in step:
            self.foreign = {read_address(ip): whose for ip, whose in step["foreign"].items()}
        self.away, self.since = step.get("away", self.away), step.get("since", self.since)
        self.refuses = step.get("refuses", self.refuses)
        self.keeps = step.get("keeps", self.keeps)
        for text in step.get("lost", ()):  # somebody deletes the entry
            self.entries.pop(read_address(text), None)

    def become(self, other: "Ipam") -> None:
        """Be what a story said of *other*, with one's own entries."""
        self.blocks, self.foreign = other.blocks, dict(other.foreign)
        self.away, self.since = other.away, other.since
        self.refuses, self.keeps = other.refuses, other.keeps

    def copy(self) -> "Ipam":
        """Return one that goes on by itself."""
        return replace(
            self,
            foreign=dict(self.foreign),
            entries=dict(self.entries),
            changed=dict(self.changed),
            refusals=dict(self.refusals),
        )

    def reading(self) -> SourceReading:
        """Return what was read of it last."""
        if not self.away:
            self.read = self.blocks
        return SourceReading(
            blocks=self.read,
            reservations=tuple(self.entries[one] for one in sorted(self.entries, key=int)),
            foreign=dict(self.foreign),
            problem=self.away,
            since=self.since if self.away else "",
            refusals=dict(self.refusals),
            changed=dict(self.changed),
        )

    def converge(self, plan: SourcePlan) -> None:
        """Do what *plan* says: reserve, describe, put back, release."""
        if self.away:
            return
        self.refusals = {}
        for key, request in plan.requests.items():
            if not any(self._meets(one, key, request) for one in self.entries.values()):
                self._reserve(key, request)
        wanted = {
            address
            for address, one in self.entries.items()
            for key, request in plan.requests.items()
            if self._meets(one, key, request)
        }
        for address, holder in plan.held.items():
            if address not in self.foreign:
                self._write(address, plan.owners[address], holder)
        for address in self.entries.keys() - wanted - plan.held.keys():
            if not (self.keeps and not plan.leaving):
                del self.entries[address]
            else:
                entry = self.entries[address]
                self.entries[address] = replace(entry, state=ReservationState.QUARANTINED)

    def _meets(self, one: Reservation, key: ReservationKey, request: AddressRequest) -> bool:
        fits = request.within is None or one.address in request.within
        held = one.key == key and one.state is ReservationState.HELD
        return held and fits and request.address in (None, one.address)

    def _reserve(self, key: ReservationKey, request: AddressRequest) -> None:
        address = request.address
        if self.refuses:
            self.refusals[key] = RefusedRequest(self.refuses, address)
            return
        if address is None:
            address = self._lowest(key.family, request.within)
        if address is None:
            self.refusals[key] = RefusedRequest("nothing is left", None)
            return
        there = self.entries.get(address)
        assert there is None or there.key == key or there.state is ReservationState.QUARANTINED
        if address in self.foreign:
            self.refusals[key] = RefusedRequest("it is somebody else's", request.address)
            return
        self._write(address, key, request.holder)

    def _lowest(self, family: Family, within: AddressSet | None) -> Address | None:
        assert self.blocks is not None
        for first, last in self.blocks.of(family).spans:
            for number in range(first, last + 1):
                one = address_of(family, number)
                free = one not in self.foreign and one not in self.entries
                if free and (within is None or one in within):
                    return one
        return None

    def _write(self, address: Address, key: ReservationKey, holder: Holder) -> None:
        assert family_of(address) is key.family
        name = ".".join(map(str, address_order(address)))
        self.entries[address] = Reservation(f"entry {name}", address, key, holder=holder)
