"""A keyed writer on a server that answers by name, on the virtual clock."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from manager.writers.keyed import KeyedWriter, WriteRequest
from manager.writers.outcome import Done, Failure, FailureKind, Outcome
from tests.manager.beside import beside

TIMEOUT_S = 5.0


def now() -> float:
    return asyncio.get_running_loop().time()


class Server:
    """Answers by name: *answers* holds what is not simply written."""

    def __init__(self) -> None:
        self.answers: dict[str, Outcome | float] = {}  # a number: answered after so many seconds
        self.latency_s = 0.01
        self.everybody: Outcome | None = None
        self.tried: list[tuple[float, str]] = []
        self.written: dict[str, float] = {}
        self.under_way: Counter[str] = Counter()
        self.most = 0

    async def write(self, key: str) -> Outcome:
        self.tried.append((now(), key))
        self.under_way[key] += 1
        self.most = max(self.most, self.under_way.total())
        try:
            answers = self.answers.get(key, self.everybody)
            if isinstance(answers, float):
                await asyncio.sleep(min(answers, TIMEOUT_S))
                if answers > TIMEOUT_S:
                    return Failure(FailureKind.NO_ANSWER, "no answer in time")
                answers = None
            await asyncio.sleep(self.latency_s)
            if answers is None:
                self.written[key] = now()
                return Done.WRITTEN
            return answers
        finally:
            self.under_way[key] -= 1

    def tries(self, prefix: str) -> int:
        return sum(key.startswith(prefix) for _, key in self.tried)


class Rig:
    def __init__(self, **options: Any) -> None:
        self.server, self.lies = Server(), 0
        self.writer = KeyedWriter[str](
            "Service",
            group_of=lambda key: key.partition("/")[0],
            watch_lags=self._lies,
            **options,
        )
        self._requests: dict[str, WriteRequest] = {}

    def _lies(self) -> None:
        self.lies += 1

    def hand(self, *keys: str, can_wait: bool = False, anew: bool = False) -> None:
        """Hand requests for *keys* that are not written yet, as a plan does at each step."""
        for key in keys:
            if anew or key not in self._requests:
                self._requests[key] = self.request(key, can_wait=can_wait)
        left = {key: self._requests[key] for key in keys if key not in self.server.written}
        self.writer.hand(left)

    def request(
        self, key: str, *, can_wait: bool = False, planned_from: object = None
    ) -> WriteRequest:
        return WriteRequest(
            lambda: self.server.write(key), planned_from=planned_from or key, can_wait=can_wait
        )

    async def until_written(self, key: str, within_s: float) -> float:
        """Return how long it took."""
        began = now()
        while key not in self.server.written:
            assert now() - began < within_s, f"{key} is not written after {within_s} s"
            await asyncio.sleep(0.02)
        return self.server.written[key] - began


@asynccontextmanager
async def running(**options: Any) -> AsyncIterator[Rig]:
    rig = Rig(**options)
    async with beside(rig.writer.run()):
        yield rig


def poisoned(count: int, namespace: str = "aaa") -> list[str]:
    return [f"{namespace}/p{number:03}" for number in range(count)]


REFUSED = Failure(FailureKind.REFUSED, "a webhook says no")
ANSWERED_500 = Failure(FailureKind.OVERLOADED, "the API server answered 500: a webhook is down")
SLOW_DOWN = Failure(FailureKind.OVERLOADED, "the API server answered 429: slow down", 1.0)
HANGS = 3600.0
