"""Writes of one kind of object, each on its own: the newest orders count, nobody waits for another.

`hand` gives it all that there is to write, and never waits. An object whose write hangs, or
is refused, delays no other: a request that takes long no longer counts among those at once,
an object that hung has a lane of its own, and the order rotates, a namespace at a time.
What is right to send is the order's own affair, asked at the moment of sending. Refuses to
know what is written, and to keep an order that the newest hand does not hold.
"""

import asyncio
import heapq
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Generic, Protocol, TypeVar

from manager.writers.outcome import Done, Failure, Outcome, Trouble
from manager.writers.troubles import Troubles

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
class Order:
    """One object to be written.

    *about*: the object as it was planned from. *can_wait*: after the others, and no faster
    than the pace.
    """

    write: Callable[[], Awaitable[Outcome]]
    about: object = None
    can_wait: bool = False


class Pace(Protocol):
    """How fast the orders that can wait go out."""

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
    """Sends orders while `run` runs. *group_of* says whose an object is, for the rotation.

    *unbelievable* is called when a watch seems to keep silent about what the server holds.
    """

    def __init__(
        self,
        what: str,
        *,
        pace: Pace | None = None,
        group_of: Callable[[K], str] = lambda _: "",
        unbelievable: Callable[[], None] = lambda: None,
    ) -> None:
        self._pace, self._group_of, self._unbelievable = pace or AtOnce(), group_of, unbelievable
        self._troubles = Troubles[K](what)
        self._orders: dict[K, Order] = {}
        self._queue: deque[K] = deque()
        self._asleep: list[tuple[float, K]] = []  # a heap: not before that time
        self._tried: dict[K, int] = {}  # when last, as a number that grows
        self._tries = 0
        self._came: dict[K, int] = {}  # with which hand
        self._hands = 0
        self._flying: dict[K, tuple[float, asyncio.Task[None]]] = {}  # since when
        self._hung: set[K] = set()
        self._conflicts: dict[K, object] = {}  # with which object each was met last
        self._closed = False
        self._stirred = asyncio.Event()

    @property
    def stuck(self) -> Mapping[K, str]:
        """Return the objects that are not written, and in which words."""
        return self._troubles.stuck

    @property
    def left(self) -> int:
        """Return how many objects wait to be written, or are under way."""
        return len(self._orders.keys() | self._flying.keys())

    def hand(self, orders: Mapping[K, Order]) -> None:
        """Take *orders* instead of all earlier ones; what is under way goes on."""
        if not orders and not self._orders and not self._tried:
            return
        self._orders = dict(orders)
        self._hands += 1
        self._came = {key: self._came.get(key, self._hands) for key in orders}
        self._tried = {
            key: tried for key, tried in self._tried.items() if key in orders or key in self._flying
        }
        for key in self._troubles.known():
            if key not in self._tried:
                self._forget(key)
        for key, about in tuple(self._conflicts.items()):
            if key in orders and orders[key].about is not about:
                self._forget(key)  # the newer object is known: nothing to wait for
        self._queue, self._asleep = deque(self._in_turn()), []
        if self._queue and self._queue[0] not in self._tried:
            self._troubles.untried_came(_now())
        self._stirred.set()

    async def run(self) -> None:
        """Send until cancelled. What an order raises is a bug, and goes through."""
        async with asyncio.TaskGroup() as group:
            while True:
                self._stirred.clear()
                until = self._start_what_may(group)
                with suppress(TimeoutError):
                    async with asyncio.timeout_at(until):
                        await self._stirred.wait()

    async def drain(self, within_s: float) -> None:
        """Send nothing more, and wait for what is under way, *within_s* at most."""
        self._closed = True
        if self._flying:
            await asyncio.wait([task for _, task in self._flying.values()], timeout=within_s)

    def _forget(self, key: K) -> None:
        self._troubles.forget(key)
        self._hung.discard(key)
        self._conflicts.pop(key, None)

    def _in_turn(self) -> Iterable[K]:
        """Return the keys: urgent before patient, never tried first, the groups in rotation.

        While the server is in trouble, who came last is tried first: those before may be what
        it chokes on.
        """
        probing = self._troubles.of_the_server
        ranks: dict[tuple[bool, int, str], int] = {}
        found = []
        for key in sorted(self._orders):
            patient, tried = self._orders[key].can_wait, self._tried.get(key, 0)
            bucket = patient, tried, self._group_of(key)
            ranks[bucket] = rank = ranks.get(bucket, 0) + 1
            late = -self._came[key] if probing and not tried else 0
            found.append((patient, tried, late, rank, key))
        return [key for *_, key in sorted(found)]

    def _start_what_may(self, group: asyncio.TaskGroup) -> float | None:
        """Start what may be sent now; return when to look again, None: when stirred."""
        now = _now()
        if self._troubles.of_the_server and now >= self._troubles.next_probe:
            self._asleep = [(0.0, key) for _, key in self._asleep]
        while self._asleep and self._asleep[0][0] <= now:
            self._queue.append(heapq.heappop(self._asleep)[1])
        aside: list[K] = []
        full_until: float | None = None
        while self._queue and not self._closed:
            key = self._queue.popleft()
            order = self._orders.get(key)
            if order is None or key in self._flying:
                continue  # when it ends, what is newer has its turn
            at = self._due_at(key, order, now)
            if at > now:
                heapq.heappush(self._asleep, (at, key))
                continue
            if key in self._hung and not self._troubles.of_the_server:
                if sum(one in self._hung for one in self._flying) >= HUNG_AT_ONCE:
                    aside.append(key)
                    continue
            elif (full_until := self._no_room_until(key, now)) is not None:
                aside.append(key)
                break
            self._start(key, order, group, now)
        self._queue.extendleft(reversed(aside))
        times = [full_until] if full_until is not None else []
        if self._asleep:
            times.append(self._asleep[0][0])
            if self._troubles.of_the_server:
                times.append(self._troubles.next_probe)
        return max(min(times), now + TICK_S) if times else None

    def _due_at(self, key: K, order: Order, now: float) -> float:
        at = self._troubles.due_at(key)
        return max(at, self._pace.ready_at(key, now)) if order.can_wait else at

    def _no_room_until(self, key: K, now: float) -> float | None:
        """Return None if *key* may be sent, else when to ask again (at the latest)."""
        since = [began for key, (began, _) in self._flying.items() if key not in self._hung]
        if self._troubles.of_the_server:
            # One probe at a time; what was never tried need not wait for one that hangs.
            waits = key in self._tried or len(self._flying) >= MOST
            group = self._group_of(key)
            if self._flying and (waits or any(self._group_of(k) == group for k in self._flying)):
                return now + 60.0
            return None if now >= self._troubles.next_probe else self._troubles.next_probe
        if len(since) >= MOST:
            return now + 60.0
        young = sorted(began for began in since if now - began < YOUNG_S)
        return None if len(young) < AT_ONCE else young[0] + YOUNG_S

    def _start(self, key: K, order: Order, group: asyncio.TaskGroup, now: float) -> None:
        self._tries += 1
        self._tried[key] = self._tries
        if order.can_wait:
            self._pace.sent(key, now)
        self._flying[key] = now, group.create_task(self._fly(key, order), name=f"write {key}")

    async def _fly(self, key: K, order: Order) -> None:
        try:
            outcome = await order.write()
        finally:
            del self._flying[key]
            self._stirred.set()
        self._ended(key, order, outcome)

    def _ended(self, key: K, order: Order, outcome: Outcome) -> None:
        now = _now()
        if isinstance(outcome, Failure):
            untried = any(one not in self._tried for one in self._orders)
            self._troubles.failed(key, outcome, now, untried=untried)
            if outcome.trouble is Trouble.SILENT:
                self._hung.add(key)
            else:
                self._hung.discard(key)
            if outcome.trouble is Trouble.CONFLICT:
                self._conflicts[key] = order.about
                if self._troubles.conflicts(key) >= CONFLICTS:
                    self._unbelievable()
        else:
            if outcome in (Done.WRITTEN, Done.GONE):
                self._hung.discard(key)
                self._conflicts.pop(key, None)
                self._troubles.passed(key, now)
                # What was put off by the server's trouble is due now.
                self._asleep = [(self._due_again(one, now, at), one) for at, one in self._asleep]
                heapq.heapify(self._asleep)
            if self._orders.get(key) is order:
                del self._orders[key]
        if key in self._orders:
            self._queue.append(key)

    def _due_again(self, key: K, now: float, at: float) -> float:
        order = self._orders.get(key)
        return at if order is None else self._due_at(key, order, now)


def _now() -> float:
    return asyncio.get_running_loop().time()
