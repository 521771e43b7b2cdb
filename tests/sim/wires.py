"""What lies between a manager and its two systems, and what goes wrong there. Seeded.

`Wire` leads to the API server, `Line` to the speaker. Both are slow, lose questions and
answers, and can be cut. A watch may skip, repeat and go back. Refuses to invent: no watch
reports a deletion that never was, because no manager could tell.
"""

import asyncio
import inspect
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import grpc

from manager.adapters.kubernetes.client import LEASES, Kind, Refused
from manager.adapters.kubernetes.fields import Json
from pointsman.runtime.target import Unavailable
from tests.fakes.gobgp import FakeGobgpd, failure
from tests.fakes.kube import FakeKube

T = TypeVar("T")
REMEMBERED = 6  # events that a watch may repeat


@dataclass(slots=True)
class Weather:
    """How bad things are between one manager and the rest. Chances are per message."""

    latency_s: float = 0.01
    loss: float = 0.0  # an error instead of an answer; what was asked may have been done
    conflicts: float = 0.0  # 409, as if somebody had been quicker
    skipped: float = 0.0  # of watch events
    repeated: float = 0.0
    lag_s: float = 0.0  # watch events come as late as this
    reading_s: float = 0.0  # between two entries of a table: what arrives is old
    replaced: float = 0.0  # of answers of a speaker that is another one when they arrive
    deaf: bool = False  # the speaker's events come when this is over
    cut: bool = False  # no answer at all
    hung: float = 0.0  # of writes: they arrive late or never, and are not answered in time
    leaseless: bool = False  # only leases are not answered: leading ends, and writes still pass


class Wire:
    """One replica's way to the API server. *arrives* hears of every write that gets there."""

    request_timeout_s = 5.0

    def __init__(
        self, api: FakeKube, rng: random.Random, *, arrives: Callable[[Kind, str], None]
    ) -> None:
        self._api, self._rng, self._arrives = api, rng, arrives
        self.weather = Weather()
        self.dead = False  # the process is gone: nothing leaves any more
        self._late: set[asyncio.Task[None]] = set()

    async def list_page(
        self, kind: Kind, params: Mapping[str, str], *, limit: int, after: str
    ) -> Json:
        return await self._carry(
            lambda: self._api.list_page(kind, params, limit=limit, after=after)
        )

    async def get(self, kind: Kind, namespace: str, name: str) -> Json:
        self._ask(kind)
        return await self._carry(lambda: self._api.get(kind, namespace, name))

    async def create(self, kind: Kind, namespace: str, body: Json) -> Json:
        return await self._write(
            kind, body["metadata"]["name"], lambda: self._api.create(kind, namespace, body)
        )

    async def patch(
        self,
        kind: Kind,
        namespace: str,
        name: str,
        *,
        body: Json,
        sub: str = "",
        manager: str = "",
    ) -> Json:
        own = manager.startswith("pointsman-speaker-")  # what every replica may write
        assert not own or list(body["status"]) == ["speakers"]

        async def call() -> Json:
            return await self._api.patch(kind, namespace, name, body=body, sub=sub)

        return await (self._carry(call) if own else self._write(kind, name, call))

    async def delete(self, kind: Kind, namespace: str, name: str, *, body: Json) -> Json:
        return await self._write(
            kind, name, lambda: self._api.delete(kind, namespace, name, body=body)
        )

    @asynccontextmanager
    async def watch(
        self, kind: Kind, params: Mapping[str, str], *, version: str, timeout_s: int
    ) -> AsyncIterator[AsyncIterator[Json]]:
        await self._pass()
        async with self._api.watch(kind, params, version=version, timeout_s=timeout_s) as events:
            yield self._mangled(events)

    def _ask(self, kind: Kind) -> None:
        if kind is LEASES and self.weather.leaseless:
            raise Unavailable("the API server answered 500: no leases today")

    async def _write(self, kind: Kind, name: str, call: Callable[[], Awaitable[Json]]) -> Json:
        self._ask(kind)

        if kind is not LEASES and self._rng.random() < self.weather.hung:
            return await self._hang(kind, name, call)

        async def arrived() -> Json:
            if kind is not LEASES and self._rng.random() < self.weather.conflicts:
                raise Refused(409, "Conflict", "somebody was quicker")
            self._arrives(kind, name)
            return await call()

        return await self._carry(arrived)

    async def _hang(self, kind: Kind, name: str, call: Callable[[], Awaitable[Json]]) -> Json:
        """Let a write arrive while its time lasts, or never; nobody hears of it."""

        async def arrives() -> None:
            await asyncio.sleep(self._rng.uniform(0, 0.99 * self.request_timeout_s))
            if not self.dead:
                self._arrives(kind, name)
                with suppress(Refused, Unavailable):
                    await call()

        if self._rng.random() < 0.5:
            task = asyncio.create_task(arrives())
            self._late.add(task)
            task.add_done_callback(self._late.discard)
        await asyncio.sleep(2 * self.request_timeout_s)
        raise Unavailable("no answer in time")

    async def _carry(self, call: Callable[[], Awaitable[T]]) -> T:
        await self._pass()
        answer = await call()
        await self._pass()
        return answer

    async def _pass(self) -> None:
        if self.dead:
            raise Unavailable("the process is gone")
        await asyncio.sleep(self._rng.uniform(0, 2 * self.weather.latency_s))
        if self.weather.cut:
            await asyncio.sleep(self.request_timeout_s)
            raise Unavailable("no answer in time")
        if self._rng.random() < self.weather.loss:
            raise Unavailable("the API server answered 500: trouble")

    async def _mangled(self, events: AsyncIterator[Json]) -> AsyncIterator[Json]:
        remembered: list[Json] = []
        async with aclosing(events) as stream:  # type: ignore[type-var]
            async for event in stream:
                late_s = 2 * self.weather.latency_s + self.weather.lag_s
                await asyncio.sleep(self._rng.uniform(0, late_s))
                while self.weather.cut:
                    await asyncio.sleep(1.0)
                    if not self.weather.cut:
                        raise Unavailable("connection reset")
                if self._rng.random() < self.weather.skipped:
                    continue
                yield event
                if event["type"] != "DELETED":  # repeated, it would be one that never was
                    remembered = [*remembered, event][-REMEMBERED:]
                else:
                    remembered = [one for one in remembered if _about(one) != _about(event)]
                if remembered and self._rng.random() < self.weather.repeated:
                    yield self._rng.choice(remembered)


