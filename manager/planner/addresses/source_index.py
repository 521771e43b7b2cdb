"""What the IPAM of an Eip was read to hold, found by address and by whom it is for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pointsman.model.address import Address, address_order
from pointsman.model.printable import clipped
from pointsman.model.reservation import ReservationKey, ReservationState, SourceReading

LONGEST: Final = 200  # characters of what an IPAM said
_Number = tuple[int, int]  # an address by its IP version and number


@dataclass(frozen=True, slots=True)
class SourceIndex:
    """The reading of one Eip's IPAM, turned inside out."""

    reading: SourceReading
    # What is reserved for each, in order, and not quarantined; somebody else may have it, too.
    reserved: Mapping[ReservationKey, tuple[Address, ...]]
    owners: Mapping[_Number, ReservationKey]  # for whom each is reserved
    taken: frozenset[_Number]  # of somebody: nobody new is given these

    def is_foreign(self, address: Address) -> bool:
        """Whether somebody else has *address* there."""
        return address in self.reading.foreign

    def warning_about(self, address: Address, source: str) -> str:
        """Return what is wrong with *address*, which a Service holds, in *source*; "": nothing."""
        reading = self.reading
        if address in reading.changed:
            what = clipped(reading.changed[address], LONGEST)
            return f"in {source} the entry of {address} was changed: {what}"
        if address in reading.foreign:
            whose = clipped(reading.foreign[address], LONGEST)
            return f"in {source} {address} is somebody else's, too ({whose})"
        return ""


def is_unread(reading: SourceReading | None) -> bool:
    """Whether nothing came of asking the IPAM yet, not even a refusal."""
    if reading is None:
        return True
    return reading.blocks is None and not (reading.problem or reading.reservations)


def index_of(_: None, reading: SourceReading) -> SourceIndex | None:
    """Return the index of *reading*; None: nobody has read it yet."""
    if is_unread(reading):
        return None
    reserved: dict[ReservationKey, list[Address]] = {}
    owners: dict[_Number, ReservationKey] = {}
    taken = set(map(address_order, reading.foreign))
    for one in reading.reservations:
        number = address_order(one.address)
        taken.add(number)
        if one.key is None or one.state is not ReservationState.HELD:
            continue
        owners[number] = one.key
        reserved.setdefault(one.key, []).append(one.address)
    return SourceIndex(
        reading,
        {key: tuple(sorted(many, key=address_order)) for key, many in reserved.items()},
        owners,
        frozenset(taken),
    )


def disputed_in(_: None, reading: SourceReading) -> Mapping[_Number, str]:
    """Return the addresses of which more is to be said than that they are ours, and what."""
    clauses = {**reading.foreign, **reading.changed}
    return {
        address_order(address): clauses[address] for address in sorted(clauses, key=address_order)
    }
