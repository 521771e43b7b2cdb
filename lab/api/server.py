"""HTTP over the store: paths to kinds, verbs to deeds, errors to Status objects."""

import contextlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import yaml
from aiohttp import web

from lab.api import discovery, openapi, patch, tables
from lab.api.allocator import Stocks
from lab.api.builtins import builtin_kinds
from lab.api.crd import GROUP, crd_kind, declared
from lab.api.errors import (
    ApiError,
    bad_request,
    method_not_allowed,
    no_such_path,
    not_found,
    unsupported_media,
)
from lab.api.faults import Fault, Faults, Stats
from lab.api.kinds import Kind, Object
from lab.api.reads import Options, Page, Reader, line, parse
from lab.api.services import service_kind
from lab.api.store import Record, Store, encode
from lab.api.writes import Caller, Patch, Writer

MAX_BODY: Final = 3 * 1024 * 1024  # the real server's own limit
WRITES: Final = ("create", "update", "patch", "delete")


@dataclass(frozen=True, slots=True)
class Target:
    """What a path names."""

    kind: Kind
    namespace: str
    name: str
    subresource: str

    @property
    def resource(self) -> str:
        return f"{self.kind.plural}/{self.subresource}" if self.subresource else self.kind.plural


class Api:
    """The stand-in: state, and what to do with a request. One event loop, no locks needed."""

    def __init__(self, *, ring: int = 4096, bookmark_s: float = 60.0) -> None:
        self.store = Store(ring=ring)
        self.faults, self.stats = Faults(), Stats()
        self.reader = Reader(self.store, bookmark_s=bookmark_s)
        fixed = [*builtin_kinds(), service_kind(Stocks()), crd_kind()]
        self._kinds = {(k.group, k.version, k.plural): k for k in fixed}
        for kind in fixed:
            self.store.table((kind.group, kind.plural)).floor = 0
        namespaces = self._kinds["", "v1", "namespaces"]
        self.writer = Writer(self.store, namespaces, self.kinds)
        for name in ("default", "kube-system"):
            body = {"metadata": {"name": name}}
            self.writer.create(namespaces, "", body, caller=Caller("standin"))

    def kinds(self) -> list[Kind]:
        return list(self._kinds.values())

    def serve_crd(self, crd: Object) -> None:
        """Make what *crd* declares known; called after each write of it."""
        spec = crd["spec"]
        group, plural = spec["group"], spec["names"]["plural"]
        for key in [k for k in self._kinds if (k[0], k[2]) == (group, plural)]:
            del self._kinds[key]
        for kind in declared(crd):
            self._kinds[kind.group, kind.version, kind.plural] = kind
        self.store.table((group, plural))

    def forget_crd(self, crd: Object) -> None:
        """Remove a CRD's objects, then the kind: what deleting a CRD does."""
        spec = crd["spec"]
        group, plural = spec["group"], spec["names"]["plural"]
        kinds = [k for k in self._kinds.values() if (k.group, k.plural) == (group, plural)]
        for key in list(self.store.table((group, plural)).records) if kinds else []:
            self.writer.remove(kinds[0], key)
        for kind in kinds:
            del self._kinds[kind.group, kind.version, kind.plural]
        self.store.drop((group, plural))

    def target(self, path: str) -> Target:
        """Raises:
        ApiError: 404, nothing has this path.
        """
        parts = path.strip("/").split("/")
        if parts[0] == "api" and len(parts) > 2:
            group, version, rest = "", parts[1], parts[2:]
        elif parts[0] == "apis" and len(parts) > 3:
            group, version, rest = parts[1], parts[2], parts[3:]
        else:
            raise no_such_path()
        namespace = ""
        if rest[0] == "namespaces" and len(rest) > 2 and (group, version, rest[2]) in self._kinds:
            namespace, rest = rest[1], rest[2:]
        kind = self._kinds.get((group, version, rest[0]))
        if kind is None or len(rest) > 3 or (namespace and not kind.namespaced):
            raise no_such_path()
        name, sub = [*rest, "", ""][1:3]
        if sub and (sub != "status" or not kind.has_status):
            raise no_such_path()
        if name and kind.namespaced and not namespace:
            raise no_such_path()
        return Target(kind, namespace, name, sub)

    # --- requests -------------------------------------------------------------------------

    async def handle(self, request: web.Request) -> web.StreamResponse:
        try:
            response = await self._route(request)
        except ApiError as error:
            headers = {}
            if seconds := error.details.get("retryAfterSeconds"):
                headers["Retry-After"] = str(seconds)
            response = answer(error.status(), code=error.code, headers=headers)
        self.stats.codes[str(response.status)] += 1
        return response

    async def _route(self, request: web.Request) -> web.StreamResponse:
        path = request.path
        if path in ADMIN:
            return await ADMIN[path](self, request)
        if (static := self._static(path)) is not None:
            return answer(static)
        target = self.target(path)
        options = (
            parse(request.query, target.kind, target.name) if request.method == "GET" else None
        )
        verb = self._verb(request, target, options)
        self.stats.request(verb, target.resource)
        if fault := self.faults.take("watch" if verb == "watch" else request.method, path):
            raise fault
        if options and verb == "watch":
            return await self._watch(request, target, options)
        if options and verb == "list":
            return self._list(request, target, options)
        if verb == "get":
            return self._get(request, target)
        return await self._write(request, target, verb)

    def _static(self, path: str) -> Object | None:
        parts = path.strip("/").split("/")
        kinds = self.kinds()
        if path in ("/healthz", "/livez", "/readyz"):
            return {"status": "ok"}
        if path == "/version":
            return dict(discovery.VERSION)
        if parts == ["api"]:
            return discovery.core_versions()
        if parts == ["apis"]:
            return discovery.groups(kinds)
        if parts == ["openapi", "v3"]:
            return openapi.index(kinds)
        if parts[:2] == ["openapi", "v3"]:
            parts = parts[2:]
            gv = ("", parts[1]) if parts[0] == "api" else (parts[1], parts[-1])
            return openapi.document(*gv, kinds) if self._serves(*gv) else None
        if parts[0] == "api" and len(parts) == 2 and self._serves("", parts[1]):
            return discovery.resources("", parts[1], kinds)
        if parts[0] == "apis" and len(parts) == 2 and any(k.group == parts[1] for k in kinds):
            return {"kind": "APIGroup", "apiVersion": "v1"} | discovery.group(parts[1], kinds)
        if parts[0] == "apis" and len(parts) == 3 and self._serves(parts[1], parts[2]):
            return discovery.resources(parts[1], parts[2], kinds)
        return None

    def _serves(self, group: str, version: str) -> bool:
        return any((k.group, k.version) == (group, version) for k in self._kinds.values())

    def _verb(self, request: web.Request, target: Target, options: Options | None) -> str:
        if options:
            return "watch" if options.watch else "get" if target.name else "list"
        named = {"PUT": "update", "PATCH": "patch", "DELETE": "delete"}
        verb = named.get(request.method) if target.name else None
        if request.method == "POST" and not target.name:
            verb = "create"
        elif request.method == "DELETE" and not target.name:
            verb = "deletecollection"
        if verb is None or (target.subresource and verb == "delete"):
            raise method_not_allowed(target.kind.group, target.kind.plural)
        return verb

    def _get(self, request: web.Request, target: Target) -> web.Response:
        kind = target.kind
        record = self.store.table((kind.group, kind.plural)).records.get(
            (target.namespace, target.name)
        )
        if record is None:
            raise not_found(kind.group, kind.plural, target.name)
        if wants_table(request):
            include = request.query.get("includeObject", "Metadata")
            shown = tables.table(kind, [record.obj], rv=str(record.rv), include=include)
            return answer(shown)
        return raw_answer(record.raw)

    def _list(self, request: web.Request, target: Target, options: Options) -> web.Response:
        kind = target.kind
        page = self.reader.page(kind, target.namespace, options)
        if wants_table(request):
            include = request.query.get("includeObject", "Metadata")
            objects = [r.obj for r in page.records]
            shown = tables.table(kind, objects, rv=str(page.rv), include=include)
            shown["metadata"] |= _list_meta(page)
            return answer(shown)
        head: Object = {"kind": kind.list_kind, "apiVersion": kind.api_version}
        head["metadata"] = _list_meta(page)
        items = b",".join(r.item(bare=kind.builtin) for r in page.records)
        return raw_answer(encode(head)[:-1] + b',"items":[' + items + b"]}")

    async def _watch(
        self, request: web.Request, target: Target, options: Options
    ) -> web.StreamResponse:
        kind = target.kind
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        response.enable_chunked_encoding()
        await response.prepare(request)
        if fault := self.faults.take("watch", request.path, in_stream=True):
            await response.write(line("ERROR", fault.status()))
            await response.write_eof()
            return response
        teller = table_teller(kind, request) if wants_table(request) else line
        stream = self.reader.watch(kind, target.namespace, options)
        with contextlib.suppress(ConnectionResetError):
            async with contextlib.aclosing(stream):
                async for batch in stream:
                    await response.write(b"".join(teller(what, item) for what, item in batch))
            await response.write_eof()
        return response

    async def _write(self, request: web.Request, target: Target, verb: str) -> web.Response:
        kind, key = target.kind, (target.namespace, target.name)
        body = await read_body(request, patching=verb == "patch")
        caller = caller_of(request)
        code, gone = 200, False
        if verb == "create":
            record, code = self.writer.create(kind, target.namespace, body, caller=caller), 201
        elif verb == "update":
            record, new = self.writer.update(
                kind, key, body, subresource=target.subresource, caller=caller
            )
            code = 201 if new else 200
        elif verb == "patch":
            change = Patch(request.content_type, body)
            record = self.writer.patch(
                kind, key, change, subresource=target.subresource, caller=caller
            )
        elif verb == "deletecollection":
            return self._delete_all(request, target, caller)
        else:
            record, gone = self.writer.delete(kind, key, body or {}, caller=caller)
        name = f"{target.namespace}/{record.obj['metadata']['name']}".lstrip("/")
        self.stats.write(verb, target.resource, name)
        if kind.group == GROUP and not caller.dry_run:
            self.forget_crd(record.obj) if gone else self.serve_crd(record.obj)
        if gone and not kind.returns_deleted:
            return answer(_deleted(kind, record))
        return raw_answer(record.raw, code=code, warnings=caller.warnings)

    def _delete_all(self, request: web.Request, target: Target, caller: Caller) -> web.Response:
        kind = target.kind
        page = self.reader.page(kind, target.namespace, parse(request.query, kind))
        for record in page.records:
            own = record.obj["metadata"]
            key = (own.get("namespace", ""), own["name"])
            self.writer.delete(kind, key, {}, caller=caller)
        head: Object = {"kind": kind.list_kind, "apiVersion": kind.api_version}
        items = [r.obj for r in page.records]
        return answer(head | {"metadata": _list_meta(page), "items": items})

    # --- faults and counts ----------------------------------------------------------------

    async def admin_faults(self, request: web.Request) -> web.Response:
        if request.method == "DELETE":
            self.faults.pending.clear()
        elif request.method == "POST":
            self.trouble(await read_body(request, patching=False))
        return answer({"pending": self.faults.listed()})

    def trouble(self, order: Object) -> None:
        """Make one piece of trouble: an error to come, dropped watches, or forgotten history.

        Raises:
            ApiError: 400, no such trouble.
        """
        if order.get("drop_watches"):
            for (_, plural), table in self.store.tables().items():
                if order.get("resource") in (None, plural):
                    for listener in list(table.listeners):
                        table.cut(listener)
        elif order.get("compact"):
            self.reader.forget_pages()
            for table in self.store.tables().values():
                table.forget(self.store.rv)
        else:
            try:
                self.faults.add(Fault(**order))
            except TypeError as error:
                raise bad_request(f"not a fault: {error}") from error

    async def admin_stats(self, request: web.Request) -> web.Response:
        if request.method == "DELETE":
            self.stats.clear()
        watchers = {
            plural: len(table.listeners)
            for (_, plural), table in sorted(self.store.tables().items())
            if table.listeners
        }
        return answer(
            {
                "requests": dict(self.stats.requests),
                "writes": dict(self.stats.writes),
                "codes": dict(self.stats.codes),
                "watchers": watchers,
                "resourceVersion": self.store.rv,
            }
        )


