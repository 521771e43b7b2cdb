"""A strict NetBox over HTTP, with state: as much of 4.6 and newer as addresses need.

Writes of addresses are served one after the other (NetBox holds one lock for them), each page has
`max_page_size` entries at most, filters that it doesn't know are passed over, a POST to
ip-addresses may write an address of role vip twice. `faults` answer in its place; `events` counts
what was asked, `most_under_way` how much of it at once. Started by itself it serves until it is
ended: python -m tests.fakes.netbox.
"""

import argparse
import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ssl import SSLContext
from typing import Any, Final

from aiohttp import web

from tests.fakes.netbox_filters import chosen, matching
from tests.fakes.netbox_store import Full, Invalid, Json, Row, Store
from tests.fakes.netbox_users import NO_PERMISSION, StatusError, User

ADMIN: Final = "nbt_admin.0000000000000000000000000000000000000000"
ACTIONS: Final = {"GET": "view", "POST": "add", "PATCH": "change", "DELETE": "delete"}
KINDS: Final = {
    "ipam/vrfs": ("vrfs", "vrf"),
    "ipam/prefixes": ("prefixes", "prefix"),
    "ipam/ip-ranges": ("ip-ranges", "iprange"),
    "tenancy/tenants": ("tenants", "tenant"),
    "extras/tags": ("tags", "tag"),
    "extras/custom-fields": ("custom-fields", "customfield"),
}
Fault = Callable[[web.Request], Awaitable[web.StreamResponse | None]]
Serve = Callable[[], Awaitable[web.StreamResponse]]


@dataclass(slots=True)
class FakeNetbox:
    """The server's state. A fault is asked before the request is served: a response stands for it.

    *after*: is asked with the response when the request was carried out; its answer goes out.
    *commits*: as NetBox before 4.6, which holds no lock for a POST to ip-addresses: an entry has
    its number, and is seen by others only once this has ended.
    """

    store: Store = field(default_factory=Store)
    max_page_size: int = 1000
    with_etags: bool = True
    users: dict[str, User] = field(default_factory=lambda: {ADMIN: User()})
    before: Fault | None = None
    after: Callable[[web.Request, web.StreamResponse], Awaitable[web.StreamResponse]] | None = None
    commits: Callable[[], Awaitable[None]] | None = None
    events: list[tuple[str, str]] = field(default_factory=list)
    under_way: int = 0
    most_under_way: int = 0
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.events.append((request.method, request.path))
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            response = await self.before(request) if self.before else None
            if response is None:
                # A server works on when its client goes away.
                response = await asyncio.shield(asyncio.ensure_future(self._answer(request)))
                if self.after is not None:
                    response = await self.after(request, response)
            return response
        finally:
            self.under_way -= 1

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        try:
            return await self._served(request)
        except Invalid as error:
            return _json(error.errors, 400)
        except Full:
            text = "Insufficient resources are available to satisfy the request"
            return _json({"detail": text}, 409)
        except StatusError as error:
            return _json({"detail": error.detail}, error.status)

    async def _served(self, request: web.Request) -> web.StreamResponse:
        if not request.path.startswith("/api/") or not request.path.endswith("/"):
            page = "<html>Page Not Found</html>"
            return web.Response(text=page, status=404, content_type="text/html")
        user = self._user(request)
        app, _, rest = request.path.removeprefix("/api/").strip("/").partition("/")
        collection, *more = rest.split("/")
        name = f"{app}/{collection}"
        body = await _body(request)
        if name == "ipam/ip-addresses" and len(more) <= 1:
            self._permit(user, request.method, "ipaddress")
            if request.method == "GET":
                return self._read(request, more)
            if request.method == "POST" and not more and self.commits is not None:
                row = self.store.create(_one_object(body), user.guard)
                del self.store.rows[row.id]
                await self.commits()
                self.store.rows[row.id] = row
                return self._one(self.store.shown(row), row, 201)
            async with self._lock:
                return self._write(request, more, body, user)
        if name in KINDS and len(more) == 2 and more[1] == "available-ips":
            self._permit(user, "GET", KINDS[name][1])
            self._permit(user, "POST", "ipaddress")
            async with self._lock:
                return self._available(request, KINDS[name][0], more[0], body, user)
        if name in KINDS and len(more) <= 1:
            self._permit(user, request.method, KINDS[name][1])
            return self._other(request, KINDS[name][0], more, body)
        raise StatusError(404, "Not found.")

    def _user(self, request: web.Request) -> User:
        keyword, _, token = request.headers.get("Authorization", "").partition(" ")
        if not keyword:  # NetBox asks for a session first, so this is no 401
            raise StatusError(403, "Authentication credentials were not provided.")
        if keyword not in ("Bearer", "Token") or token not in self.users:
            raise StatusError(403, f"Invalid v{2 if token.startswith('nbt_') else 1} token")
        return self.users[token]

    def _permit(self, user: User, method: str, model: str) -> None:
        if method not in ACTIONS:
            raise StatusError(405, f'Method "{method}" not allowed.')
        if user.may is not None and f"{ACTIONS[method]} {model}" not in user.may:
            raise StatusError(403, NO_PERMISSION)

    def _read(self, request: web.Request, more: list[str]) -> web.Response:
        query = list(request.query.items())
        if more:
            row = self._row(more[0])
            return self._one(chosen(self.store.shown(row), query), row)
        found = matching(self.store, query)
        limit = int(request.query.get("limit", "50"))
        limit = min(limit or self.max_page_size, self.max_page_size)
        offset = int(request.query.get("offset", "0"))
        page = found[offset : offset + limit]
        following = request.url.update_query(limit=limit, offset=offset + limit)
        return _json(
            {
                "count": len(found),
                "next": str(following) if offset + limit < len(found) else None,
                "previous": None,
                "results": [chosen(self.store.shown(row), query) for row in page],
            }
        )

    def _write(self, request: web.Request, more: list[str], body: Any, user: User) -> web.Response:
        if request.method == "POST":
            if more:
                raise StatusError(405, 'Method "POST" not allowed.')
            row = self.store.create(_one_object(body), user.guard)
            return self._one(self.store.shown(row), row, 201)
        if not more:
            raise StatusError(405, f'Method "{request.method}" not allowed.')
        row = self._row(more[0])
        if not user.owner_of(row):
            raise StatusError(404, "No IPAddress matches the given query.")
        expected = [one.strip() for one in request.headers.get("If-Match", "*").split(",")]
        if self.with_etags and expected != ["*"] and row.etag not in expected:
            failed = _json({"detail": "Precondition failed."}, 412)
            failed.headers["ETag"] = row.etag
            return failed
        if request.method == "DELETE":
            del self.store.rows[row.id]
            return web.Response(status=204)
        row = self.store.change(row, _one_object(body), user.guard)
        return self._one(self.store.shown(row), row)

    def _available(
        self, request: web.Request, kind: str, number: str, body: Any, user: User
    ) -> web.Response:
        if not number.isdecimal() or int(number) not in self.store.others[kind]:
            raise StatusError(404, "No such object matches the given query.")
        if request.method == "GET":
            free = self.store.free(kind, self.store.others[kind][int(number)])
            return _json([{"address": str(one)} for one, _ in zip(free, range(50), strict=False)])
        return _json(
            self.store.shown(self.store.take(kind, int(number), _one_object(body), user.guard)), 201
        )

    def _other(self, request: web.Request, kind: str, more: list[str], body: Any) -> web.Response:
        there = self.store.others[kind]
        if request.method == "POST":
            return _json(self.store.add(kind, _one_object(body)), 201)
        if more:
            if not more[0].isdecimal() or int(more[0]) not in there:
                raise StatusError(404, f"No {kind} matches the given query.")
            if request.method == "DELETE":
                del there[int(more[0])]
                return web.Response(status=204)
            if request.method == "PATCH":
                there[int(more[0])].update(_one_object(body))
            return _json(there[int(more[0])])
        found = [one for one in there.values() if _fits(one, request)]
        return _json({"count": len(found), "next": None, "previous": None, "results": found})

    def _row(self, number: str) -> Row:
        if not number.isdecimal() or int(number) not in self.store.rows:
            raise StatusError(404, "No IPAddress matches the given query.")
        return self.store.rows[int(number)]

    def _one(self, body: Json, row: Row, status: int = 200) -> web.Response:
        response = _json(body, status)
        if self.with_etags:
            response.headers["ETag"] = row.etag
        return response


