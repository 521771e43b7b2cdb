"""A bare HTTP client for the contract: no models, no retries, no opinions."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp

MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
PATIENCE_S = 60.0
DOCUMENTED_S = 90.0  # until a real, young and busy server has a new CRD in its OpenAPI


@dataclass(frozen=True)
class Endpoint:
    """Where an API server is and how to be let in."""

    url: str
    tls: ssl.SSLContext | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    kubeconfig: str = ""  # path of a file for kubectl; empty = one is made from url
    real: bool = False


@dataclass(frozen=True)
class Answer:
    code: int
    body: Any
    headers: Mapping[str, str]

    @property
    def meta(self) -> dict[str, Any]:
        out: dict[str, Any] = self.body["metadata"]
        return out

    @property
    def causes(self) -> list[str]:
        """Return the fields a 422 complains about."""
        return [c.get("field", "") for c in self.body.get("details", {}).get("causes", [])]


class Client:
    def __init__(self, session: aiohttp.ClientSession, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._session = session

    async def call(
        self, method: str, path: str, body: Any = None, *, kind: str = "", **query: Any
    ) -> Answer:
        """Send *body* as JSON of media type *kind*; return whatever comes back."""
        headers = dict(self.endpoint.headers)
        if body is not None:
            headers["Content-Type"] = kind or "application/json"
        async with self._session.request(
            method,
            self.endpoint.url + path,
            params={k: str(v) for k, v in query.items()},
            data=None if body is None else json.dumps(body),
            headers=headers,
            ssl=self.endpoint.tls or True,
        ) as response:
            text = await response.text()
            shown = json.loads(text) if text[:1] in "{[" and text else text
            return Answer(response.status, shown, dict(response.headers))

    async def get(self, path: str, **query: Any) -> Answer:
        return await self.call("GET", path, **query)

    async def table(self, path: str) -> Any:
        headers = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}
        async with self._session.get(
            self.endpoint.url + path,
            headers=headers | dict(self.endpoint.headers),
            ssl=self.endpoint.tls or True,
        ) as response:
            assert response.status == 200
            return await response.json()

    async def post(self, path: str, body: Any, **query: Any) -> Answer:
        return await self.call("POST", path, body, **query)

    async def make(self, path: str, body: Any) -> Any:
        """Create and return an object; anything but 201 fails the test."""
        answer = await self.post(path, body)
        assert answer.code == 201, answer.body
        return answer.body

    async def put(self, path: str, body: Any, **query: Any) -> Answer:
        return await self.call("PUT", path, body, **query)

    async def merge(self, path: str, body: Any, **query: Any) -> Answer:
        return await self.call("PATCH", path, body, kind=MERGE, **query)

    async def strategic(self, path: str, body: Any, **query: Any) -> Answer:
        return await self.call("PATCH", path, body, kind=STRATEGIC, **query)

    async def json_patch(self, path: str, *operations: Any) -> Answer:
        return await self.call("PATCH", path, list(operations), kind=JSON_PATCH)

    async def delete(self, path: str, body: Any = None, **query: Any) -> Answer:
        return await self.call("DELETE", path, body, **query)

    @asynccontextmanager
    async def watch(self, path: str, **query: Any) -> "AsyncIterator[Watch]":
        params = {"watch": "true"} | {k: str(v) for k, v in query.items()}
        async with self._session.get(
            self.endpoint.url + path,
            params=params,
            headers=self.endpoint.headers,
            ssl=self.endpoint.tls or True,
            timeout=aiohttp.ClientTimeout(total=None),
        ) as response:
            assert response.status == 200, await response.text()
            yield Watch(response)


class Watch:
    """The lines of one watch."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def next(self) -> tuple[str, Any]:
        """Return the next event, or fail after a generous wait."""
        async with asyncio.timeout(PATIENCE_S):
            line = await self._response.content.readline()
        assert line, "the watch ended"
        event = json.loads(line)
        return event["type"], event["object"]

    async def named(self) -> tuple[str, str]:
        kind, obj = await self.next()
        return kind, obj["metadata"]["name"]

    async def rest(self) -> list[tuple[str, Any]]:
        """Return everything up to the end of the stream, which must come."""
        async with asyncio.timeout(PATIENCE_S):
            data = await self._response.content.read()
        events = [json.loads(line) for line in data.splitlines()]
        return [(e["type"], e["object"]) for e in events]


async def until(check: Any, what: str, *, patience_s: float = PATIENCE_S) -> Any:
    """Poll *check* until it returns something true; fail with *what* after a generous wait."""
    async with asyncio.timeout(patience_s):
        while not (found := await check()):
            await asyncio.sleep(0.05)
    assert found, what
    return found
