"""An IPAM in memory: one book of addresses, and the port as each owner sees it.

It is as strict as the port's words: one address has one entry, an entry that somebody changed
meanwhile is refused, nothing is found that was not written, and nothing of one key, or beside
what is to be asked alone, is asked at once. `away` and `refuses` are its faults; `slow_s` holds up
what changes something, `lost` takes it and does not answer.
"""

import asyncio
from dataclasses import dataclass, field, replace
from ipaddress import ip_address

from manager.ports import AddressSource, SourceRefused
from pointsman.model.address import Address
from pointsman.model.ranges import AddressSet, address_of
from pointsman.model.reservation import (
    AddressRequest,
    Holder,
    Reservation,
    ReservationKey,
    ReservationState,
    SourceReading,
)
from pointsman.runtime.target import Unavailable


@dataclass(slots=True)
class Book:
    """What the IPAM holds: by address, whose it is and what that says."""

    blocks: AddressSet | None  # None: it is told of addresses, and asked for none
    entries: dict[Address, tuple[str, Reservation]] = field(default_factory=dict)
    away: str = ""  # why it does not answer
    refuses: dict[Address | ReservationKey, str] = field(default_factory=dict)
    forbids: frozenset[str] = frozenset()  # verbs that are answered by trouble
    slow_s: float = 0.0
    lost: bool = False
    retry_after_s: float = 0.0
    asked: list[str] = field(default_factory=list)
    number: int = 0

    def at(self, text: str) -> Reservation | None:
        """Return what stands at an address."""
        found = self.entries.get(ip_address(text))
        return None if found is None else found[1]

    def take(self, text: str, owner: str = "somebody else") -> None:
        """Let somebody else have an address."""
        address = ip_address(text)
        self.entries[address] = owner, self.new(address, None, Holder(()))

    def new(self, address: Address, key: ReservationKey | None, holder: Holder) -> Reservation:
        self.number += 1
        return Reservation(str(self.number), address, key, holder=holder)

    def written(self) -> list[str]:
        """Return what was asked that changes something, and forget it."""
        found = [one for one in self.asked if not one.startswith("observe")]
        self.asked.clear()
        return found


class FakeSource(AddressSource):
    """*book* as *owner* sees it."""

    def __init__(self, book: Book, owner: str = "cluster/eip") -> None:
        self._book, self._owner = book, owner
        self.closed = False
        self.most_under_way = 0
        self._under_way: list[str] = []  # whose requests
        self.poisoned = ""  # whoever's request the IPAM always fails at

    async def observe(self) -> SourceReading:
        await self._answer("observe")
        ours = [one for owner, one in self._book.entries.values() if owner == self._owner]
        foreign = {a: who for a, (who, _) in self._book.entries.items() if who != self._owner}
        return SourceReading(self._book.blocks, tuple(ours), foreign=foreign)

    async def reserve(self, key: ReservationKey, request: AddressRequest) -> Reservation:
        what = f"reserve {request.address or key.family} {key.service_uid}"
        if key.service_uid == self.poisoned:  # at once: those asked beside it are under way yet
            self._book.asked.append(what)
            raise Unavailable("500: no answer that is one")
        await self._answer(what, f"{key.service_uid} {key.family}")
        if why := self._book.refuses.get(key):
            raise SourceRefused(why)
        own = [
            one
            for owner, one in self._book.entries.values()
            if owner == self._owner and one.key == key and request.address in (None, one.address)
        ]
        address = own[0].address if own else request.address or self._free(key, request)
        held = self._book.entries.get(address)
        if why := self._book.refuses.get(address):
            raise SourceRefused(why)
        if held is not None and (held[0] != self._owner or held[1].key != key):
            raise SourceRefused(f"{address} belongs to {held[0]}")
        entry = self._book.new(address, key, request.holder)
        if held is not None:
            entry = replace(entry, id=held[1].id)
        return await self._stands(entry)

    async def describe(
        self, reservation: Reservation, key: ReservationKey, holder: Holder
    ) -> Reservation:
        what = f"describe {reservation.address} {key.service_uid}"
        await self._answer(what, f"{key.service_uid} {key.family}")
        self._same(reservation)
        if why := self._book.refuses.get(reservation.address):
            raise SourceRefused(why)
        return await self._stands(
            replace(reservation, key=key, holder=holder, state=ReservationState.HELD)
        )

    async def quarantine(self, reservation: Reservation) -> None:
        await self._answer(f"quarantine {reservation.address}")
        self._same(reservation)
        await self._stands(replace(reservation, state=ReservationState.QUARANTINED))

    async def release(self, reservation: Reservation) -> None:
        await self._answer(f"release {reservation.address}")
        if why := self._book.refuses.get(reservation.address):
            raise SourceRefused(why)
        if reservation.address not in self._book.entries:
            return
        self._same(reservation)
        del self._book.entries[reservation.address]

    async def close(self) -> None:
        self.closed = True

    async def _answer(self, what: str, whose: str = "") -> None:
        self._book.asked.append(what)
        verb, beside = what.split()[0], self._under_way
        if beside and ({"", whose} & set(beside) or not whose):
            raise AssertionError(f"{what} is asked beside requests of {beside}")
        beside.append(whose)
        self.most_under_way = max(self.most_under_way, len(beside))
        try:
            if verb != "observe" and self._book.slow_s:
                await asyncio.sleep(self._book.slow_s)
            await asyncio.sleep(0.01)
        finally:
            beside.remove(whose)
        if self._book.away or verb in self._book.forbids:
            raise Unavailable(
                self._book.away or f"403: no right to {verb}", self._book.retry_after_s
            )

    async def _stands(self, entry: Reservation) -> Reservation:
        self._book.entries[entry.address] = self._owner, entry
        if self._book.lost:
            raise Unavailable("no answer within 5 s")
        return entry

    def _same(self, entry: Reservation) -> None:
        owner, standing = self._book.entries.get(entry.address, ("", None))
        if owner != self._owner or standing != entry:
            raise SourceRefused(f"{entry.address} was changed by somebody since it was read")

    def _free(self, key: ReservationKey, request: AddressRequest) -> Address:
        blocks = self._book.blocks or AddressSet()
        for first, last in blocks.of(key.family).spans:
            for number in range(first, last + 1):
                address = address_of(key.family, number)
                if address in self._book.entries:
                    continue
                if request.within is None or address in request.within:
                    return address
        raise SourceRefused(f"no {key.family} address is free")
