"""How one write is sent: fenced, within its time, and what became of it as an Outcome."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from manager.adapters.kubernetes.client import Kind, Overloaded, Refused
from manager.adapters.kubernetes.fence import Fence, NotLeading
from manager.adapters.kubernetes.fields import Json
from manager.writers.outcome import Done, Failure, FailureKind, Outcome
from pointsman.runtime.target import Unavailable


class Sink(Protocol):
    """What can be written to an API server."""

    async def create(self, kind: Kind, namespace: str, body: Json) -> Json: ...

    async def patch(
        self, kind: Kind, namespace: str, name: str, *, body: Json, sub: str = ""
    ) -> Json: ...

    async def delete(self, kind: Kind, namespace: str, name: str, *, body: Json) -> Json: ...


class FencedSink:
    """A Sink that sends nothing unless this replica surely leads until the write has ended."""

    def __init__(self, sink: Sink, fence: Fence) -> None:
        self._sink, self._fence = sink, fence

    async def create(self, kind: Kind, namespace: str, body: Json) -> Json:
        return await self._send(lambda: self._sink.create(kind, namespace, body))

    async def patch(
        self, kind: Kind, namespace: str, name: str, *, body: Json, sub: str = ""
    ) -> Json:
        return await self._send(lambda: self._sink.patch(kind, namespace, name, body=body, sub=sub))

    async def delete(self, kind: Kind, namespace: str, name: str, *, body: Json) -> Json:
        return await self._send(lambda: self._sink.delete(kind, namespace, name, body=body))

    async def _send(self, request: Callable[[], Awaitable[Json]]) -> Json:
        with self._fence.sending():
            try:
                async with asyncio.timeout(self._fence.write_s):
                    return await request()
            except TimeoutError as error:
                raise Unavailable("the API server did not answer a write in time") from error


async def outcome_of(write: Awaitable[Done]) -> Outcome:
    """Return what became of *write*; what no answer means goes through as a bug."""
    try:
        return await write
    except NotLeading:
        return Done.FENCED
    except Overloaded as error:
        return Failure(FailureKind.OVERLOADED, str(error), error.retry_after_s)
    except Unavailable as error:
        return Failure(FailureKind.NO_ANSWER, str(error), error.retry_after_s)
    except Refused as error:
        if error.code == 404:
            return Done.GONE
        kind = FailureKind.CONFLICT if error.code == 409 else FailureKind.REFUSED
        return Failure(kind, str(error))
