"""The program itself, without a capability, in a network namespace, against the stand-in."""

import asyncio
import contextlib
import itertools
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from lab.network import netns
from standin.kubeconfig import kubeconfig
from standin.server import MAX_BODY, Api
from tests.agent.standin import NODE, PATIENCE_S, Admin

pytestmark = pytest.mark.lab
ROOT = Path(__file__).resolve().parents[2]
API_PORT, PROXY_PORT = 6443, 10256
RSS_LIMIT_KIB = 44 * 1024
NO_CAPABILITY = (
    "setpriv", "--pdeathsig", "KILL", "--bounding-set=-all", "--inh-caps=-all",
    "--ambient-caps=-all", "--no-new-privs", "--securebits=+noroot,+noroot_locked",
)  # fmt: skip
_numbers = itertools.count()


@dataclass
class Node:
    """A node: its namespace, the API and the service proxy that answer in it."""

    namespace: str
    admin: Admin
    kubeconfig: Path
    proxy_status: int = 200
    runners: dict[int, web.AppRunner] = field(default_factory=dict)

    def ip(self, *commands: str) -> None:
        netns.ip(*commands, namespace=self.namespace)

    async def listen(self, port: int, handle: Any) -> None:
        app = web.Application(client_max_size=MAX_BODY)
        app.router.add_route("*", "/{path:.*}", handle)
        runner = web.AppRunner(
            app, handler_cancellation=True, access_log=None, shutdown_timeout=0.5
        )
        await runner.setup()
        await web.SockSite(runner, netns.listener(self.namespace, "127.0.0.1", port)).start()
        self.runners[port] = runner

    async def healthz(self, request: web.Request) -> web.Response:
        return web.Response(status=self.proxy_status if request.path == "/healthz" else 404)

    @contextlib.asynccontextmanager
    async def agent(self, *flags: str) -> AsyncIterator[asyncio.subprocess.Process]:
        command = (*NO_CAPABILITY, sys.executable, "-m", "agent", "--node", NODE)
        flags = ("--state-dir", str(self.kubeconfig.parent / "state"), *flags)
        process = await asyncio.create_subprocess_exec(
            *netns.entering(
                self.namespace, [*command, "--kubeconfig", str(self.kubeconfig), *flags]
            ),
            cwd=ROOT,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.communicate()


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    namespace = f"pmagent-node-{os.getpid()}-{next(_numbers)}"
    netns.ip(f"netns add {namespace}")
    api = Api()
    try:
        netns.ip(
            "link set lo up",
            "link add eth0 address 02:00:00:00:00:11 type veth peer name far0",
            "link set far0 up",
            "link set eth0 up",
            "address add 192.0.2.11/24 dev eth0",
            "address add 2001:db8:2::11/64 dev eth0 nodad",
            "route add default via 192.0.2.1",
            namespace=namespace,
        )
        config = tmp_path / "kubeconfig"
        config.write_text(kubeconfig(f"http://127.0.0.1:{API_PORT}"))
        outside = web.Application(client_max_size=MAX_BODY)
        outside.router.add_route("*", "/{path:.*}", api.handle)
        runner = web.AppRunner(outside, handler_cancellation=True, shutdown_timeout=0.5)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        async with aiohttp.ClientSession() as session:
            admin = Admin(session, f"http://127.0.0.1:{runner.addresses[0][1]}", api)
            made = Node(namespace, admin, config, runners={0: runner})
            await made.listen(API_PORT, api.handle)
            await made.listen(PROXY_PORT, made.healthz)
            await admin.install()
            yield made
            for one in made.runners.values():
                await one.cleanup()
    finally:
        netns.remove([namespace])


def eth0(status: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = next(
        (one for one in status["interfaces"] if one["name"] == "eth0"), {"up": None, "mac": ""}
    )
    return found


def complete(status: dict[str, Any]) -> bool:
    """Whether all of the node is in it: the links, the way out, and the proxy's word."""
    return all(status[one] for one in ("interfaces", "defaultRoute", "proxy"))


def memory_kib(process: asyncio.subprocess.Process) -> int:
    text = Path(f"/proc/{process.pid}/status").read_text()
    found = re.search(r"^VmRSS:\s+(\d+) kB", text, re.MULTILINE)
    assert found
    return int(found[1])


def capabilities(process: asyncio.subprocess.Process) -> set[str]:
    text = Path(f"/proc/{process.pid}/status").read_text()
    return set(re.findall(r"^Cap(?:Eff|Prm|Bnd|Amb):\s+(\w+)", text, re.MULTILINE))


async def test_it_reports_its_node_stays_true_and_leaves_the_status_behind(node: Node) -> None:
    admin = node.admin
    await admin.create()
    async with node.agent() as process:
        status = await admin.status(complete)
        assert eth0(status) == {
            "name": "eth0",
            "mac": "02:00:00:00:00:11",
            "up": True,
            "addresses": ["192.0.2.11/24", "2001:db8:2::11/64"],
        }
        assert status["defaultRoute"] == {"ipv4": {"gateway": "192.0.2.1", "interface": "eth0"}}
        assert status["proxy"] == {"healthy": True}
        assert capabilities(process) == {"0000000000000000"}
        assert memory_kib(process) < RSS_LIMIT_KIB

        node.ip("address add 192.0.2.12/24 dev eth0")
        await admin.status(lambda status: "192.0.2.12/24" in eth0(status)["addresses"])
        node.ip("route replace default via 192.0.2.2")
        await admin.status(lambda s: s["defaultRoute"]["ipv4"]["gateway"] == "192.0.2.2")
        node.ip("link set eth0 address 02:00:00:00:00:99")
        await admin.status(lambda status: eth0(status)["mac"] == "02:00:00:00:00:99")
        node.ip("link set far0 down")
        await admin.status(lambda status: eth0(status)["up"] is False)
        node.ip("link set far0 up")
        await admin.status(lambda status: eth0(status)["up"] is True)
        node.ip("link set eth0 name lan0")
        await admin.status(lambda s: [one["name"] for one in s["interfaces"]] == ["lan0"])
        node.ip("link delete lan0")
        empty = await admin.status(lambda status: not status["interfaces"])
        assert "defaultRoute" not in empty

        before = (await admin.get())["metadata"]["resourceVersion"]
        process.send_signal(signal.SIGTERM)
        _out, err = await process.communicate()
        assert process.returncode == 0
        assert b"Traceback" not in err
        assert (await admin.get())["metadata"]["resourceVersion"] == before


async def test_the_service_proxy_is_asked_and_believed(node: Node) -> None:
    admin = node.admin
    await admin.create()
    node.proxy_status = 503
    async with node.agent():
        status = await admin.status(lambda status: status["proxy"] == {"healthy": False})
        assert [c["reason"] for c in status["conditions"]] == [
            "NoManagerListens",
            "ProxyUnhealthy",
            "Reporting",
        ]
        node.proxy_status = 200
        await admin.status(lambda status: status["proxy"] == {"healthy": True})
        await node.runners.pop(PROXY_PORT).cleanup()
        await admin.status(lambda status: status["proxy"] == {"healthy": False})


async def test_switched_off_the_proxy_is_not_mentioned(node: Node) -> None:
    await node.admin.create()
    async with node.agent("--proxy-health", "off"):
        status = await node.admin.status(lambda status: status["interfaces"])
        assert "proxy" not in status


async def test_it_outlives_an_api_that_is_not_there_yet(node: Node) -> None:
    await node.runners.pop(API_PORT).cleanup()
    await node.admin.create()
    async with node.agent() as process:
        await asyncio.sleep(2)
        assert process.returncode is None
        await node.listen(API_PORT, node.admin.api.handle)
        await node.admin.status(lambda status: status["interfaces"])


async def test_a_restart_changes_nothing(node: Node) -> None:
    await node.admin.create()
    async with node.agent():
        before = await node.admin.status(complete)
    writes = node.admin.agent_writes()
    async with node.agent():
        async with asyncio.timeout(PATIENCE_S):
            while node.admin.requests("watch") < 2:
                await asyncio.sleep(0.05)
        node.ip("address add 192.0.2.12/24 dev eth0")
        after = await node.admin.status(lambda s: "192.0.2.12/24" in eth0(s)["addresses"])
        assert node.admin.agent_writes() == writes + 1, "what is new, and nothing before it"
    eth0(after)["addresses"].remove("192.0.2.12/24")
    assert after == before
