"""A stand-in for kube-proxy: one process that programs every node of the lab.

`python -m lab.cluster.kube_proxy` watches Services and EndpointSlices and keeps an nftables
table in each node's namespace; it also answers 127.0.0.1:10256/healthz there,
as each node's kube-proxy would. A node whose flag file exists is left as it is
and reported unhealthy: that is how a lab fails one proxy.

Rules are `lab.cluster.kube_proxy_rules`; this is the watching, the telling and nothing else.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from lab.cluster import client
from lab.cluster.kube_proxy_rules import Programming, programming, skeleton
from lab.cluster.kube_proxy_table import Table
from lab.network import netns
from lab.network.topology import Node, Topology
from lab.parts import tool
from pointsman.model.names import SLICE_SERVICE

Json = dict[str, Any]
HEALTH_PORT = 10256
SETTLE_S = 0.005  # a burst of events is one transaction
RETRY_S = 0.5
WATCH_S = 240

SERVICES = "/api/v1/services"
SLICES = "/apis/discovery.k8s.io/v1/endpointslices"


class State:
    """Services and their slices as last heard, and which Services changed since."""

    def __init__(self) -> None:
        self.services: dict[str, Json] = {}
        self.slices: dict[str, dict[str, Json]] = defaultdict(dict)  # by Service
        self._owner: dict[str, str] = {}  # of each slice
        self.listed: set[str] = set()
        self.dirty: set[str] = set()
        self.changed = asyncio.Event()

    def heard(self, kind: str, event: str, item: Json) -> None:
        meta = item["metadata"]
        key = f"{meta['namespace']}/{meta['name']}"
        if kind == SERVICES:
            if event == "DELETED":
                self.services.pop(key, None)
            else:
                self.services[key] = item
        else:
            owner = f"{meta['namespace']}/{(meta.get('labels') or {}).get(SLICE_SERVICE, '')}"
            if former := self._owner.pop(key, None):  # a slice may change its Service
                del self.slices[former][key]
                self.dirty.add(former)
            if event != "DELETED":
                self.slices[owner][key], self._owner[key] = item, owner
            key = owner
        self.dirty.add(key)
        self.changed.set()

    def relisted(self, kind: str, items: list[Json]) -> None:
        """Replace all of *kind*: what is not among *items* is gone."""
        if kind == SERVICES:
            self.dirty |= self.services.keys()
            self.services.clear()
        else:
            self.dirty |= self.slices.keys()
            self.slices.clear()
            self._owner.clear()
        for item in items:
            self.heard(kind, "ADDED", item)
        self.listed.add(kind)
        self.changed.set()

    @property
    def complete(self) -> bool:
        return self.listed == {SERVICES, SLICES}

    def programming(self, key: str, node: str) -> Programming:
        service = self.services.get(key)
        if service is None:
            return Programming()
        return programming(service, list(self.slices.get(key, {}).values()), node)


@dataclass(slots=True)
class NodeProxy:
    """The table of one node, its health, and what it missed while it was failed."""

    node: Node
    namespace: str
    flag: Path
    table: Table | None = None
    missed: set[str] = field(default_factory=set)
    serving: bool = False

    @property
    def failed(self) -> bool:
        return self.flag.exists()

    async def sync(self, state: State, dirty: set[str]) -> None:
        """Bring the node up to *state*; from scratch the first time and after an error."""
        if self.failed:
            self.missed |= dirty
            return
        wanted, prelude = dirty | self.missed, ""
        if self.table is None:
            self.table, prelude = Table(), skeleton(self.node.pods)
            wanted = set(state.services)
        changes = {key: state.programming(key, self.node.name) for key in sorted(wanted)}
        self.missed = set()
        text = prelude + self.table.change(changes)
        if text and (error := await _nft(self.namespace, text)):
            print(f"proxy: nft on {self.node.name}: {error}", file=sys.stderr, flush=True)
            self.table = None
            return
        self.serving = True

    async def health(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        word, code = ("ok", "200 OK")
        if self.failed or not self.serving:
            word, code = "unhealthy", "503 Service Unavailable"
        head = f"HTTP/1.1 {code}\r\nContent-Length: {len(word)}\r\nConnection: close\r\n\r\n"
        writer.write((head + word).encode())
        await writer.drain()
        writer.close()


async def _nft(namespace: str, text: str) -> str:
    """Apply *text* as one transaction; return what nft complained about, "" if nothing."""
    command = [tool("nft", "nftables"), "-f", "-"]
    process = await asyncio.create_subprocess_exec(
        *(netns.entering(namespace, command) if namespace else command),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, error = await process.communicate(text.encode())
    return error.decode()[:2000] if process.returncode else ""


class Watcher:
    """List, then watch one kind, for ever; what fails is begun again."""

    def __init__(self, session: aiohttp.ClientSession, access: client.Access, state: State) -> None:
        self._session, self._access, self._state = session, access, state

    async def run(self, kind: str) -> None:
        reported = ""
        while True:
            try:
                version = await self._list(kind)
                reported = ""
                while version:
                    version = await self._watch(kind, version)
            except (aiohttp.ClientError, TimeoutError, ValueError) as error:
                if str(error) != reported:  # once per outage, not twice a second
                    reported = str(error)
                    print(f"proxy: {kind}: {reported}", file=sys.stderr, flush=True)
            await asyncio.sleep(RETRY_S)

    def _get(self, kind: str, **query: str) -> Any:
        return self._session.get(
            self._access.server.rstrip("/") + kind,
            params=query,
            headers=dict(self._access.headers),
            ssl=self._access.tls or True,
            server_hostname=self._access.server_name or None,
        )

    async def _list(self, kind: str) -> str:
        async with self._get(kind) as response:
            response.raise_for_status()
            answer = await response.json()
        self._state.relisted(kind, answer.get("items") or [])
        return str(answer["metadata"]["resourceVersion"])

    async def _watch(self, kind: str, version: str) -> str:
        """Return the version to go on from; "" if the list must be read again."""
        query = {
            "watch": "1",
            "resourceVersion": version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(WATCH_S),
        }
        async with self._get(kind, **query) as response:
            if response.status == 410:
                return ""
            response.raise_for_status()
            async for line in response.content:
                event = json.loads(line)
                if event["type"] == "ERROR":
                    return ""
                version = str(event["object"]["metadata"]["resourceVersion"])
                if event["type"] != "BOOKMARK":
                    self._state.heard(kind, event["type"], event["object"])
        return version


async def program(state: State, proxies: list[NodeProxy], *, ready: Path) -> None:
    """Bring the nodes up to what was heard, as long as the process lives."""
    while True:
        try:
            async with asyncio.timeout(1.0):  # flags come and go without an event
                await state.changed.wait()
            await asyncio.sleep(SETTLE_S)
        except TimeoutError:
            pass
        if not state.complete:
            state.changed.clear()
            continue
        state.changed.clear()
        dirty, state.dirty = state.dirty, set()
        late = [proxy for proxy in proxies if dirty or proxy.missed or proxy.table is None]
        await asyncio.gather(*(proxy.sync(state, dirty) for proxy in late))
        if all(proxy.serving for proxy in proxies):
            ready.touch()


def proxies_of(topology: Topology, flags: Path, *, here: str) -> list[NodeProxy]:
    """Return the proxy of each node; of *here* alone, in our own namespace, where it is named."""
    return [
        NodeProxy(node, "" if here else topology.namespace(node.name), flags / node.name)
        for node in topology.nodes
        if here in ("", node.name)
    ]


async def serve(proxies: list[NodeProxy], kubeconfig: Path, *, ready: Path) -> None:
    access, state = client.load(kubeconfig), State()
    for proxy in proxies:
        if proxy.namespace:
            sock = netns.listener(proxy.namespace, "127.0.0.1", HEALTH_PORT)
            await asyncio.start_server(proxy.health, sock=sock)
        else:
            await asyncio.start_server(proxy.health, "127.0.0.1", HEALTH_PORT)
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=10)
    session = aiohttp.ClientSession(timeout=timeout, read_bufsize=2**22)
    async with session, asyncio.TaskGroup() as tasks:
        watcher = Watcher(session, access, state)
        for kind in (SERVICES, SLICES):
            tasks.create_task(watcher.run(kind))
        tasks.create_task(program(state, proxies, ready=ready))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m lab.cluster.kube_proxy", description=__doc__)
    parser.add_argument("--lab", required=True)
    parser.add_argument("--nodes", type=int, required=True)
    parser.add_argument("--subnets", type=int, required=True)
    parser.add_argument("--pods", type=int, required=True, help="on each node")
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("--flags", type=Path, required=True, help="folder of failed nodes")
    parser.add_argument("--ready", type=Path, required=True, help="file made once all are served")
    parser.add_argument("--here", default="", help="only this node, whose namespace we are in")
    given = parser.parse_args()
    topology = Topology(
        given.lab, node_count=given.nodes, subnets=given.subnets, pods_per_node=given.pods
    )
    proxies = proxies_of(topology, given.flags, here=given.here)
    asyncio.run(serve(proxies, given.kubeconfig, ready=given.ready))


if __name__ == "__main__":
    main()