ADMIN: Final[dict[str, Callable[[Api, web.Request], Awaitable[web.Response]]]] = {
    "/_faults": Api.admin_faults,
    "/_stats": Api.admin_stats,
}


def answer(obj: Object, *, code: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(
        body=encode(obj), status=code, content_type="application/json", headers=headers
    )


def raw_answer(body: bytes, *, code: int = 200, warnings: tuple[str, ...] = ()) -> web.Response:
    response = web.Response(body=body, status=code, content_type="application/json")
    for text in warnings:
        quoted = text.replace("\\", "\\\\").replace('"', '\\"')
        response.headers.add("Warning", f'299 - "{quoted}"')
    return response


def wants_table(request: web.Request) -> bool:
    return "as=Table" in request.headers.get("Accept", "")


def table_teller(kind: Kind, request: web.Request) -> Callable[[str, Any], bytes]:
    """Return what turns changes into watch lines of one-row tables; only the first has a head."""
    include = request.query.get("includeObject", "Metadata")
    headed = True

    def tell(what: str, item: Any) -> bytes:
        nonlocal headed
        told = json.loads(line(what, item))
        if what not in ("ERROR", "BOOKMARK"):
            obj = told["object"]
            rv = obj["metadata"]["resourceVersion"]
            told["object"] = tables.table(kind, [obj], rv=rv, include=include, headed=headed)
            headed = False
        return encode(told) + b"\n"

    return tell


def caller_of(request: web.Request) -> Caller:
    query = request.query
    manager = query.get("fieldManager") or request.headers.get("User-Agent", "").partition("/")[0]
    validation = query.get("fieldValidation") or "Warn"
    if validation not in ("Ignore", "Strict", "Warn"):
        raise bad_request(f"fieldValidation: Unsupported value: {validation!r}")
    if query.get("dryRun", "All") != "All":
        raise bad_request(f"dryRun: Unsupported value: {query['dryRun']!r}")
    return Caller(manager or "unknown", "dryRun" in query, validation)


async def read_body(request: web.Request, *, patching: bool) -> Any:
    data = await request.read()
    if patching:
        accepted = [patch.JSON, patch.MERGE, patch.STRATEGIC]
        if request.content_type not in accepted:  # server-side apply ends here too
            raise unsupported_media(accepted)
    elif not data:
        return {}
    elif request.content_type in ("application/yaml", "application/x-yaml"):
        return _parsed(yaml.safe_load, data)
    elif request.content_type not in ("application/json", "application/octet-stream"):
        raise unsupported_media(["application/json", "application/yaml"])
    return _parsed(json.loads, data)


def _parsed(load: Callable[[bytes], Any], data: bytes) -> Any:
    try:
        return load(data)
    except (ValueError, yaml.YAMLError) as error:
        text = f"couldn't get version/kind; json parse error: {error}"
        raise bad_request(text) from error


def _list_meta(page: Page) -> Object:
    own: Object = {"resourceVersion": str(page.rv)}
    if page.token:
        own["continue"] = page.token
        if page.remaining is not None:
            own["remainingItemCount"] = page.remaining
    return own


def _deleted(kind: Kind, record: Record) -> Object:
    own = record.obj["metadata"]
    details = {"name": own["name"], "kind": kind.plural, "uid": own["uid"]}
    if kind.group:
        details["group"] = kind.group
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": details,
    }


async def start(api: Api, *, port: int = 0) -> tuple[web.AppRunner, int]:
    """Serve *api* on 127.0.0.1; return what to clean up, and the port."""
    app = web.Application(client_max_size=MAX_BODY)
    app.router.add_route("*", "/{path:.*}", api.handle)
    # A watch whose client went away must end now, not at its next event.
    runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    return runner, int(runner.addresses[0][1])
