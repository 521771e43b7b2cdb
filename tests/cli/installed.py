"""A cluster in which a manager has been at work, for tests of what takes that off again."""

from typing import Any

import yaml
from aiohttp import web

from manager.adapters.kubernetes.client import CRDS, EIPS, SERVICES, KubeApi
from manager.inspect.reach import WRITER
from standin.in_process import serving
from standin.server import Api
from tests.cli.running import ROOT, eip, service

CONDITIONS = [
    {"type": "pointsman.dev/Allocated", "status": "True", "reason": "Allocated",
     "message": "Service default/web has 198.51.100.0 from Eip 'public'.",
     "lastTransitionTime": "2026-01-01T00:00:00Z"},
    {"type": "pointsman.dev/Announced", "status": "True", "reason": "Announced",
     "message": "Service default/web is announced.",
     "lastTransitionTime": "2026-01-01T00:00:00Z"},
    {"type": "example.com/Other", "status": "True", "reason": "Other", "message": "not ours",
     "lastTransitionTime": "2026-01-01T00:00:00Z"},
]  # fmt: skip
OURS = {"allocated-from": "public/198.51.100.0", "announced-by": "bgp", "status": "announced"}
YES = ("uninstall", "--yes", "--addresses")


async def hold(api: KubeApi, name: str, address: str) -> None:
    """Give a Service what a manager gives it."""
    notes = {f"pointsman.dev/{key}": text.replace("198.51.100.0", address)
             for key, text in OURS.items()}  # fmt: skip
    entries = [{**one, "message": one["message"].replace("198.51.100.0", address)}
            for one in CONDITIONS]  # fmt: skip
    body = {
        "metadata": {"annotations": {**notes, "pointsman.dev/eip": "public", "mine": "stays"}},
        "status": {
            "loadBalancer": {"ingress": [{"ip": address, "ipMode": "VIP"}]}, "conditions": entries,
        },
    }  # fmt: skip
    await api.patch(SERVICES, "default", name, body=body, sub="status")


async def services(api: KubeApi) -> dict[str, Any]:
    page = await api.list_page(SERVICES, {})
    return {one["metadata"]["name"]: one for one in page["items"]}


def guarded(verb: str, path: str) -> Any:
    """Serve a cluster of its own in which this user may not *verb* what is at *path*."""
    api = Api()
    before = api.handle

    async def handle(request: web.Request) -> web.StreamResponse:
        ours = request.query.get("fieldManager", WRITER) == WRITER
        if ours and request.method == verb and request.path == path:
            status = {"kind": "Status", "code": 403, "reason": "Forbidden", "message": "not you"}
            return web.json_response(status, status=403)
        return await before(request)

    api.handle = handle  # type: ignore[method-assign]
    return serving(api)


async def prepared(api: KubeApi) -> None:
    for path in sorted((ROOT / "crds").glob("*.yaml")):
        await api.create(CRDS, "", yaml.safe_load(path.read_text()))
    await api.create(EIPS, "", eip("public", "198.51.100.0/30"))


async def hold_all(api: KubeApi) -> None:
    for name, address in (("web", "198.51.100.0"), ("shop", "198.51.100.1")):
        await api.create(SERVICES, "default", service(name))
        await hold(api, name, address)
