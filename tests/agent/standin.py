"""The stand-in API as the agent's tests use it: the CRD installed, and hands to meddle."""

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

from agent.adapters.api import PATH, ApiAnnouncer
from agent.adapters.kubeconfig import Access
from agent.adapters.proxy import UnaskedProxy
from agent.reconcile import Agent
from agent.snapshot import NodeName, Settings
from pointsman.runtime.clock import Clock
from pointsman.runtime.loop import Loop
from standin.server import Api, start
from tests.fakes.arrivals import FakeArrivals
from tests.fakes.heartbeats import FakeHeartbeats, FakePaths
from tests.fakes.kernel import FakeKernel
from tests.fakes.links import FakeLinks
from tests.fakes.responders import FakeResponders

CRD = Path(__file__).resolve().parents[2] / "crds" / "announcer.yaml"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
NODE = NodeName("node1")
MERGE_PATCH = {"Content-Type": "application/merge-patch+json"}
PATIENCE_S = 60.0  # for what takes milliseconds on an idle machine


@dataclass
class Admin:
    """Whoever else uses the API: the manager, a user with kubectl, an accident."""

    session: aiohttp.ClientSession
    url: str
    api: Api

    async def install(self) -> None:
        headers = {"Content-Type": "application/yaml"}
        await self._send("POST", CRDS, data=CRD.read_bytes(), headers=headers)

    async def uninstall(self) -> None:
        await self._send("DELETE", f"{CRDS}/announcers.pointsman.dev")

    async def create(self, name: str = NODE) -> None:
        body = {"apiVersion": "pointsman.dev/v1alpha1", "kind": "Announcer", "spec": {}}
        await self._send("POST", PATH, json={**body, "metadata": {"name": name}})

    async def assign(self, assignments: list[dict[str, Any]]) -> None:
        """Write who answers for what, as the manager does."""
        body = {"spec": {"assignments": assignments}}
        await self._send("PATCH", f"{PATH}/{NODE}", json=body, headers=MERGE_PATCH)

    async def delete(self) -> None:
        await self._send("DELETE", f"{PATH}/{NODE}")

    async def get(self) -> dict[str, Any]:
        return await self._send("GET", f"{PATH}/{NODE}")

    async def label(self, value: str) -> None:
        body = {"metadata": {"labels": {"changed": value}}}
        await self._send("PATCH", f"{PATH}/{NODE}", json=body, headers=MERGE_PATCH)

    async def overwrite(self, status: Any) -> None:
        """Replace the status as a whole."""
        found = await self.get()
        found["status"] = status
        await self._send("PUT", f"{PATH}/{NODE}/status", json=found)

    async def status(self, expected: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
        """Return the status once it is as *expected*; a field that is not there yet is not."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                found: dict[str, Any] = (await self.get()).get("status") or {}
                with contextlib.suppress(LookupError):
                    if found and expected(found):
                        return found
                await asyncio.sleep(0.02)

    def agent_writes(self) -> int:
        return self.api.stats.writes[f"patch announcers/status {NODE}"]

    def requests(self, verb: str) -> int:
        return self.api.stats.requests[f"{verb} announcers"]

    async def _send(self, method: str, path: str, **how: Any) -> dict[str, Any]:
        async with self.session.request(method, self.url + path, **how) as response:
            assert response.status < 300, await response.text()
            found: dict[str, Any] = await response.json()
            return found


@asynccontextmanager
async def administered(api: Api | None = None, *, port: int = 0) -> AsyncIterator[Admin]:
    """Serve a stand-in; yield the hands on it."""
    api = api or Api()
    runner, bound = await start(api, port=port)
    try:
        async with aiohttp.ClientSession() as session:
            yield Admin(session, f"http://127.0.0.1:{bound}", api)
    finally:
        await runner.cleanup()


@asynccontextmanager
async def agent_on(url: str, links: FakeLinks, *, host: str = "") -> AsyncIterator[None]:
    """Run a whole agent but for the kernel and the service proxy."""
    clock = Clock(time.monotonic, lambda: datetime.now(UTC))
    async with aiohttp.ClientSession() as session:
        announcer = ApiAnnouncer(
            session, Access(url), node=NODE, clock=clock, chance=random.Random(1)
        )
        settings = Settings(NODE, "1", host=host)
        agent = Agent(
            settings,
            links=links,
            proxy=UnaskedProxy(),
            announcer=announcer,
            heartbeats=FakeHeartbeats(),
            paths=FakePaths(),
            responders=FakeResponders(),
            kernel=FakeKernel(),
            arrivals=FakeArrivals(),
        )
        loop = Loop(agent.step, min_interval_s=0.02)

        async def run() -> None:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(links.watch(loop.wake))
                tasks.create_task(announcer.watch(loop.wake))
                tasks.create_task(loop.run())

        running = asyncio.create_task(run())
        try:
            yield
        finally:
            running.cancel()
            await asyncio.wait([running])
            if not running.cancelled():
                running.result()
