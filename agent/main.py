"""The agent put together: the only module that knows every adapter, and the task group."""

import asyncio
import contextlib
import importlib.metadata
import logging
import random
import signal
import socket
import time
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

from agent.adapters.api import ApiAnnouncer
from agent.adapters.client import lasting_socket
from agent.adapters.kubeconfig import Access, NoAccess, from_file, in_cluster
from agent.adapters.netlink import KernelNetwork
from agent.adapters.proxy import ProbedProxy, UnaskedProxy, over_http
from agent.ports import ServiceProxy
from agent.reconcile import Agent
from agent.snapshot import NodeName, Settings
from pointsman.runtime.clock import Clock
from pointsman.runtime.errors import Misuse
from pointsman.runtime.log_once import LogOnce
from pointsman.runtime.loop import Loop

log = logging.getLogger("agent")


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line decided, checked."""

    node: NodeName
    access: Access
    proxy_url: str  # "" means the proxy isn't asked


def version() -> str:
    """Return the version of the installed package; a bare checkout has none."""
    try:
        return importlib.metadata.version("pointsman")
    except importlib.metadata.PackageNotFoundError:
        return "0+checkout"


def reach(kubeconfig: Path | None, environment: Mapping[str, str]) -> Access:
    """Return how to speak to the API server.

    Raises:
        Misuse: there is no way, and the sentence says what to give.
    """
    try:
        return from_file(kubeconfig) if kubeconfig else in_cluster(environment)
    except NoAccess as error:
        raise Misuse(str(error)) from error


async def run(options: Options) -> None:
    """Report until SIGTERM or SIGINT; the status stays as it is then."""
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    connector = aiohttp.TCPConnector(socket_factory=lasting_socket)
    async with aiohttp.ClientSession(connector=connector) as session:
        await until(stopping, _work(options, session))
    log.info("stopped; the status of Announcer %s stays", options.node)


async def until(stopping: asyncio.Event, work: Coroutine[Any, Any, None]) -> None:
    """Do *work* until *stopping* is set; an end of its own is its own to explain: it raises."""
    working, stop = asyncio.create_task(work), asyncio.create_task(stopping.wait())
    await asyncio.wait((working, stop), return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    working.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await working


async def _work(options: Options, session: aiohttp.ClientSession) -> None:
    links = KernelNetwork()
    proxy: ServiceProxy = (
        ProbedProxy(over_http(session, options.proxy_url)) if options.proxy_url else UnaskedProxy()
    )
    announcer = ApiAnnouncer(
        session,
        options.access,
        node=options.node,
        clock=Clock(monotonic=time.monotonic, wall=lambda: datetime.now(UTC)),
        chance=random.Random(),
    )
    settings = Settings(
        node=options.node,
        version=version(),
        proxy_url=options.proxy_url,
        host=socket.gethostname()[:253],
    )
    agent = Agent(settings, links=links, proxy=proxy, announcer=announcer)
    loop = Loop(agent.step, on_unavailable=LogOnce(log).log)
    log.info("node %s, API server %s", options.node, options.access.server)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(links.watch(loop.wake))
        tasks.create_task(proxy.watch(loop.wake))
        tasks.create_task(announcer.watch(loop.wake))
        tasks.create_task(loop.run())
