"""Writes of one kind of object, one request per key: the newest count, none waits for another.

`hand` gives it all that there is to write, and never waits. An object whose write hangs, or
is refused, delays no other: a request that takes long no longer counts among those at once,
an object that hung has a lane of its own, and namespaces take turns. Whether a request may
still be sent is its own affair, asked at the moment of sending. Refuses to know what is
written, and to retain a request that is not among those handed last.
"""

import asyncio
import heapq
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Generic, Protocol, TypeVar

from manager.writers.backoff import Backoff
from manager.writers.outcome import Done, Failure, FailureKind, Outcome

AT_ONCE: Final = 8  # young requests; the server has other clients
YOUNG_S: Final = 0.3  # a request that takes longer makes room for the next
MOST: Final = 64  # requests under way, whatever their age: as many as there are connections
HUNG_AT_ONCE: Final = 4  # of objects whose last write was not answered
TICK_S: Final = 0.001  # a timer may be early by the clock's resolution
CONFLICTS: Final = 3  # in a row with an object that the watch shows unchanged: the watch lies


class Key(Protocol):
    """What an object is known by."""

    def __lt__(self, other: Any, /) -> bool: ...

    def __hash__(self) -> int: ...


K = TypeVar("K", bound=Key)


@dataclass(frozen=True, slots=True)
class WriteRequest:
    """One object to be written.

    *planned_from*: the object as the plan saw it. *can_wait*: after the others, and no faster
    than the pace.
    """

    send: Callable[[], Awaitable[Outcome]]
    planned_from: object = None
    can_wait: bool = False


class Pace(Protocol):
    """How fast the requests that can wait go out."""

    def ready_at(self, key: object, now: float) -> float:
        """Return when *key* may be sent."""
        ...

    def sent(self, key: object, now: float) -> None:
        """Note that *key* is sent *now*."""
        ...


class AtOnce:
    """A pace without any wait."""

    def ready_at(self, key: object, now: float) -> float:
        return 0.0

    def sent(self, key: object, now: float) -> None:
        pass


class KeyedWriter(Generic[K]):
    """Sends requests while `run` runs. *group_of* is the namespace, or what else takes turns.

    *watch_lags* is called when a watch seems to have missed what the server holds.
    """

    def __init__(
        self,
        what: str,
        *,
        pace: Pace | None = None,
        group_of: Callable[[K], str] = lambda _: "",
        watch_lags: Callable[[], None] = lambda: None,
    ) -> None:
        self._pace, self._group_of, self._watch_lags = pace or AtOnce(), group_of, watch_lags
        self._backoff = Backoff[K](what)
        self._requests: dict[K, WriteRequest] = {}
        self._queue: deque[K] = deque()
        self._delayed: list[tuple[float, K]] = []  # a heap: not before that time
        self._attempted: dict[K, int] = {}  # when last, as a number that grows
        self._attempts = 0
        self._arrived: dict[K, int] = {}  # with how many hands before it
        self._hands = 0
        self._in_flight: dict[K, tuple[float, asyncio.Task[None]]] = {}  # since when
        self._hung: set[K] = set()
        self._conflicts: dict[K, object] = {}  # with which object each was met last
        self._closed = False
        self._changed = asyncio.Event()

    @property
    def stuck(self) -> Mapping[K, str]:
        """Return the objects that are not written, and in which words."""
        return self._backoff.stuck

    @property
    def left(self) -> int:
        """Return how many objects wait to be written, or are under way."""
        return len(self._requests.keys() | self._in_flight.keys())

    def hand(self, requests: Mapping[K, WriteRequest]) -> None:
        """Take *requests* instead of all earlier ones; what is under way goes on."""
        if not requests and not self._requests and not self._attempted:
            return
        self._requests = dict(requests)
        self._hands += 1
        self._arrived = {key: self._arrived.get(key, self._hands) for key in requests}
        self._attempted = {
            key: attempted
            for key, attempted in self._attempted.items()
            if key in requests or key in self._in_flight
        }
        for key in self._backoff.known():
            if key not in self._attempted:
                self._forget(key)
        for key, planned_from in tuple(self._conflicts.items()):
            if key in requests and requests[key].planned_from is not planned_from:
                self._forget(key)  # the newer object is known: nothing to wait for
        self._queue, self._delayed = deque(self._in_rotation()), []
        if self._queue and self._queue[0] not in self._attempted:
            self._backoff.untried_came(_now())
        self._changed.set()

    async def run(self) -> None:
        """Send until cancelled. What a request raises is a bug, and goes through."""
        async with asyncio.TaskGroup() as group:
            while True:
                self._changed.clear()
                until = self._start_due(group)
                with suppress(TimeoutError):
                    async with asyncio.timeout_at(until):
                        await self._changed.wait()

    async def drain(self, within_s: float) -> None:
        """Send nothing more, and wait for what is under way, *within_s* at most."""
        self._closed = True
        if self._in_flight:
            await asyncio.wait([task for _, task in self._in_flight.values()], timeout=within_s)

    def _forget(self, key: K) -> None:
        self._backoff.forget(key)
        self._hung.discard(key)
        self._conflicts.pop(key, None)

    def _in_rotation(self) -> Iterable[K]:
        """Return the keys: urgent before patient, never tried first, the groups in rotation.

        While the server fails, who came last is tried first: those before may be why it does.
        """
        probing = self._backoff.server_failing
        ranks: dict[tuple[bool, int, str], int] = {}
        found = []
        for key in sorted(self._requests):
            patient, attempted = self._requests[key].can_wait, self._attempted.get(key, 0)
            bucket = patient, attempted, self._group_of(key)
            ranks[bucket] = rank = ranks.get(bucket, 0) + 1
            late = -self._arrived[key] if probing and not attempted else 0
            found.append((patient, attempted, late, rank, key))
        return [key for *_, key in sorted(found)]

    def _start_due(self, group: asyncio.TaskGroup) -> float | None:
        """Start what may be sent now; return when to look again, None: when something changes."""
        now = _now()
        if self._backoff.server_failing and now >= self._backoff.next_probe:
            self._delayed = [(0.0, key) for _, key in self._delayed]
        while self._delayed and self._delayed[0][0] <= now:
            self._queue.append(heapq.heappop(self._delayed)[1])
        postponed: list[K] = []
        full_until: float | None = None
        while self._queue and not self._closed:
            key = self._queue.popleft()
            request = self._requests.get(key)
            if request is None or key in self._in_flight:
                continue  # when it ends, what is newer has its turn
            at = self._due_at(key, request, now)
            if at > now:
                heapq.heappush(self._delayed, (at, key))
                continue
            if key in self._hung and not self._backoff.server_failing:
                if sum(one in self._hung for one in self._in_flight) >= HUNG_AT_ONCE:
                    postponed.append(key)
                    continue
            elif (full_until := self._blocked_until(key, now)) is not None:
                postponed.append(key)
                break
            self._start(key, request, group, now)
        self._queue.extendleft(reversed(postponed))
        times = [full_until] if full_until is not None else []
        if self._delayed:
            times.append(self._delayed[0][0])
            if self._backoff.server_failing:
                times.append(self._backoff.next_probe)
        return max(min(times), now + TICK_S) if times else None

    def _due_at(self, key: K, request: WriteRequest, now: float) -> float:
        at = self._backoff.due_at(key)
        return max(at, self._pace.ready_at(key, now)) if request.can_wait else at

    def _blocked_until(self, key: K, now: float) -> float | None:
        """Return None if *key* may be sent, else when to ask again (at the latest)."""
        since = [began for key, (began, _) in self._in_flight.items() if key not in self._hung]
        if self._backoff.server_failing:
            # One probe at a time; what was never tried need not wait for one that hangs.
            waits = key in self._attempted or len(self._in_flight) >= MOST
            group = self._group_of(key)
            if self._in_flight and (
                waits or any(self._group_of(k) == group for k in self._in_flight)
            ):
                return now + 60.0
            return None if now >= self._backoff.next_probe else self._backoff.next_probe
        if len(since) >= MOST:
            return now + 60.0
        young = sorted(began for began in since if now - began < YOUNG_S)
        return None if len(young) < AT_ONCE else young[0] + YOUNG_S

    def _start(self, key: K, request: WriteRequest, group: asyncio.TaskGroup, now: float) -> None:
        self._attempts += 1
        self._attempted[key] = self._attempts
        if request.can_wait:
            self._pace.sent(key, now)
        self._in_flight[key] = now, group.create_task(self._send(key, request), name=f"write {key}")

    async def _send(self, key: K, request: WriteRequest) -> None:
        try:
            outcome = await request.send()
        finally:
            del self._in_flight[key]
            self._changed.set()
        self._ended(key, request, outcome)

    def _ended(self, key: K, request: WriteRequest, outcome: Outcome) -> None:
        now = _now()
        if isinstance(outcome, Failure):
            untried = any(one not in self._attempted for one in self._requests)
            self._backoff.failed(key, outcome, now, untried=untried)
            if outcome.kind is FailureKind.NO_ANSWER:
                self._hung.add(key)
            else:
                self._hung.discard(key)
            if outcome.kind is FailureKind.CONFLICT:
                self._conflicts[key] = request.planned_from
                if self._backoff.conflicts(key) >= CONFLICTS:
                    self._watch_lags()
        else:
            if outcome in (Done.WRITTEN, Done.GONE):
                self._hung.discard(key)
                self._conflicts.pop(key, None)
                failed = self._backoff.server_failing
                self._backoff.passed(key, now)
                if failed:  # what was put off meanwhile is due now
                    again = [(self._due_again(one, now, at), one) for at, one in self._delayed]
                    self._delayed = again
                    heapq.heapify(self._delayed)
            if self._requests.get(key) is request:
                del self._requests[key]
        if key in self._requests:
            self._queue.append(key)

    def _due_again(self, key: K, now: float, at: float) -> float:
        request = self._requests.get(key)
        return at if request is None else self._due_at(key, request, now)


def _now() -> float:
    return asyncio.get_running_loop().time()
