"""An IPAM behind our own HTTP contract: for whoever has Infoblox, phpIPAM or a spreadsheet.

The contract. Bodies are JSON, in UTF-8; `Authorization: Bearer TOKEN` comes with every request if
the Eip names a token. URL is `source.webhook.url`. OWNER is text: CLUSTER/EIP/SERVICEUID/FAMILY.

    GET URL/reservations?owner=CLUSTER/EIP
        200 {"addresses": ["192.0.2.0/24", "192.0.2.10-192.0.2.20"],   what may be given
             "reservations": [RESERVATION, ...],      those whose owner begins with CLUSTER/EIP/
             "foreign": [{"address": "192.0.2.9", "holder": "who has it"}, ...]}   all others there

    POST URL/reservations
        {"owner": OWNER, "family": "IPv4", "state": "held", "services": ["red/web"],
         "dnsName": "web.example.com", "address": "192.0.2.7", "within": ["192.0.2.0/28"],
         "from": OWNER}                                  the last three may be absent
        200 RESERVATION
        409 {"message": "why not"}

    DELETE URL/reservations/ID?owner=OWNER
        204, or 404: it is gone already
        409 {"message": "why not"}: it belongs to another owner

    RESERVATION = {"id": "7", "address": "192.0.2.7", "owner": OWNER, "state": "held",
                   "services": ["red/web"], "dnsName": "", "since": "2026-11-29T18:00:00Z"}

What a POST means. With `address`: that one; without: the one that OWNER has already (if it lies
`within`), else the lowest of the family that is free, and lies `within`. If OWNER has it already,
the same reservation is returned, with `state`, `services` and `dnsName` as they are in this body
(so a request that was repeated reserves nothing twice). If another owner has it: 409, but where
`from` names that very owner, it changes hands. `state` is held or quarantined: released, but not to
be given to anybody yet. `since` is when `state` changed. One address has one owner: requests are
served one after the other, or in transactions.

Every other answer to a POST or DELETE from 400 on concerns that request only, but 401, 403, 429 and
those from 500 on: they, or no answer, mean that the server cannot be used now, and everything that
is held stays. After 429 and 503 `Retry-After` (seconds) is heeded.
"""

from typing import Final
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, alias_generators

from manager.adapters.ipam.calls import Access, Answer, Calls, Json, first_fault
from manager.ports import SourceRefused
from pointsman.model.address import Address
from pointsman.model.printable import clipped
from pointsman.model.ranges import AddressSet, read_address, read_union, span_text
from pointsman.model.reservation import (
    AddressRequest,
    Holder,
    Reservation,
    ReservationKey,
    ReservationState,
    SourceOwner,
    SourceReading,
)

RESERVATIONS: Final = "/reservations"


class _Wire(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="ignore", alias_generator=alias_generators.to_camel
    )


class _Entry(_Wire):
    id: str
    address: str
    owner: str
    state: ReservationState = ReservationState.HELD
    services: tuple[str, ...] = ()
    dns_name: str = ""
    since: str = ""


class _Foreign(_Wire):
    address: str
    holder: str = ""


class _Listing(_Wire):
    addresses: tuple[str, ...]
    reservations: tuple[_Entry, ...]
    foreign: tuple[_Foreign, ...] = ()


class WebhookSource:
    """A server that speaks the contract above."""

    def __init__(self, access: Access, owner: SourceOwner) -> None:
        self._calls = Calls(access, schemes=lambda token: f"Bearer {token}")
        self._owner = owner

    async def close(self) -> None:
        await self._calls.close()

    async def observe(self) -> SourceReading:
        answered = await self._calls.call("GET", RESERVATIONS, query=[("owner", self._owner.text)])
        if not answered.ok:
            raise self._calls.garbled(f"it lists no reservations: {answered.message}")
        try:
            listing = _Listing.model_validate(answered.body)
            blocks = read_union(listing.addresses)
            entries = [(self._reservation(one), one.owner) for one in listing.reservations]
            foreign = {read_address(one.address): one.holder for one in listing.foreign}
        except ValueError as error:
            raise self._calls.garbled(first_fault(error)) from error
        foreign |= {one.address: text for one, text in entries if not self._owner.owns(text)}
        return SourceReading(
            blocks=blocks,
            reservations=tuple(one for one, text in entries if self._owner.owns(text)),
            foreign={address: clipped(holder) for address, holder in foreign.items()},
        )

    async def reserve(self, key: ReservationKey, request: AddressRequest) -> Reservation:
        body = self._body(key, request.holder, ReservationState.HELD)
        if request.address is not None:
            body["address"] = str(request.address)
        if request.within is not None:
            spans = request.within.of(key.family).spans
            body["within"] = [span_text(key.family, *span) for span in spans]
        made = await self._post(body)
        wanted = request.address in (None, made.address)
        if made.key != key or not wanted or not _allowed(made.address, request.within):
            raise self._calls.garbled(f"it gave {made.address}, which was not asked for")
        return made

    async def describe(
        self, reservation: Reservation, key: ReservationKey, holder: Holder
    ) -> Reservation:
        body = self._body(key, holder, ReservationState.HELD)
        body |= {
            "address": str(reservation.address),
            "from": self._owner.entry(reservation.key),
        }
        return await self._post(body)

    async def quarantine(self, reservation: Reservation) -> None:
        body = self._body(reservation.key, reservation.holder, ReservationState.QUARANTINED)
        await self._post(body | {"address": str(reservation.address)})

    async def release(self, reservation: Reservation) -> None:
        answered = await self._calls.call(
            "DELETE",
            f"{RESERVATIONS}/{quote(reservation.id, safe='')}",
            query=[("owner", self._owner.entry(reservation.key))],
        )
        if not answered.ok and answered.status != 404:
            raise self._refused(answered)

    def _body(self, key: ReservationKey | None, holder: Holder, state: ReservationState) -> Json:
        return {
            "owner": self._owner.entry(key),
            "state": state.value,
            "services": list(holder.services),
            "dnsName": holder.dns_name,
        } | ({} if key is None else {"family": key.family.value})

    async def _post(self, body: Json) -> Reservation:
        answered = await self._calls.call("POST", RESERVATIONS, body=body)
        if not answered.ok:
            raise self._refused(answered)
        try:
            return self._reservation(_Entry.model_validate(answered.body))
        except ValueError as error:
            raise self._calls.garbled(first_fault(error)) from error

    def _reservation(self, entry: _Entry) -> Reservation:
        return Reservation(
            id=entry.id,
            address=read_address(entry.address),
            key=self._owner.key(entry.owner),
            state=entry.state,
            holder=Holder(entry.services, entry.dns_name),
            since=entry.since,
        )

    def _refused(self, answered: Answer) -> SourceRefused:
        return SourceRefused(f"{self._calls.name} refuses: {answered.message}")


def _allowed(address: Address, within: AddressSet | None) -> bool:
    return within is None or address in within
