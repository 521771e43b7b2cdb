"""The program itself, with NET_RAW alone, answering on a LAN: its API comes, freezes and goes."""

import asyncio
import contextlib
import os
import re
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from agent.adapters.assignment_file import FILE
from lab.network import netns
from standin.kubeconfig import kubeconfig
from standin.server import MAX_BODY, Api
from tests.agent.adapters.lan import NODE_MAC, Lan, lan
from tests.agent.standin import NODE, PATIENCE_S, Admin

pytestmark = pytest.mark.lab
ROOT = Path(__file__).resolve().parents[2]
API_PORT = 6443
RSS_LIMIT_KIB = 44 * 1024
FOUR, SIX = "192.0.2.100", "2001:db8:2::100"
RIGHTS = {"with NET_RAW": "-all,+net_raw", "without": "-all"}


@dataclass
class Node:
    """The node of a LAN, with an API that can be taken away."""

    wires: Lan
    admin: Admin
    home: Path
    runner: web.AppRunner | None = None

    async def serve(self) -> None:
        app = web.Application(client_max_size=MAX_BODY)
        app.router.add_route("*", "/{path:.*}", self.admin.api.handle)
        self.runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.5)
        await self.runner.setup()
        listener = netns.listener(self.wires.namespace("node"), "127.0.0.1", API_PORT)
        await web.SockSite(self.runner, listener).start()

    async def stop_serving(self) -> None:
        if self.runner is not None:
            await self.runner.cleanup()
            self.runner = None

    async def assign(self, *addresses: str, **more: Any) -> None:
        entry = {"interface": "eth0", "responder": "Node", "addresses": list(addresses), **more}
        await self.admin.assign([entry] if addresses else [])

    @contextlib.asynccontextmanager
    async def agent(self, rights: str = "with NET_RAW") -> AsyncIterator[Process]:
        caps = RIGHTS[rights]
        process = await asyncio.create_subprocess_exec(
            *netns.entering(
                self.wires.namespace("node"),
                [
                    *("setpriv", "--pdeathsig", "KILL", f"--bounding-set={caps}"),
                    *(f"--inh-caps={caps}", f"--ambient-caps={caps}", "--no-new-privs"),
                    "--securebits=+noroot,+noroot_locked",
                    *(sys.executable, "-m", "agent", "--node", NODE, "--proxy-health", "off"),
                    *("--kubeconfig", str(self.home / "kubeconfig")),
                    *("--state-dir", str(self.home / "state")),
                ],
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

    async def answers(self, address: str = FOUR) -> set[str]:
        ask = self.wires.ndisc6 if ":" in address else self.wires.arping
        return await asyncio.to_thread(ask, address)

    async def answered(self, *, by: set[str], address: str = FOUR) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while await self.answers(address) != by:
                await asyncio.sleep(0.05)


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    api = Api()
    (tmp_path / "kubeconfig").write_text(kubeconfig(f"http://127.0.0.1:{API_PORT}"))
    with lan() as wires:
        wires.ip("node", "link set lo up")
        app = web.Application(client_max_size=MAX_BODY)
        app.router.add_route("*", "/{path:.*}", api.handle)
        outside = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.5)
        await outside.setup()
        await web.TCPSite(outside, "127.0.0.1", 0).start()
        async with aiohttp.ClientSession() as session:
            admin = Admin(session, f"http://127.0.0.1:{outside.addresses[0][1]}", api)
            made = Node(wires, admin, tmp_path)
            await made.serve()
            await admin.install()
            await admin.create()
            yield made
            await made.stop_serving()
        await outside.cleanup()


def memory_kib(process: Process) -> int:
    text = Path(f"/proc/{process.pid}/status").read_text()
    found = re.search(r"^VmRSS:\s+(\d+) kB", text, re.MULTILINE)
    assert found
    return int(found[1])


async def until(look: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not look():
            await asyncio.sleep(0.05)


async def test_it_answers_while_it_is_assigned_and_says_what_it_executes(
    node: Node, say: Callable[[str], None]
) -> None:
    await node.assign(FOUR, SIX)
    async with node.agent() as process:
        await node.answered(by={NODE_MAC})
        await node.answered(by={NODE_MAC}, address=SIX)
        generation = (await node.admin.get())["metadata"]["generation"]
        status = await node.admin.status(lambda s: s.get("observedGeneration") == generation)
        assert not {"withheld", "conflicts"} & status.keys()
        memory = memory_kib(process)
        say(f"agent that answers for 2 addresses: {memory / 1024:.1f} MiB")
        assert memory < RSS_LIMIT_KIB
        await node.assign()
        await node.answered(by=set())
        assert await node.answers(SIX) == set()


async def test_without_net_raw_each_address_says_what_to_do(node: Node) -> None:
    await node.assign(FOUR, SIX)
    async with node.agent("without"):
        status = await node.admin.status(lambda s: len(s.get("withheld", [])) == 2)
        assert {one["address"] for one in status["withheld"]} == {FOUR, SIX}
        assert all("NET_RAW" in one["reason"] for one in status["withheld"])
        assert await node.answers() == set()


async def test_killed_it_leaves_nothing_and_restarted_it_goes_on(node: Node) -> None:
    await node.assign(FOUR)
    async with node.agent() as process:
        await node.answered(by={NODE_MAC})
        process.send_signal(signal.SIGKILL)
        await process.wait()
        assert await node.answers() == set()
    async with node.agent():
        await node.answered(by={NODE_MAC})


async def test_an_api_that_goes_changes_nothing(node: Node) -> None:
    await node.assign(FOUR)
    async with node.agent() as process:
        await node.answered(by={NODE_MAC})
        await node.stop_serving()
        for _ in range(3):
            assert await node.answers() == {NODE_MAC}
        assert process.returncode is None


async def test_after_a_boot_without_an_api_it_probes_and_goes_on(node: Node) -> None:
    await node.assign(FOUR, SIX)
    async with node.agent():
        await node.answered(by={NODE_MAC})
        await until(lambda: FOUR in _stored(node))
    await node.stop_serving()
    node.wires.ip("stranger", f"addr add {SIX}/64 dev eth0 nodad")
    async with node.agent():
        await node.answered(by={NODE_MAC})
        stranger = await node.answers(SIX)
        assert NODE_MAC not in stranger
        assert len(stranger) == 1, "what somebody has meanwhile stays with them"
        await node.serve()
        # The API's word, and then it is ours to defend: both answer until somebody lets go.
        await node.admin.status(lambda s: s.get("observedGeneration"))
        assert (os.stat(node.home / "state" / FILE).st_mode & 0o777) == 0o600


def _stored(node: Node) -> str:
    path = node.home / "state" / FILE
    return path.read_text() if path.exists() else ""
