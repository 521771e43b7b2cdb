"""The health of the node's service proxy, asked over HTTP. It asks this node only.

A proxy that fails once may be busy; one that fails twice in a row is unhealthy, and one
good answer makes it healthy again.
"""

import asyncio
from collections.abc import Awaitable, Callable

import aiohttp

from agent.snapshot import ProxyHealth

Ask = Callable[[], Awaitable[bool]]


class ProbedProxy:
    """The port ``ServiceProxy`` for a proxy that can be asked."""

    def __init__(
        self, ask: Ask, *, every_s: float = 2.0, patience_s: float = 1.0, failures: int = 2
    ) -> None:
        self._ask, self._every_s, self._patience_s = ask, every_s, patience_s
        self._failures_to_fail, self._failures = failures, 0
        self._health = ProxyHealth.UNKNOWN

    @property
    def health(self) -> ProxyHealth:
        return self._health

    async def watch(self, wake: Callable[[], None]) -> None:
        """Ask for ever; call *wake* when the verdict changes."""
        while True:
            before = self._health
            self._judge(await self._answered())
            if self._health is not before:
                wake()
            await asyncio.sleep(self._every_s)

    async def _answered(self) -> bool:
        try:
            async with asyncio.timeout(self._patience_s):
                return await self._ask()
        except TimeoutError:
            return False

    def _judge(self, healthy: bool) -> None:
        self._failures = 0 if healthy else self._failures + 1
        if healthy:
            self._health = ProxyHealth.HEALTHY
        elif self._failures >= self._failures_to_fail:
            self._health = ProxyHealth.UNHEALTHY


class UnaskedProxy:
    """The port ``ServiceProxy`` where there is none to ask (``--proxy-health off``)."""

    health = ProxyHealth.OFF

    async def watch(self, wake: Callable[[], None]) -> None:
        """Return at once: nothing here ever changes."""


def over_http(session: aiohttp.ClientSession, url: str) -> Ask:
    """Return a question to *url*: any 2xx is healthy, anything else isn't."""

    async def ask() -> bool:
        try:
            # A redirect isn't followed: health is asked of this node and nobody else.
            async with session.get(url, allow_redirects=False) as response:
                return 200 <= response.status < 300
        except (aiohttp.ClientError, OSError):
            return False

    return ask
