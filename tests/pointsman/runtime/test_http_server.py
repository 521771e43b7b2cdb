"""A program's pages, asked over real sockets."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.parser import text_string_to_metric_families as families

from pointsman.runtime import http_server
from pointsman.runtime.errors import Misuse
from pointsman.runtime.http_server import Pages, answering, from_here
from pointsman.runtime.listen_address import ListenAddress


class Program:
    """Something that has pages."""

    def __init__(self) -> None:
        self.unhealthy = self.unready = ""
        self.scrapes = self.plans = 0

    def pages(self) -> Pages:
        return Pages(lambda: self.unhealthy, lambda: self.unready, self._registry, self._plan)

    def _registry(self) -> CollectorRegistry:
        self.scrapes += 1
        registry = CollectorRegistry()
        Counter("scrapes", "How often.", registry=registry).inc(self.scrapes)
        return registry

    def _plan(self) -> Callable[[], bytes]:
        self.plans += 1
        return lambda: b'{"services": {}}'


@asynccontextmanager
async def asking(
    program: Program, address: str = "127.0.0.1"
) -> AsyncIterator[aiohttp.ClientSession]:
    async with answering(ListenAddress(address, 0), program.pages()) as port:
        shown = f"[{address}]" if ":" in address else address or "127.0.0.1"
        async with aiohttp.ClientSession(f"http://{shown}:{port}") as session:
            yield session


async def test_health_and_readiness_are_a_status_and_a_sentence() -> None:
    program = Program()
    async with asking(program) as http:
        for page in ("/healthz", "/readyz"):
            async with http.get(page) as answer:
                assert (answer.status, await answer.text()) == (200, "ok\n")
        program.unhealthy, program.unready = "it hangs", "not in sync"
        for page, sentence in (("/healthz", "it hangs\n"), ("/readyz", "not in sync\n")):
            async with http.get(page) as answer:
                assert (answer.status, await answer.text()) == (503, sentence)


async def test_metrics_are_text_that_prometheus_reads_in_both_formats() -> None:
    async with asking(Program()) as http:
        async with http.get("/metrics") as answer:
            assert answer.headers["Content-Type"].startswith("text/plain")
            (found,) = [one for one in families(await answer.text()) if one.name == "scrapes"]
            assert [one.value for one in found.samples if one.name == "scrapes_total"] == [1.0]
        accepts = {"Accept": "application/openmetrics-text; version=1.0.0"}
        async with http.get("/metrics", headers=accepts) as answer:
            assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
            assert (await answer.text()).endswith("# EOF\n")


async def test_who_asks_without_pause_costs_one_answer_a_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http_server, "FRESH_S", 3600.0)
    program = Program()

    async def scrape(http: aiohttp.ClientSession, page: str) -> None:
        async with http.get(page) as answer:
            assert answer.status == 200

    async with asking(program) as http:
        pages = ["/metrics", "/debug/plan"] * 20
        await asyncio.gather(*(scrape(http, page) for page in pages))
    assert (program.scrapes, program.plans) == (1, 1)


async def test_what_was_made_long_ago_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "FRESH_S", 0.0)
    program = Program()
    async with asking(program) as http:
        for _ in range(3):
            async with http.get("/metrics") as answer:
                await answer.read()
    assert program.scrapes == 3


async def test_the_plan_is_for_this_machine() -> None:
    async with asking(Program()) as http, http.get("/debug/plan") as answer:
        assert (answer.status, answer.content_type) == (200, "application/json")
        assert json.loads(await answer.text()) == {"services": {}}


@pytest.mark.parametrize(
    ("remote", "here"),
    [
        *(("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("::ffff:127.0.0.1", True)),
        *(("192.0.2.1", False), ("2001:db8::1", False), ("::ffff:192.0.2.1", False), ("", False)),
    ],
)
def test_who_is_on_this_machine(remote: str, here: bool) -> None:
    assert from_here(remote) is here


async def test_the_plan_is_nobody_elses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "from_here", lambda _: False)
    program = Program()
    async with asking(program) as http, http.get("/debug/plan") as answer:
        assert answer.status == 403
        assert "for this machine alone" in await answer.text()
    assert program.plans == 0


async def test_every_address_means_every_one() -> None:
    async with asking(Program(), "") as http, http.get("/healthz") as answer:
        assert answer.status == 200


async def test_a_busy_port_is_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Misuse, match=rf"--http 127.0.0.1:{port}: another program listens"):
            async with answering(ListenAddress("127.0.0.1", port), Program().pages()):
                pass


async def test_an_address_of_another_machine_is_a_sentence() -> None:
    with pytest.raises(Misuse, match=r"--http 192.0.2.77:9472: this machine has no such address"):
        async with answering(ListenAddress("192.0.2.77", 9472), Program().pages()):
            pass
