"""Whatever its API server answers, a manager lives; once the server is sane, all is well.

First request by request, each of them with each odd answer; then a whole manager for some
seconds behind a proxy that garbles half of what passes. Seeds are fixed.
"""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from aiohttp import web
from prometheus_client import CollectorRegistry

from manager.adapters.gobgp.speaker import GobgpSpeaker
from manager.adapters.kubernetes import client
from manager.adapters.kubernetes.client import KubeApi, Refused, connect
from manager.adapters.kubernetes.informer import Pace
from manager.adapters.kubernetes.leadership import Leadership
from manager.adapters.kubernetes.replica_leases import ReplicaLeases
from manager.adapters.metrics.counters import Counters
from manager.main import Parts
from manager.options import Options
from manager.snapshot import Settings
from pointsman.runtime.clock import Clock
from pointsman.runtime.target import Unavailable
from standin.in_process import serving
from standin.server import Api
from tests.fakes.gobgp import FakeGobgpd
from tests.liar import lying
from tests.manager.adapters.kubernetes.standin_cluster import CLOCK, CRD_FILES, kubeconfig
from tests.oddities import LINES, STATUSES, WHOLE

HOME: Final = "pointsman-system"


async def watched(api: KubeApi) -> None:
    async with api.watch(client.NODES, {}, version="1", timeout_s=5) as events:
        async for _ in events:
            pass


REQUESTS: Final[dict[str, Callable[[KubeApi], Awaitable[object]]]] = {
    "list": lambda api: api.list_page(client.SERVICES, {}),
    "get": lambda api: api.get(client.LEASES, "n", "x-1"),
    "create": lambda api: api.create(client.EVENTS, "n", {"metadata": {"name": "x"}}),
    "patch": lambda api: api.patch(client.EIPS, "", "x-1", body={}),
    "watch": watched,
}


@asynccontextmanager
async def answering(tmp_path: Path) -> AsyncIterator[tuple[dict[str, Any], KubeApi]]:
    """A server that answers what the dictionary holds, and a way to it."""
    response: dict[str, Any] = {"body": b"{}", "status": 200}

    async def handle(request: web.Request) -> web.Response:
        return web.Response(body=response["body"], status=response["status"])

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        async with connect(kubeconfig(tmp_path / "k", url)) as api:
            yield response, api
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("request_name", REQUESTS)
async def test_what_is_no_answer_is_unavailable(request_name: str, tmp_path: Path) -> None:
    ask = REQUESTS[request_name]
    odd = {**WHOLE, **LINES} if request_name == "watch" else WHOLE
    # A watch that ends without a word is how watches end; a whole event is one.
    passed = {"nothing", "an event, not an answer"} if request_name == "watch" else set()
    async with answering(tmp_path) as (response, api):
        for what, body in odd.items():
            if what in passed:
                continue
            response["body"] = body.replace(b"\n", b" ") + b"\n"
            with pytest.raises(Unavailable, match="no answer from the API server") as raised:
                await ask(api)
            assert str(raised.value).isprintable(), what


@pytest.mark.parametrize("request_name", REQUESTS)
async def test_an_error_of_another_shape_is_that_error(request_name: str, tmp_path: Path) -> None:
    async with answering(tmp_path) as (response, api):
        for body in (*WHOLE.values(), *STATUSES.values()):
            response["body"] = body
            for status, kind in ((404, Refused), (409, Refused), (401, Unavailable)):
                response["status"] = status
                with pytest.raises(kind):
                    await REQUESTS[request_name](api)
            response["status"] = 500
            with pytest.raises(Unavailable, match="500"):
                await REQUESTS[request_name](api)


@pytest.mark.parametrize("spec", [None, [], "x", 7, {"renewTime": 7}, {"holderIdentity": []}])
async def test_a_lease_of_another_shape_is_no_crash(spec: Any, tmp_path: Path) -> None:
    name = "pointsman-manager"
    async with answering(tmp_path) as (response, api):
        lease = {"metadata": {"name": name, "resourceVersion": "7"}, "spec": spec}
        response["body"] = json.dumps(lease).encode()
        leadership = Leadership(
            api,
            name="a",
            namespace=HOME,
            clock=CLOCK,
            rng=random.Random(1),
            wake=lambda: None,
            duration_s=1.5,
        )
        replica_leases = ReplicaLeases(
            api,
            name="a",
            namespace=HOME,
            leading=lambda: True,
            others=lambda: {"b"},
            clock=CLOCK,
            wake=lambda: None,
        )
        tasks = [asyncio.create_task(leadership.run()), asyncio.create_task(replica_leases.run())]
        await asyncio.sleep(0.4)
        assert [task for task in tasks if task.done()] == []
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


def manifests() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((Path(__file__).parent / "odd_answers.yaml").read_text()))


KINDS: Final = {
    kind.name: kind
    for kind in (client.NAMESPACES, client.NODES, client.SERVICES, client.ENDPOINT_SLICES,
                 client.EIPS, client.BGP_CONFS, client.BGP_PEERS)
}  # fmt: skip


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_manager_outlives_a_server_that_garbles(seed: int, tmp_path: Path) -> None:
    server, clock = Api(bookmark_s=0.3), Clock(monotonic=time.monotonic, wall=CLOCK.wall)
    async with (
        serving(server) as url,
        connect(kubeconfig(tmp_path / "true", url)) as admin,
        lying(server, seed=seed) as (liar, odd_url),
        connect(kubeconfig(tmp_path / "odd", odd_url)) as api,
    ):
        for path in CRD_FILES:
            await admin.create(client.CRDS, "", yaml.safe_load(path.read_text()))
        for raw in manifests():
            namespace = raw["metadata"].get("namespace", "")
            await admin.create(KINDS[raw["kind"]], namespace, raw)
        daemon: Any = FakeGobgpd()
        parts = Parts(
            Options("a", HOME, None, (), 3.0, Settings(speaker_name="a")),
            api,
            speakers=[GobgpSpeaker(daemon)],
            clock=clock,
            chance=random.Random(seed),
            counters=Counters(CollectorRegistry(), replica="a"),
            pace=Pace(page=2, watch_s=1, relist_s=1.0, first_delay_s=0.02, longest_delay_s=0.2),
        )
        liar.share = 0.5
        stopping = asyncio.Event()
        running = asyncio.create_task(parts.run(stopping))
        rounds = 0
        async with asyncio.timeout(60):
            while rounds < 8 or liar.lies < 60:  # a busy machine asks less in that time
                await asyncio.sleep(0.5)
                assert not running.done(), running.exception()
                await _touch(admin, rounds)
                rounds += 1
        liar.share = 0.0
        await _touch(admin, 99)
        async with asyncio.timeout(60):
            while not running.done() and not await _granted(admin):
                await asyncio.sleep(0.1)
        stopping.set()
        await running


async def _touch(admin: KubeApi, number: int) -> None:
    """Change every object: what was garbled of it is read anew in its next version."""
    for raw in manifests():
        meta = raw["metadata"]
        body = {"metadata": {"labels": {"round": str(number)}}}
        with suppress(Refused, Unavailable):
            await admin.patch(
                KINDS[raw["kind"]], meta.get("namespace", ""), meta["name"], body=body
            )


async def _granted(admin: KubeApi) -> bool:
    status = (await admin.get(client.SERVICES, "default", "web")).get("status") or {}
    held = [one.get("ip") for one in (status.get("loadBalancer") or {}).get("ingress") or ()]
    reasons = {one["type"]: one["reason"] for one in status.get("conditions") or ()}
    return held == ["198.51.100.7"] and reasons.get("pointsman.dev/Allocated") == "Allocated"
