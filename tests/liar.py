"""A stand-in API behind a proxy that garbles its answers, as long as it is told to."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from standin.server import Api
from tests.oddities import LINES, WHOLE, garbled


class Liar:
    """Answers with *share* of the truth garbled; 0: it only passes on."""

    def __init__(self, server: Api, rng: random.Random) -> None:
        self.server, self.rng, self.share = server, rng, 0.0
        self.lies = 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        lying = self.rng.random() < self.share
        self.lies += lying
        if lying and "watch" in request.query:
            return await self._watch(request)
        response = await self.server.handle(request)
        if not lying or not isinstance(response, web.Response):
            return response
        body = response.body if isinstance(response.body, bytes) else b""
        status = self.rng.choice([200, 200, 201, 404, 409, 422, 500, response.status])
        return web.Response(body=garbled(body, self.rng), status=status, headers=response.headers)

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        """A few lines that are no events; then the end, or silence for a while."""
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(self.rng.randint(0, 3)):
            line = self.rng.choice([*WHOLE.values(), *LINES.values()])
            await response.write(line.replace(b"\n", b" ") + b"\n")
        await asyncio.sleep(self.rng.uniform(0, 0.2))
        return response


@asynccontextmanager
async def lying(server: Api, *, seed: int) -> AsyncIterator[tuple[Liar, str]]:
    """Serve a Liar; yield it and its URL."""
    liar = Liar(server, random.Random(seed))
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", liar.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield liar, f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
