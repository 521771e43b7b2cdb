"""The agent put together: the only module that knows every adapter, and the task group."""

import asyncio
import contextlib
import logging
import random
import secrets
import signal
import socket
import time
from collections.abc import AsyncIterator, Coroutine, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import aiohttp

from agent.adapters.api import ApiAnnouncer
from agent.adapters.arriving import PacketArrivals
from agent.adapters.assignment_file import AssignmentFile
from agent.adapters.capabilities import may_change_network
from agent.adapters.client import lasting_socket
from agent.adapters.gateways import GatewayProbes
from agent.adapters.heartbeat import UdpHeartbeats
from agent.adapters.key_file import private_key
from agent.adapters.kubeconfig import Access, NoAccess, from_file, in_cluster
from agent.adapters.netlink import KernelNetwork
from agent.adapters.proxy import ProbedProxy, UnaskedProxy, over_http
from agent.adapters.responders import PacketResponders
from agent.duties import Duties
from agent.heartbeats import Exchange
from agent.kernel_keeper import KernelKeeper
from agent.looks import Looks
from agent.ports import KernelHost, ServiceProxy
from agent.reconcile import Agent
from agent.remembered import RememberedAnnouncer
from agent.snapshot import NodeName, Settings
from pointsman.runtime.clock import Clock
from pointsman.runtime.errors import Misuse
from pointsman.runtime.listen_address import ListenAddress
from pointsman.runtime.log_once import LogOnce
from pointsman.runtime.loop import Loop
from pointsman.runtime.tasks import ended
from pointsman.runtime.version import version
from pointsman.wire.heartbeat import BOOT_OCTETS
from pointsman.wire.heartbeat_keys import key_text, public_half

WORK_GAP_S: Final = 0.02  # between two looks at what is assigned: a revocation waits no longer
log = logging.getLogger("agent")


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line decided, checked."""

    node: NodeName
    access: Access
    proxy_url: str  # "" means the proxy isn't asked
    state_dir: Path  # where the heartbeats' key and the last assignment are kept
    announce_rate: int  # announcements a second and interface
    kernel_lease_s: int  # how long the kernel holds what an agent that is gone put there
    http: ListenAddress | None = None  # None: it answers nobody


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
    """Report until SIGTERM or SIGINT; the status stays as it is then.

    Raises:
        Misuse: the address for HTTP cannot be listened on, and the sentence says why.
    """
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
    await ended(working)


async def _work(options: Options, session: aiohttp.ClientSession) -> None:
    clock = Clock(monotonic=time.monotonic, wall=lambda: datetime.now(UTC))
    links = KernelNetwork()
    proxy: ServiceProxy = (
        ProbedProxy(over_http(session, options.proxy_url)) if options.proxy_url else UnaskedProxy()
    )
    api = ApiAnnouncer(
        session, options.access, node=options.node, clock=clock, chance=random.Random()
    )
    memory = AssignmentFile(options.state_dir, options.node)
    announcer = RememberedAnnouncer(api, memory, clock.monotonic)
    private = private_key(options.state_dir, secrets.token_bytes)
    paths = GatewayProbes()
    heartbeats = UdpHeartbeats(
        Exchange(options.node, private, secrets.token_bytes(BOOT_OCTETS)),
        chance=random.Random(),
        links_down=lambda: paths.down,
    )
    responders = PacketResponders(
        announce_rate=options.announce_rate,
        chance=random.Random(),
        clock=clock,
        look=Looks(announcer, heartbeats).look,
        looked=lambda: work.wake(),
    )
    kernel = KernelKeeper(
        _kernel_host,
        net_admin=may_change_network(),
        lease_s=options.kernel_lease_s,
    )
    arrivals = PacketArrivals(clock)
    duties = Duties(announcer, links, responders, kernel, arrivals)
    work = Loop(duties.step, min_interval_s=WORK_GAP_S, on_unavailable=LogOnce(log).log)
    agent = Agent(
        _settings(options, private),
        links=links,
        proxy=proxy,
        announcer=announcer,
        heartbeats=heartbeats,
        paths=paths,
        responders=responders,
        kernel=kernel,
        arrivals=arrivals,
    )
    loop = Loop(agent.step, on_unavailable=LogOnce(log).log)

    def assigned() -> None:
        work.wake()
        loop.wake()

    def rewired() -> None:
        duties.network_changed()
        assigned()

    log.info("node %s, API server %s", options.node, options.access.server)
    async with (
        _answering(options, loop, api, responders, arrivals, kernel),
        asyncio.TaskGroup() as tasks,
    ):
        tasks.create_task(links.watch(rewired))
        tasks.create_task(proxy.watch(loop.wake))
        tasks.create_task(announcer.watch(assigned))
        tasks.create_task(heartbeats.watch(loop.wake))
        tasks.create_task(responders.run(loop.wake))
        tasks.create_task(kernel.run(loop.wake))
        tasks.create_task(arrivals.run(loop.wake))
        tasks.create_task(memory.run())
        tasks.create_task(paths.run())
        tasks.create_task(work.run())
        tasks.create_task(loop.run())


async def _kernel_host() -> KernelHost:
    """Return the kernel, to be changed.

    Why here, and in a thread: only nodes with something to hold pay for the library, and it takes
    half a second to load, in which others ask by ARP.
    """

    def loaded() -> KernelHost:
        from agent.adapters.kernel_host import NetlinkHost

        return NetlinkHost()

    return await asyncio.to_thread(loaded)


def _settings(options: Options, private: bytes) -> Settings:
    return Settings(
        node=options.node,
        version=version(),
        proxy_url=options.proxy_url,
        host=socket.gethostname()[:253],
        public_key=key_text(public_half(private)),
    )


@contextlib.asynccontextmanager
async def _answering(
    options: Options,
    loop: Loop,
    announcer: ApiAnnouncer,
    responders: PacketResponders,
    arrivals: PacketArrivals,
    kernel: KernelKeeper,
) -> AsyncIterator[None]:
    """Answer HTTP while the context lasts, where that was asked for."""
    if options.http is None:
        yield
        return
    # Why here: what nobody asked for weighs nothing.
    from agent.adapters import metrics
    from pointsman.runtime.http_server import answering

    counters = metrics.Counters()
    announcer.ended = counters.requested
    sources = metrics.Sources(
        version=version(),
        node=options.node,
        busy_since=lambda: loop.busy_since,
        watch_age_s=lambda: announcer.silent_s,
        announced=lambda: responders.announced,
        held=lambda: kernel.held,
        withheld=lambda: len(responders.withheld) + len(kernel.withheld),
        conflicts=lambda: len(responders.conflicts),
        answers=lambda: responders.totals,
        unacknowledged=lambda: responders.silent,
        arriving=lambda: arrivals.counted,
    )
    async with answering(options.http, metrics.pages(sources, counters)):
        yield