def _json(body: Any, status: int = 200) -> web.Response:
    return web.json_response(body, status=status)


async def _body(request: web.Request) -> Any:
    if "application/json" not in request.headers.get("Accept", ""):
        raise StatusError(406, "Could not satisfy the request Accept header.")
    raw = await request.read()
    if not raw:
        return None
    if request.content_type != "application/json":
        raise StatusError(415, f'Unsupported media type "{request.content_type}" in request.')
    try:
        return json.loads(raw)
    except ValueError as error:
        raise StatusError(400, f"JSON parse error - {error}") from error


def _one_object(body: Any) -> Json:
    if not isinstance(body, dict):
        raise Invalid(non_field_errors=["Invalid data. Expected a dictionary."])
    return body


def _fits(one: Json, request: web.Request) -> bool:
    """Whether *one*, of another kind than an address, passes the filters of the query."""
    for name, value in request.query.items():
        if name == "vrf_id":
            there = one.get("vrf")
            if value != ("null" if there is None else str(there["id"])):
                return False
        elif name in ("start_address", "end_address"):
            if one.get(name, "").partition("/")[0] != value.partition("/")[0]:
                return False
        elif name in ("name", "slug", "rd", "prefix") and one.get(name) != value:
            return False
    return True


@asynccontextmanager
async def serving(
    fake: FakeNetbox, *, host: str = "127.0.0.1", port: int = 0, tls: SSLContext | None = None
) -> AsyncIterator[str]:
    """Serve *fake* while the context lasts; yield its URL."""
    app = web.Application(client_max_size=1 << 26)
    app.router.add_route("*", "/{path:.*}", fake.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, host, port, ssl_context=tls).start()
    try:
        bound = runner.addresses[0][1]
        yield f"http{'s' if tls else ''}://{host}:{bound}"
    finally:
        await runner.cleanup()


async def _serve(host: str, port: int) -> None:
    async with serving(FakeNetbox(), host=host, port=port) as url:
        print(url, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Serve a fake NetBox; its token is ADMIN.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    asked = parser.parse_args()
    asyncio.run(_serve(asked.host, asked.port))
