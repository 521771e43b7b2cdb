"""The verdict about the service proxy, on the virtual clock, and over real HTTP."""

import asyncio
from collections.abc import Iterable

import aiohttp
import pytest
from aiohttp import web

from agent.adapters.proxy import ProbedProxy, UnaskedProxy, over_http
from agent.snapshot import ProxyHealth


async def verdicts(answers: Iterable[bool | None], *, for_s: float) -> list[tuple[float, str]]:
    """Return when which verdict was told; None answers never."""
    given = iter(answers)

    async def ask() -> bool:
        answer = next(given)
        if answer is None:
            await asyncio.Event().wait()
        return bool(answer)

    verdicts_seen: list[tuple[float, str]] = []
    clock = asyncio.get_running_loop().time
    proxy = ProbedProxy(ask)
    assert proxy.health is ProxyHealth.UNKNOWN
    watching = asyncio.create_task(
        proxy.watch(lambda: verdicts_seen.append((round(clock(), 3), proxy.health)))
    )
    await asyncio.sleep(for_s)
    watching.cancel()
    return verdicts_seen


@pytest.mark.looptime
@pytest.mark.parametrize(
    ("answers", "verdicts_seen"),
    [
        pytest.param([True] * 9, [(0, "healthy")], id="healthy is said once"),
        pytest.param([False] * 9, [(2, "unhealthy")], id="the second failure in a row counts"),
        pytest.param(
            [True, False, True, False, True] + [True] * 9,
            [(0, "healthy")],
            id="single failures don't",
        ),
        pytest.param(
            [True, False, False, False, True] + [True] * 9,
            [(0, "healthy"), (4, "unhealthy"), (8, "healthy")],
            id="one good answer makes it healthy again",
        ),
        pytest.param(
            [None] * 9, [(4, "unhealthy")], id="silence for a second is a failure (1 s + 2 s + 1 s)"
        ),
    ],
)
async def test_a_proxy_is_unhealthy_from_the_second_failure_in_a_row(
    answers: list[bool | None], verdicts_seen: list[tuple[float, str]]
) -> None:
    assert await verdicts(answers, for_s=11) == verdicts_seen


async def test_off_is_off_and_never_changes() -> None:
    woken: list[None] = []
    proxy = UnaskedProxy()
    await proxy.watch(lambda: woken.append(None))
    assert (proxy.health, woken) == (ProxyHealth.OFF, [])


@pytest.mark.parametrize(
    ("status", "healthy"),
    [
        pytest.param(200, True, id="200"),
        pytest.param(503, False, id="503, as kube-proxy answers when it is behind"),
        pytest.param(302, False, id="a redirect isn't followed"),
        pytest.param(404, False, id="the wrong path"),
    ],
)
async def test_answers_over_http(status: int, healthy: bool) -> None:
    async def healthz(request: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Location": "/elsewhere"})

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    async with aiohttp.ClientSession() as session:
        ask = over_http(session, f"http://127.0.0.1:{port}/healthz")
        assert await ask() is healthy
        await runner.cleanup()
        assert await ask() is False  # nobody listens any more
