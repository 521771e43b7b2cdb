"""What a request of an agent to its API server comes to where something else answers."""

import logging

import aiohttp
import pytest
from aiohttp import web

from agent.adapters.client import Client, Refused
from agent.adapters.kubeconfig import Access
from pointsman.runtime.outage import Outage
from standin.in_process import serving
from standin.server import Api


async def test_a_redirect_is_not_followed_and_shows_no_secret() -> None:
    """A proxy's: its body repeats its Location."""
    where = "https://user:s3cret@sso.example.com/login?s3cret"
    asked: list[str] = []

    async def redirect(request: web.Request) -> web.StreamResponse:
        asked.append(request.path)
        body = f'<a href="{where}">Found</a>. <a href="/login?s3cret">Here</a>.'
        return web.Response(status=302, text=body, headers={"Location": where})

    api = Api()
    api.handle = redirect  # type: ignore[method-assign]
    async with serving(api) as url, aiohttp.ClientSession() as session:
        client = Client(session, Access(url), Outage("the API server", log=logging.getLogger()))
        with pytest.raises(Refused) as refused:
            async with client.call("GET", "/api", params={}):
                pass
    assert asked == ["/api"]
    assert str(refused.value) == (
        "the API server refused GET /api with 302: a redirect to https://…@sso.example.com/login?…"
    )
