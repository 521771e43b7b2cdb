"""What goes over HTTP: bodies in, answers and watch lines out."""

import json
from collections.abc import Callable
from typing import Any, Final

import yaml
from aiohttp import web

from standin.bodies import Caller
from standin.grammar import patch
from standin.grammar.errors import bad_request, unsupported_media
from standin.kinds.kind import Kind, Object
from standin.kubectl import tables
from standin.reads import Page, line
from standin.store import Record, encode

PROTOBUF: Final = (
    "; this is the lab's stand-in, which reads no protobuf: "
    "write a manifest and use `kubectl create -f` or `kubectl apply -f`"
)


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
        entry = json.loads(line(what, item))
        if what not in ("ERROR", "BOOKMARK"):
            obj = entry["object"]
            rv = obj["metadata"]["resourceVersion"]
            entry["object"] = tables.table(kind, [obj], rv=rv, include=include, headed=headed)
            headed = False
        return encode(entry) + b"\n"

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
    elif request.content_type == "application/vnd.kubernetes.protobuf":
        raise unsupported_media(["application/json", "application/yaml"], PROTOBUF)
    elif request.content_type not in ("application/json", "application/octet-stream"):
        raise unsupported_media(["application/json", "application/yaml"])
    return _parsed(json.loads, data)


def _parsed(load: Callable[[bytes], Any], data: bytes) -> Any:
    try:
        return load(data)
    except (ValueError, yaml.YAMLError) as error:
        text = f"couldn't get version/kind; json parse error: {error}"
        raise bad_request(text) from error


def list_meta(page: Page) -> Object:
    own: Object = {"resourceVersion": str(page.rv)}
    if page.token:
        own["continue"] = page.token
        if page.remaining is not None:
            own["remainingItemCount"] = page.remaining
    return own


def deleted(kind: Kind, record: Record) -> Object:
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
