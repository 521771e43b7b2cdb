"""The IP addresses of a NetBox: found, made, changed and deleted, each by one request.

A change is sent with the version that was read (If-Match, NetBox 4.6 and newer; an older one names
no version, and then the last writer wins). It decides nothing about whose an entry is.
"""

import time
from collections.abc import Callable
from typing import Final

from manager.adapters.ipam.calls import Answer, Calls, Json, Query, Unanswered, first_fault
from manager.adapters.ipam.netbox_codec import READ, Entry, NetboxFields, entry
from manager.adapters.ipam.netbox_place import Place
from manager.ports import SourceRefused
from pointsman.model.address import Address
from pointsman.model.reservation import ReservationKey
from pointsman.runtime.target import Unavailable

ADDRESSES: Final = "/api/ipam/ip-addresses/"
PAGE: Final = "1000"  # NetBox's own MAX_PAGE_SIZE, unless somebody changed it
# As long as NetBox's gunicorn lets a request work before it kills the worker (timeout = 120).
SETTLE_S: Final = 120.0
# What NetBox complains of when it isn't this one address: the Eip's fields, or NetBox's own.
OF_ALL: Final = frozenset({"custom_fields", "tenant", "tags", "role", "status", "vrf"})


class Entries:
    """NetBox's IP addresses, as *fields* of an Eip read them."""

    def __init__(
        self, calls: Calls, fields: NetboxFields, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._calls, self._fields, self._monotonic = calls, fields, monotonic
        # When a request for a key that was sent and not answered must have ended.
        self._ended_at: dict[ReservationKey, float] = {}

    async def owned(self, owner: str, *, status: str = "") -> list[Entry]:
        """Return the entries of *owner*, by their number; maybe such that begin with it, too.

        Raises:
            Unavailable: NetBox passes the filter over, and would show every address there is.
        """
        query = [(f"cf_{self._fields.owner_field}", owner)]
        query += [("status", status)] if status else []
        found = await self._list(query, expected=owner)
        return [one for one in found if one.owner.startswith(owner)]

    async def beginning(self, owner: str) -> list[Entry]:
        """Return the entries whose owner begins with *owner*, by their number.

        A custom field's filter is loose, and then finds what contains the text; or exact, and then
        NetBox has one for the beginning beside it, which it passes over where it is loose.
        """
        found = await self.owned(owner)
        if any(one.owner != owner for one in found):
            return found
        query = [(f"cf_{self._fields.owner_field}__isw", owner)]
        first = await self._page([*query, ("limit", "1"), ("fields", READ)])
        one_result = self._results(first)
        if not one_result or not one_result[0].owner.startswith(owner):
            return found
        return await self._list(query, expected=owner)

    async def inside(self, place: Place) -> list[Entry]:
        """Return all entries in the networks of *place*."""
        if not place.parents:
            return []
        parents = [("parent", network) for network in place.parents]
        return await self._list([*parents, place.vrf_query])

    async def at(self, address: Address, place: Place) -> list[Entry]:
        """Return the entries of *address*, whatever their mask, by their number."""
        found = await self._list([("address", str(address)), place.vrf_query])
        return [one for one in found if one.address == address]

    async def read(self, number: str) -> tuple[Entry, str] | None:
        """Return the entry and its version ("": NetBox names none); None: it is gone."""
        answered = await self._calls.call("GET", f"{ADDRESSES}{int(number)}/")
        if answered.status == 404:
            return None
        if not answered.ok:
            raise Unavailable(f"{self._calls.name} shows no entry {number}: {answered.message}")
        return self._entry(answered.body), answered.etag

    async def create(self, path: str, body: Json, key: ReservationKey) -> Entry | None:
        """Return the entry that is made by a POST to *path*; None: there is no free address.

        After a request that was not answered none is sent for *key* until that one has ended: only
        then a look-up tells whether it made an entry.

        Raises:
            SourceRefused: NetBox does not take this one, or has yet to end the one before.
            Unavailable: it takes none, or does not answer.
        """
        if (left_s := self._ended_at.get(key, 0.0) - self._monotonic()) > 0:
            raise SourceRefused(
                f"{self._calls.name} left the reservation unanswered, and may yet make it; in "
                f"{left_s:.0f} s it is asked again"
            )
        try:
            answered = await self._calls.call("POST", path, body=body)
        except Unanswered:
            self._ended_at[key] = self._monotonic() + SETTLE_S
            raise
        self._ended_at.pop(key, None)
        if answered.status == 409:
            return None
        if not answered.ok:
            raise self._refused(answered)
        return self._entry(answered.body)

    async def change(self, number: int, body: Json, version: str) -> Entry:
        """Return the entry as *body* leaves it.

        Raises:
            SourceRefused: somebody changed or deleted it meanwhile, or NetBox takes no such entry.
        """
        path = f"{ADDRESSES}{number}/"
        answered = await self._calls.call("PATCH", path, body=body, if_match=version)
        if not answered.ok:
            raise self._refused(answered, number)
        return self._entry(answered.body)

    async def delete(self, number: int, version: str = "") -> None:
        """Delete an entry; gone already is fine.

        Raises:
            SourceRefused: somebody changed it meanwhile.
        """
        path = f"{ADDRESSES}{number}/"
        answered = await self._calls.call("DELETE", path, if_match=version)
        if not answered.ok and answered.status != 404:
            raise self._refused(answered, number)

    def _refused(self, answered: Answer, number: int = 0) -> SourceRefused | Unavailable:
        if answered.status == 412:
            return SourceRefused(f"somebody changed entry {number} of NetBox meanwhile")
        if answered.status == 404:
            return (
                SourceRefused(f"entry {number} of NetBox is gone")
                if number
                else Unavailable(f"{self._calls.name} has no such prefix or range any more")
            )
        text = f"{self._calls.name} does not take the entry: {answered.message}"
        body = answered.body if isinstance(answered.body, dict) else {}
        return Unavailable(text) if OF_ALL & body.keys() else SourceRefused(text)

    async def _list(self, query: Query, *, expected: str = "") -> list[Entry]:
        """Return all that *query* finds, page by page, in the order of their numbers.

        Each page begins after the last number of the one before: an entry that is made or deleted
        meanwhile moves no other out of sight. *expected* is in the owner of each.
        """
        found: list[Entry] = []
        more = True
        while more:
            after = [("id__gt", str(found[-1].id))] if found else []
            paging = [("limit", PAGE), ("ordering", "id"), ("fields", READ)]
            page = await self._page([*query, *after, *paging])
            results = self._results(page)
            last = found[-1].id if found else 0
            if any(one.id <= last for one in results):
                raise self._calls.garbled("it lists the same IP addresses again")
            if any(expected.lower() not in one.owner.lower() for one in results):
                raise Unavailable(
                    f"{self._calls.name} has no custom field '{self._fields.owner_field}' to find "
                    "entries by: make one of type text, of IP addresses, with filter logic exact"
                )
            found += results
            more = bool(results) and page.get("next") is not None
        return found

    def _results(self, page: Json) -> list[Entry]:
        results = page.get("results")
        if not isinstance(results, list):
            raise self._calls.garbled("it lists no IP addresses: is this NetBox?")
        return [self._entry(one) for one in results]

    async def _page(self, query: Query) -> Json:
        answered = await self._calls.call("GET", ADDRESSES, query=query)
        if not answered.ok:
            raise Unavailable(f"{self._calls.name} lists no IP addresses: {answered.message}")
        return self._calls.as_object(answered.body)

    def _entry(self, value: object) -> Entry:
        try:
            return entry(value, self._fields.owner_field)
        except ValueError as error:
            raise self._calls.garbled(first_fault(error)) from error
