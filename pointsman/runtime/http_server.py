"""What a program answers over HTTP: /healthz, /readyz, /metrics, and /debug/plan to this machine.

It shows what is there already. Nothing is decided, changed or waited for because somebody
asks; what takes long to put together is put together in a thread, and at most once a second.
"""

import asyncio
import errno
import logging
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Final

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from pointsman.runtime.errors import Misuse
from pointsman.runtime.listen_address import ListenAddress
from pointsman.runtime.os_errors import os_error_text

FRESH_S: Final = 1.0  # an answer that took work is given again for so long
IDLE_S: Final = 30.0  # a connection that asks nothing is closed
CLOSING_S: Final = 0.5
CANNOT: Final = {
    errno.EADDRINUSE: "another program listens there already: give another port",
    errno.EADDRNOTAVAIL: "this machine has no such address: give one that `ip address` shows",
    errno.EACCES: "this user may not open such a port: give one above 1023",
}
log = logging.getLogger(__name__)

Text = Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Pages:
    """What a program says of itself. All are called on its event loop, and don't wait.

    *registry* and *plan* note what is so now; what they return is worked out in a thread.
    """

    unhealthy: Callable[[], str]  # a sentence: it should be restarted; "": it is well
    unready: Callable[[], str]  # a sentence: it does not do its work yet; "": it does
    registry: Callable[[], CollectorRegistry]
    plan: Callable[[], Text] | None = None  # as JSON; None: it makes none


@asynccontextmanager
async def answering(listen: ListenAddress, pages: Pages) -> AsyncIterator[int]:
    """Answer at *listen* while the context lasts; yields the port.

    Raises:
        Misuse: that cannot be listened on, and the sentence says why.
    """
    runner = web.AppRunner(
        _application(pages),
        access_log=None,
        keepalive_timeout=IDLE_S,
        shutdown_timeout=CLOSING_S,
    )
    await runner.setup()
    try:
        try:
            await web.SockSite(runner, _listening(listen)).start()
        except OSError as error:
            why = CANNOT.get(error.errno or 0, os_error_text(error))
            raise Misuse(f"--http {listen}: {why}.") from error
        log.info("answering HTTP at %s", listen)
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


def _listening(listen: ListenAddress) -> socket.socket:
    """Return a socket that listens there; what refuses it has its errno (asyncio loses some)."""
    where = (listen.address, listen.port)
    if listen.address:
        family = socket.AF_INET6 if ":" in listen.address else socket.AF_INET
        return socket.create_server(where, family=family)
    if socket.has_dualstack_ipv6():
        return socket.create_server(where, family=socket.AF_INET6, dualstack_ipv6=True)
    return socket.create_server(where)


def _application(pages: Pages) -> web.Application:
    application = web.Application()
    metrics = _Metrics(pages.registry)
    application.router.add_get("/healthz", _verdict(pages.unhealthy))
    application.router.add_get("/readyz", _verdict(pages.unready))
    application.router.add_get("/metrics", metrics.answer)
    if pages.plan is not None:
        application.router.add_get("/debug/plan", _Plan(pages.plan).answer)
    return application


def _verdict(trouble: Callable[[], str]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(_: web.Request) -> web.Response:
        sentence = trouble()
        return web.Response(status=503 if sentence else 200, text=f"{sentence or 'ok'}\n")

    return answer


class _Once:
    """A text that is worked out in a thread, and not again within a second."""

    def __init__(self) -> None:
        self._under_way = asyncio.Lock()
        self._made: dict[str, tuple[float, bytes]] = {}

    async def get(self, kind: str, begin: Callable[[], Text]) -> bytes:
        async with self._under_way:
            at, text = self._made.get(kind, (-FRESH_S, b""))
            if time.monotonic() - at >= FRESH_S:
                text = await asyncio.to_thread(begin())
                self._made = {kind: (time.monotonic(), text)}
            return text


class _Metrics:
    def __init__(self, registry: Callable[[], CollectorRegistry]) -> None:
        self._registry, self._once = registry, _Once()

    async def answer(self, request: web.Request) -> web.Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))

        def begin() -> Text:
            registry = self._registry()
            return lambda: encode(registry)

        body = await self._once.get(content_type, begin)
        return web.Response(body=body, headers={"Content-Type": content_type})


class _Plan:
    def __init__(self, plan: Callable[[], Text]) -> None:
        self._plan, self._once = plan, _Once()

    async def answer(self, request: web.Request) -> web.Response:
        if not from_here(request.remote or ""):
            text = "/debug/plan is for this machine alone: ask 127.0.0.1 or [::1] on it.\n"
            return web.Response(status=403, text=text)
        body = await self._once.get("", self._plan)
        return web.Response(body=body, content_type="application/json")


def from_here(remote: str) -> bool:
    """Whether an address that a client has is one of the loopback's."""
    try:
        address = ip_address(remote)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback
