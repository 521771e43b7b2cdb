"""A server of our own IPAM contract, strict: what the contract does not allow is a 400.

Ours to test with; the contract stands in manager/adapters/ipam/webhook.py.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

from aiohttp import web

from pointsman.model.address import Address, Family, family_of
from pointsman.model.ranges import address_of, read_address, read_union

TOKEN: Final = "webhook-token"
NEEDED: Final = {"owner": str, "family": str, "state": str, "services": list, "dnsName": str}
ALLOWED: Final = {*NEEDED, "address", "within", "from"}
STATES: Final = ("held", "quarantined")
Json = dict[str, Any]
Fault = Callable[[web.Request], Awaitable[web.StreamResponse | None]]


class Refusal(Exception):
    """What a request is answered with: a status, and why."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


@dataclass(slots=True)
class FakeWebhook:
    """Reservations by address. A fault is asked first: a response stands for the answer."""

    blocks: tuple[str, ...] = ()
    entries: dict[Address, Json] = field(default_factory=dict)
    fault: Fault | None = None
    after: Callable[[web.Request, web.StreamResponse], Awaitable[web.StreamResponse]] | None = None
    events: list[tuple[str, str]] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.events.append((request.method, request.path))
        try:
            if self.fault and (response := await self.fault(request)) is not None:
                return response
            if request.headers.get("Authorization") != f"Bearer {TOKEN}":
                raise Refusal(401, "no such token")
            response = await self._answer(request)
            return response if self.after is None else await self.after(request, response)
        except Refusal as error:
            return web.json_response({"message": error.message}, status=error.status)

    async def _answer(self, request: web.Request) -> web.Response:
        collection, _, number = request.path.removeprefix("/").partition("/")
        if collection != "reservations":
            raise Refusal(404, f"nothing is at {request.path}")
        match request.method, number:
            case "GET", "":
                return web.json_response(self._listed(request.query["owner"]))
            case "POST", "":
                return web.json_response(self._reserve(_checked(await request.json())))
            case "DELETE", _ if number:
                self._release(number, request.query["owner"])
                return web.Response(status=204)
        raise Refusal(405, f"no {request.method}")

    def _listed(self, owner: str) -> Json:
        ours = [one for one in self.entries.values() if one["owner"].startswith(f"{owner}/")]
        return {
            "addresses": list(self.blocks),
            "reservations": ours,
            "foreign": [
                {"address": one["address"], "holder": one["owner"]}
                for one in self.entries.values()
                if one not in ours
            ],
        }

    def _reserve(self, body: Json) -> Json:
        address = self._chosen(body)
        there = self.entries.get(address)
        if there is not None and there["owner"] not in (body["owner"], body.get("from")):
            raise Refusal(409, f"{address} belongs to {there['owner']}")
        made = there or {"id": f"n/{next(self._numbers)}", "address": str(address)}
        since = there["since"] if there and there["state"] == body["state"] else None
        self.entries[address] = {
            **made,
            **{name: body[name] for name in ("owner", "state", "services", "dnsName")},
            "since": since or f"2026-11-29T12:00:{next(self._numbers) % 60:02d}Z",
        }
        return self.entries[address]

    def _chosen(self, body: Json) -> Address:
        blocks = read_union(self.blocks)
        if "address" in body:
            if (address := read_address(body["address"])) not in blocks:
                raise Refusal(409, f"{address} is not ours to give")
            return address
        family = Family(body["family"])
        within = read_union(tuple(body["within"])) if "within" in body else blocks
        for address, one in self.entries.items():
            if one["owner"] == body["owner"] and address in within and family_of(address) is family:
                return address
        allowed, given = within.of(family), blocks.of(family)
        for first, last in given.spans:
            for number in range(first, last + 1):
                if number in allowed and address_of(family, number) not in self.entries:
                    return address_of(family, number)
        raise Refusal(409, "all addresses are taken")

    def _release(self, number: str, owner: str) -> None:
        for address, one in list(self.entries.items()):
            if one["id"] == number:
                if one["owner"] != owner:
                    raise Refusal(409, f"it belongs to {one['owner']}")
                del self.entries[address]
                return
        raise Refusal(404, "no such reservation")


def _checked(body: Any) -> Json:
    if not isinstance(body, dict) or not body.keys() <= ALLOWED:
        raise Refusal(400, f"no such fields: {body}")
    for name, kind in NEEDED.items():
        if not isinstance(body.get(name), kind):
            raise Refusal(400, f"{name} is missing or no {kind.__name__}")
    if body["state"] not in STATES or body["owner"].count("/") != 3:
        raise Refusal(400, "no such state, or no owner")
    return body


@asynccontextmanager
async def serving(fake: FakeWebhook) -> AsyncIterator[str]:
    """Serve *fake* while the context lasts; yield its URL."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", fake.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