def _about(event: Json) -> tuple[str, str]:
    meta = event["object"]["metadata"]
    return meta.get("namespace", ""), meta["name"]


class Line:
    """One manager's way to its speaker: a stub that takes time and may fail."""

    def __init__(self, daemon: FakeGobgpd, rng: random.Random) -> None:
        self._daemon, self._rng = daemon, rng
        self.weather = Weather(latency_s=0.001)
        self.dead = False

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._daemon, name)
        return partial(self._stream if inspect.isasyncgenfunction(method) else self._ask, method)

    async def _ask(self, method: Callable[..., Awaitable[T]], *args: Any, **named: Any) -> T:
        await self._pass()
        answer = await method(*args, **named)
        if self._rng.random() < self.weather.replaced:
            self._daemon.replace()
        await self._pass()
        return answer

    async def _stream(
        self, method: Callable[..., AsyncIterator[T]], *args: Any, **named: Any
    ) -> AsyncIterator[T]:
        await self._pass()
        lives, reading_s = self._daemon.lives, self.weather.reading_s
        try:
            async for one in method(*args, **named):
                await self._until_delivered(method)
                if reading_s:  # as slow as it began
                    await asyncio.sleep(self._rng.uniform(0, 2 * reading_s))
                    if lives != self._daemon.lives:
                        raise failure("Socket closed", grpc.StatusCode.UNAVAILABLE)
                yield one
        finally:
            await self._until_delivered(method)

    async def _until_delivered(self, method: Callable[..., object]) -> None:
        while self.weather.deaf and method == self._daemon.WatchEvent:
            await asyncio.sleep(0.1)

    async def _pass(self) -> None:
        if self.dead:
            raise failure("the process is gone", grpc.StatusCode.UNAVAILABLE)
        await asyncio.sleep(self._rng.uniform(0, 2 * self.weather.latency_s))
        if self.weather.cut:
            await asyncio.sleep(5.0)
            raise failure("Deadline Exceeded", grpc.StatusCode.DEADLINE_EXCEEDED)
        if self._rng.random() < self.weather.loss:
            raise failure("Socket closed", grpc.StatusCode.UNAVAILABLE)
