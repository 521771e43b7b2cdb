"""The two worlds of this suite: a client, and what somebody else does at its server."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import aiohttp

from manager.adapters.kubernetes.client import NAMESPACES, Kind, KubeApi, connect
from manager.adapters.kubernetes.fields import Json
from standin.in_process import serving
from standin.kubeconfig import kubeconfig
from standin.server import Api
from tests.fakes.kube import FakeKube

CRD_FILES = [Path(__file__).parents[3] / "crds" / f"{kind}.yaml" for kind in ("eip", "announcer")]
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
NAMESPACE_NAMES = ("blue", "red")


class Client(Protocol):
    """What `KubeApi` can do; what each method returns and raises is said there."""

    async def list_page(
        self, kind: Kind, params: Mapping[str, str], *, limit: int = 500, after: str = ""
    ) -> Json: ...

    async def get(self, kind: Kind, namespace: str, name: str) -> Json: ...

    async def create(self, kind: Kind, namespace: str, body: Json) -> Json: ...

    async def patch(
        self,
        kind: Kind,
        namespace: str,
        name: str,
        *,
        body: Json,
        sub: str = "",
        manager: str = "",
    ) -> Json: ...

    async def delete(self, kind: Kind, namespace: str, name: str, *, body: Json) -> Json: ...

    def watch(
        self, kind: Kind, params: Mapping[str, str], *, version: str, timeout_s: int
    ) -> AbstractAsyncContextManager[AsyncIterator[Json]]: ...


class World(Protocol):
    """A client, and the hands of others: users, controllers, whoever runs the server."""

    @property
    def client(self) -> Client: ...

    async def put(self, kind: Kind, thing: dict[str, Any]) -> None:
        """Create *thing*, or replace what is there; its status with it."""
        ...

    async def remove(self, kind: Kind, name: str, namespace: str = "") -> None:
        """Delete an object that has no finalizer."""
        ...

    async def compact(self) -> None:
        """Forget every change before now, and every list that was begun."""
        ...

    async def cut(self) -> None:
        """Break off every watch."""
        ...


class FakeWorld:
    def __init__(self) -> None:
        self.fake = FakeKube()
        self.client: Client = self.fake

    async def put(self, kind: Kind, thing: dict[str, Any]) -> None:
        self.fake.put(kind, thing)

    async def remove(self, kind: Kind, name: str, namespace: str = "") -> None:
        self.fake.remove(kind, name, namespace)

    async def compact(self) -> None:
        self.fake.forget_history()

    async def cut(self) -> None:
        self.fake.cut_watches()


class ServedWorld:
    def __init__(self, server: Api, client: KubeApi, url: str, http: aiohttp.ClientSession) -> None:
        self.client: Client = client
        self._server, self._url, self._http = server, url, http

    async def put(self, kind: Kind, thing: dict[str, Any]) -> None:
        meta = thing["metadata"]
        path = kind.path(meta.get("namespace", ""), meta["name"])
        async with self._http.get(self._url + path) as answer:
            found = await answer.json() if answer.status == 200 else None
        typed = {"kind": kind.name, "apiVersion": kind.root.split("/", 2)[2], **thing}
        if found is None:
            made = await self._send("POST", kind.path(meta.get("namespace", "")), typed)
        else:
            version = {"resourceVersion": found["metadata"]["resourceVersion"]}
            made = await self._send("PUT", path, {**typed, "metadata": {**meta, **version}})
        if "status" in thing:
            await self._send("PUT", f"{path}/status", {**made, "status": thing["status"]})

    async def remove(self, kind: Kind, name: str, namespace: str = "") -> None:
        await self._send("DELETE", kind.path(namespace, name))

    async def compact(self) -> None:
        self._server.trouble({"compact": True})

    async def cut(self) -> None:
        self._server.trouble({"drop_watches": True})

    async def _send(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        async with self._http.request(method, self._url + path, json=body) as answer:
            assert answer.status < 300, await answer.text()
            sent: dict[str, Any] = await answer.json()
            return sent


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[ServedWorld]:
    """Yield the real client over HTTP, on a stand-in that knows our kinds and two namespaces."""
    server = Api(bookmark_s=60.0)
    async with serving(server) as url, aiohttp.ClientSession() as http:
        for file in CRD_FILES:
            headers = {"Content-Type": "application/yaml"}
            async with http.post(url + CRDS, data=file.read_bytes(), headers=headers) as answer:
                assert answer.status == 201, await answer.text()
        path = folder / "kubeconfig"
        path.write_text(kubeconfig(url))
        async with connect(path) as client:
            world = ServedWorld(server, client, url, http)
            for name in NAMESPACE_NAMES:
                await world.put(NAMESPACES, {"metadata": {"name": name}})
            yield world
