"""HTTP over the store: paths to kinds, verbs to deeds, errors to Status objects."""

import contextlib
from typing import Final

from aiohttp import web

from standin.backup import Backup
from standin.bodies import Caller, Patch
from standin.crds.crd import GROUP, crd_kind
from standin.faults import Faults, Stats
from standin.grammar.errors import ApiError, method_not_allowed, not_found
from standin.kinds.allocator import Stocks
from standin.kinds.builtins import builtin_kinds
from standin.kinds.kind import Object
from standin.kinds.services import service_kind
from standin.kubectl import tables
from standin.messages import (
    answer,
    caller_of,
    deleted,
    list_meta,
    raw_answer,
    read_body,
    table_teller,
    wants_table,
)
from standin.reads import Options, Reader, line, parse
from standin.registry import Registry, Target
from standin.store import Store, encode
from standin.writes import Writer

MAX_BODY: Final = 3 * 1024 * 1024  # the real server's own limit


class Api:
    """The stand-in: state, and what to do with a request. One event loop, no locks needed."""

    def __init__(self, *, ring: int = 4096, bookmark_s: float = 60.0) -> None:
        self.store = Store(ring=ring)
        self.faults, self.stats = Faults(), Stats()
        self.reader = Reader(self.store, bookmark_s=bookmark_s)
        namespaces, *others = builtin_kinds()
        fixed = [namespaces, *others, service_kind(Stocks()), crd_kind()]
        self.registry = Registry(fixed, self.store)
        self.backup = Backup(self.store, self.registry)
        self.writer = Writer(self.store, namespaces, self.registry.kinds)
        for name in ("default", "kube-system"):
            body = {"metadata": {"name": name}}
            self.writer.create(namespaces, "", body, caller=Caller("standin"))

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
        if path in ("/_faults", "/_stats"):
            return await self._admin(request)
        if path in ("/healthz", "/livez", "/readyz"):
            return web.Response(text="ok")
        if (static := self.registry.document(path)) is not None:
            return answer(static)
        target = self.registry.target(path)
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
        try:
            return await self._write(request, target, verb)
        except ApiError:
            self.stats.refuse(verb, target.resource, request.query.get("fieldManager", ""))
            raise

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
            shown["metadata"] |= list_meta(page)
            return answer(shown)
        head: Object = {"kind": kind.list_kind, "apiVersion": kind.api_version}
        head["metadata"] = list_meta(page)
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
            if gone:
                self.registry.forget_crd(record.obj, self.writer.remove)
            else:
                self.registry.serve_crd(record.obj)
        if gone and not kind.returns_deleted:
            return answer(deleted(kind, record))
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
        return answer(head | {"metadata": list_meta(page), "items": items})

    async def _admin(self, request: web.Request) -> web.Response:
        if request.path == "/_stats":
            if request.method == "DELETE":
                self.stats.clear()
            return answer(self.stats.shown(self.store))
        if request.method == "DELETE":
            self.faults.pending.clear()
        elif request.method == "POST":
            self.trouble(await read_body(request, patching=False))
        return answer({"pending": self.faults.listed()})

    def trouble(self, order: Object) -> None:
        """Make one piece of trouble: an error to come, dropped watches, forgotten history, or
        a past that comes back.

        Raises:
            ApiError: 400, no such trouble.
        """
        if order.get("drop_watches"):
            self.store.drop_watches(order.get("resource"))
        elif order.get("compact"):
            self.reader.forget_pages()
            for table in self.store.tables().values():
                table.forget(self.store.rv)
        elif order.get("backup"):
            self.backup.save()
        elif order.get("restore"):
            self.reader.forget_pages()
            self.backup.restore(watches=order.get("watches", "cut"))
        else:
            self.faults.order(order)


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
