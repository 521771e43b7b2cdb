"""NetBox as the source of an Eip's addresses, or as the place where they are written down.

What makes it safe. Every entry names its owner (cluster, Eip, Service, family) in a custom field:
asked again, a reservation is looked up first. `available-ips` gives an address once, for NetBox
serves it under a lock; an address that is *asked for* is made by a plain POST, and entries of role
vip or anycast may stand twice. So after each POST the address is read again. Each of two that meet
there has written before it reads, so at most one of them can find itself alone: who is alone has
it; of those who are not, the lowest number looks again and the others take theirs back. The
reading says the same later: an address that stands twice is in `foreign` too, and not granted.

It never touches an entry that does not name this cluster and this Eip, and changes or deletes one
of its own only as it was read a moment before.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Final

from manager.adapters.ipam.calls import Access, Calls
from manager.adapters.ipam.netbox_codec import (
    ACTIVE,
    DEPRECATED,
    RESERVED,
    Entry,
    NetboxFields,
    changes,
    creation,
    is_set_aside,
    reservation,
    says,
)
from manager.adapters.ipam.netbox_entries import ADDRESSES, Entries
from manager.adapters.ipam.netbox_place import Place, find_place
from manager.ports import SourceRefused
from pointsman.api.eipsource import OnRelease
from pointsman.model.address import Address, Family
from pointsman.model.ranges import AddressSet, address_of
from pointsman.model.reservation import (
    AddressRequest,
    Holder,
    Reservation,
    ReservationKey,
    ReservationState,
    SourceOwner,
    SourceReading,
)

TRIES: Final = 8  # addresses of a limited Eip that are tried in one request, one after the other
LOOKS: Final = 6  # at an address that stands twice, for the other to take his back
LOOK_S: Final = 0.5


def scheme(token: str) -> str:
    """Return the Authorization of NetBox: of a v2 token, which names its key, or of a v1 token."""
    return f"Bearer {token}" if token.startswith("nbt_") else f"Token {token}"


class NetboxSource:
    """The entries of one Eip in NetBox. *sleep* waits between looks at a contested address."""

    def __init__(
        self,
        access: Access,
        fields: NetboxFields,
        owner: SourceOwner,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._calls = Calls(access, schemes=scheme)
        self._entries = Entries(self._calls, fields, monotonic=monotonic)
        self._fields, self._owner, self._sleep = fields, owner, sleep
        # Of the last reading. What is gone since, NetBox says when something is asked of it.
        self._place: Place | None = None
        # Where a limited Eip's search begins; each address is asked for before it is taken.
        self._taken: frozenset[Address] = frozenset()
        self._taking: set[Address] = set()  # by a call that has not ended

    async def close(self) -> None:
        await self._calls.close()

    async def observe(self) -> SourceReading:
        self._place = None
        place = await self._where()
        found = {one.id: one for one in await self._entries.inside(place)}
        found |= {one.id: one for one in await self._entries.beginning(self._owner.text)}
        entries = [found[number] for number in sorted(found)]
        ours = [one for one in entries if self._owner.owns(one.owner)]
        others = [
            one
            for one in entries
            if not self._owner.owns(one.owner) and place.blocks and one.address in place.blocks
        ]
        aside = {one.address for one in ours if is_set_aside(one, self._owner)}
        self._taken = frozenset(one.address for one in entries) - aside
        return SourceReading(
            blocks=place.blocks,
            reservations=tuple(
                reservation(one, self._owner, self._fields, place.vrf)
                for one in ours
                if not is_set_aside(one, self._owner)
            ),
            foreign={one.address: one.whose for one in reversed(others)},
        )

    async def reserve(self, key: ReservationKey, request: AddressRequest) -> Reservation:
        place = await self._where()
        text = self._owner.entry(key)
        for one in await self._entries.owned(text):
            if one.owner == text and one.vrf == place.vrf and _meets(one.address, request, place):
                await self._alone(one, place)
                held = reservation(one, self._owner, self._fields, place.vrf)
                wanted = held.state is ReservationState.HELD and held.holder == request.holder
                return held if wanted else await self.describe(held, key, request.holder)
        made = await self._take_any(key, request, place)
        return reservation(made, self._owner, self._fields, place.vrf)

    async def describe(
        self, reservation: Reservation, key: ReservationKey, holder: Holder
    ) -> Reservation:
        place = await self._where()
        owner = self._owner.entry(key)
        wanted = changes(owner, holder, ACTIVE, self._fields, place.vrf)
        one, version = await self._still_ours(reservation)
        if not says(one, wanted, self._fields):
            one = await self._entries.change(one.id, wanted, version)
        return _as_reservation(one, self._owner, self._fields, place.vrf)

    async def quarantine(self, reservation: Reservation) -> None:
        one, version = await self._still_ours(reservation)
        if one.status != DEPRECATED:  # `since` is when that began: it is not written again
            await self._entries.change(one.id, {"status": DEPRECATED}, version)

    async def release(self, reservation: Reservation) -> None:
        found = await self._entries.read(reservation.id)
        if found is None:
            return
        one, version = self._checked(reservation, found)
        if self._fields.on_release is OnRelease.RESERVE:
            body = changes(self._owner.text, Holder(()), RESERVED, self._fields, one.vrf)
            await self._entries.change(one.id, body | {"description": ""}, version)
        else:
            await self._entries.delete(one.id, version)

    async def _where(self) -> Place:
        if self._place is None:
            self._place = await find_place(self._calls, self._fields)
        return self._place

    async def _take_any(self, key: ReservationKey, request: AddressRequest, place: Place) -> Entry:
        """Return a new entry: of the address asked for, of one set aside, or of a free one."""
        if request.address is not None:
            return await self._take(request.address, key, request.holder, place)
        if place.blocks is None:
            raise SourceRefused(f"{self._calls.name} is told of addresses, and asked for none")
        if not place.blocks.of(key.family):
            raise SourceRefused(f"{place.title} of {self._calls.name} has no {key.family} address")
        if self._fields.on_release is OnRelease.RESERVE:
            for one in await self._entries.owned(self._owner.text, status=RESERVED):
                aside = is_set_aside(one, self._owner) and one.vrf == place.vrf
                aside = aside and one.address not in self._taking
                if aside and _meets(one.address, request, place):
                    return await self._take(one.address, key, request.holder, place)
        if request.within is not None and place.blocks - request.within:
            return await self._search(key, request, place)
        return await self._next_free(key, request.holder, place)

    async def _next_free(self, key: ReservationKey, holder: Holder, place: Place) -> Entry:
        body = creation(self._owner.entry(key), holder, self._fields, place.vrf)
        made = await self._entries.create(place.available, body, key)
        if made is None:
            raise SourceRefused(f"{place.title} of {self._calls.name} has no free address")
        await self._alone(made, place)
        return made

    async def _search(self, key: ReservationKey, request: AddressRequest, place: Place) -> Entry:
        """Take the lowest free address that the Eip allows: NetBox itself knows no such limit."""
        refusal = SourceRefused(
            f"{place.title} of {self._calls.name} has no free address that the Eip allows"
        )
        # Looked up for each: calls beside this one take some meanwhile.
        candidates = (
            one
            for one in _candidates(key.family, request.within, place.blocks)
            if one not in self._taken
        )
        for _, address in zip(range(TRIES), candidates, strict=False):
            self._taken |= {address}  # by us or by others; the next reading knows
            try:
                return await self._take(address, key, request.holder, place)
            except SourceRefused as error:
                refusal = error
        raise refusal

    async def _take(
        self, address: Address, key: ReservationKey, holder: Holder, place: Place
    ) -> Entry:
        """Make *address* ours: of an entry set aside for this Eip, or by a new one."""
        if address in self._taking:
            raise SourceRefused(f"{address} is just being taken for another Service")
        self._taking.add(address)
        try:
            return await self._take_alone(address, key, holder, place)
        finally:
            self._taking.discard(address)

    async def _take_alone(
        self, address: Address, key: ReservationKey, holder: Holder, place: Place
    ) -> Entry:
        if place.blocks is not None and address not in place.blocks:
            raise SourceRefused(f"{address} is not in {place.title} of {self._calls.name}")
        for one in await self._entries.at(address, place):
            if not is_set_aside(one, self._owner):
                raise SourceRefused(f"{address} is taken in NetBox by {one.whose}")
            aside = _as_reservation(one, self._owner, self._fields, place.vrf)
            described = await self.describe(aside, key, holder)
            found = await self._entries.read(described.id)
            if found is None:
                raise SourceRefused(f"entry {one.id} of NetBox is gone")
            return found[0]
        body = creation(self._owner.entry(key), holder, self._fields, place.vrf)
        body |= {"address": place.written(address)}
        made = await self._entries.create(ADDRESSES, body, key)
        if made is None:
            raise SourceRefused(f"{address} is not to be had in NetBox")
        await self._alone(made, place)
        return made

    async def _alone(self, mine: Entry, place: Place) -> None:
        """Return once no other entry stands at the address of *mine*.

        Raises:
            SourceRefused: another one does, and *mine* is taken back.
        """
        for look in range(LOOKS):
            others = [
                one for one in await self._entries.at(mine.address, place) if one.id != mine.id
            ]
            if not others:
                return
            if others[0].id < mine.id:
                break
            if look + 1 < LOOKS:
                await self._sleep(LOOK_S)
        await self._entries.delete(mine.id)
        raise SourceRefused(f"{mine.address} was taken in NetBox by {others[0].whose} meanwhile")

    async def _still_ours(self, reservation: Reservation) -> tuple[Entry, str]:
        found = await self._entries.read(reservation.id)
        if found is None:
            raise SourceRefused(f"entry {reservation.id} of NetBox is gone")
        return self._checked(reservation, found)

    def _checked(self, reservation: Reservation, found: tuple[Entry, str]) -> tuple[Entry, str]:
        one, _ = found
        if not self._owner.owns(one.owner):
            raise SourceRefused(f"the entry is no longer ours: it is {one.whose}")
        if one.address != reservation.address or self._owner.key(one.owner) != reservation.key:
            raise SourceRefused(f"somebody changed entry {one.id} of NetBox meanwhile")
        return found


_as_reservation = reservation


def _meets(address: Address, request: AddressRequest, place: Place) -> bool:
    if request.address is not None:
        return address == request.address
    allowed = request.within is None or address in request.within
    return allowed and (place.blocks is None or address in place.blocks)


def _candidates(
    family: Family,
    within: AddressSet | None,
    blocks: AddressSet | None,
) -> Iterator[Address]:
    """Yield the addresses that the Eip and NetBox allow, from the lowest."""
    if within is None or blocks is None:
        return
    allowed, given = within.of(family), blocks.of(family)
    number = allowed.at_or_after(0)
    while number is not None:
        in_place = given.at_or_after(number)
        if in_place is None:
            return
        if in_place == number:
            yield address_of(family, number)
        number = allowed.at_or_after(max(in_place, number + 1 if in_place == number else 0))
