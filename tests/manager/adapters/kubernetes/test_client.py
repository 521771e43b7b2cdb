"""The client over HTTP: what it sends, and what it makes of an answer or of none."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from manager.adapters.kubernetes.client import (
    NODES,
    Refused,
    connect,
)
from pointsman.runtime import outage
from pointsman.runtime.target import Unavailable
from standin.in_process import serving
from standin.server import Api, start
from tests.manager.adapters.kubernetes.standin_cluster import (
    Cluster,
    kubeconfig,
)


async def test_the_token_of_a_kubeconfig_is_sent(tmp_path: Path) -> None:
    seen: list[str] = []
    server = Api()
    handle = server.handle

    async def noting(request):
        seen.append(request.headers.get("Authorization", ""))
        return await handle(request)

    server.handle = noting  # type: ignore[method-assign]
    async with serving(server) as url:
        path = kubeconfig(tmp_path / "k", url, token="secret")
        async with connect(path) as api:
            await api.list_page(NODES, {})
    assert seen == ["Bearer secret"]


async def test_nobody_listens(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path / "k", "http://127.0.0.1:9")
    async with connect(path) as api:
        with pytest.raises(Unavailable, match="no answer from the API server"):
            await api.list_page(NODES, {})


async def test_a_redirect_that_is_not_followed_shows_no_secret(tmp_path: Path) -> None:
    """300 leaves the choice to whoever asked (RFC 9110 section 15.4.1); the page has the links."""
    server, where = Api(), "https://user:s3cret@sso.example.com/login?s3cret"

    async def choices(_: web.Request) -> web.StreamResponse:
        page = '<a href="/login?s3cret">Here</a>'
        return web.Response(status=300, text=page, headers={"Location": where})

    server.handle = choices  # type: ignore[method-assign, assignment]
    async with serving(server) as url, connect(kubeconfig(tmp_path / "k", url)) as api:
        with pytest.raises(Refused) as caught:
            await api.list_page(NODES, {})
    assert str(caught.value) == "a redirect to https://…@sso.example.com/login?…"


async def test_what_does_not_exist_is_refused_with_its_code(cluster: Cluster) -> None:
    with pytest.raises(Refused, match="not found") as caught:
        await cluster.api.get(NODES, "", "nobody")
    assert (caught.value.code, caught.value.reason) == (404, "NotFound")


async def test_no_kubeconfig_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"No access to a cluster: .*Name a kubeconfig"):
        async with connect(tmp_path / "absent"):
            pass


async def test_that_the_server_answers_again_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever kind of no answer it was, and however many asked."""
    monkeypatch.setattr(outage, "WORTH_TELLING_S", 0.0)
    api = Api()
    with caplog.at_level("INFO", logger="manager.adapters.kubernetes.client"):
        async with serving(api) as url, connect(kubeconfig(tmp_path / "c", url)) as kube:
            for code in (503, 500):
                api.trouble({"code": code, "count": 3})
                for _ in range(3):
                    with pytest.raises(Unavailable):
                        await kube.get(NODES, "", "node1")
                assert caplog.messages == []
                with pytest.raises(Refused):  # there is no such Node: an answer
                    await kube.get(NODES, "", "node1")
                await kube.list_page(NODES, {})
                assert caplog.messages == ["the API server answers again, after 0 s"]
                caplog.clear()
        async with connect(kubeconfig(tmp_path / "d", url)) as kube:  # nobody listens there now
            for _ in range(2):
                with pytest.raises(Unavailable):
                    await kube.list_page(NODES, {})
            async with serving_at(url):
                await kube.list_page(NODES, {})
                await kube.list_page(NODES, {})
    assert caplog.messages == ["the API server answers again, after 0 s"]


@asynccontextmanager
async def serving_at(url: str) -> AsyncIterator[None]:
    runner, _ = await start(Api(), port=int(url.rpartition(":")[2]))
    try:
        yield
    finally:
        await runner.cleanup()
