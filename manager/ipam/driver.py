"""The IPAM of one Eip: read back, and brought to what the newest plan has for it.

`reading` is what it held last, and costs nothing; `hand` takes what it should hold, and never
waits. `run` does the rest in a task of its own, so an IPAM that hangs delays nobody but who
waits for an address of it. Every replica reads; only the leader is handed anything, and each
request that changes something passes the fence when it is sent.

Nothing is concluded from an IPAM that does not answer: its last reading stands. Nothing is
released while the Services may not be what they seem. Refuses to choose addresses, and to judge.
"""

import asyncio
from collections.abc import Awaitable, Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from typing import Final, TypeVar

from manager.ipam.bounded import Bounded
from manager.ipam.quarantine import Quarantine
from manager.ipam.reading import Deed, Readings
from manager.ipam.retries import Retries
from manager.ipam.slot import Shell, Slot
from manager.ipam.work import Describe, Put, Reserve, is_wanted, name, source_work, touched
from manager.ports import SOURCE_AT_ONCE, AddressSource, NotLeading, SourceRefused
from pointsman.model.reservation import (
    Reservation,
    ReservationState,
    SourceReading,
)
from pointsman.runtime.loop import exponential
from pointsman.runtime.target import Unavailable

POLL_S: Final = 25.0  # what somebody changes there is to be seen within a minute
LONGEST_PAUSE_S: Final = 30.0  # between two tries while it does not answer
NEWS_S: Final = 0.2  # of a long piece of work, so often
LOOK_AGAIN_S: Final = 1.0  # while releases are paused, or the lease is about to lapse
TICK_S: Final = 0.001  # a timer may be early by the clock's resolution
T = TypeVar("T")


class SourceDriver:
    """One IPAM, as one Eip sees it; *eip* names it in logs and counters."""

    def __init__(
        self, source: AddressSource, *, eip: str, quarantine_s: float, shell: Shell
    ) -> None:
        self._source, self._eip, self._shell = source, eip, shell
        self._now = shell.clock.monotonic
        self._readings = Readings(eip, wall=shell.clock.wall)
        self._retries, self._quarantine = Retries(), Quarantine(quarantine_s)
        self._bounded, self._failed_puts = Bounded(SOURCE_AT_ONCE), 0
        self._slot: Slot | None = None
        self._todo, self._nudged = asyncio.Event(), asyncio.Event()
        self._read_at: float | None = None  # None: to be read before anything else is done
        self._woken_for, self._woken_at = self._readings.published, -NEWS_S
        self._releases_from, self._release_delays = 0.0, _delays()

    @property
    def reading(self) -> SourceReading:
        """Return what the IPAM held when it answered last; the same object while it is the same."""
        return self._readings.published

    def hand(self, slot: Slot | None) -> None:
        """Have the IPAM brought to *slot*'s plan; None: this replica does not lead."""
        before = self._slot
        if slot is None or before is None or not slot.equals(before):
            self._slot = slot
            self._todo.set()

    async def run(self) -> None:
        """Converge, and keep the reading current, until cancelled."""
        delays = _delays()
        try:
            while True:
                self._todo.clear()
                self._nudged.clear()
                try:
                    pause_s = await self._look()
                    delays = _delays()
                except NotLeading:  # somebody else does; `hand` says when it is our turn
                    pause_s = min(LOOK_AGAIN_S, self._until_read_s)
                except Unavailable as error:
                    self._tell(at_once=True)
                    self._read_at = None
                    pause_s = max(self._jittered(next(delays)), error.retry_after_s)
                    await self._wait(self._nudged, pause_s)  # whatever is handed meanwhile
                    continue
                await self._wait(self._todo, pause_s)
        finally:
            await self._source.close()

    def look_now(self) -> None:
        """Ask again at once: what it did not answer for may have been put right."""
        self._read_at = None
        self._nudged.set()
        self._todo.set()

    async def _wait(self, event: asyncio.Event, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await event.wait()

    async def _look(self) -> float:
        """Read if it is time, do what there is to do; return when to look again, in seconds.

        Raises:
            Unavailable: it does not answer.
        """
        if self._until_read_s <= 0:
            await self._observe()
            self._tell(at_once=True)
        try:
            waits_s = await self._converge()
        finally:
            self._tell(at_once=True)
        return min(waits_s, self._until_read_s)

    @property
    def _until_read_s(self) -> float:
        left_s = 0.0 if self._read_at is None else self._read_at + POLL_S - self._now()
        return left_s if left_s > TICK_S else 0.0

    async def _observe(self) -> None:
        began = self._now()
        try:
            found = await self._asked("observe", self._source.observe())
        except Unavailable as error:
            self._readings.fails(Deed.READ, str(error))
            raise
        self._readings.passes(Deed.READ)
        self._quarantine.read(found.reservations, now=self._now())
        self._readings.read(found, self._slot.plan if self._slot is not None else None)
        self._read_at = began

    async def _converge(self) -> float:
        """Do the newest slot's work; return in how many seconds some more of it is due.

        Raises:
            Unavailable: the IPAM does not answer, or this replica does not lead any more.
        """
        while (slot := self._slot) is not None and self._readings.known:
            work = source_work(slot.plan, self._readings.last, planned_from=slot.planned_from)
            self._retries.retain({*map(name, work.puts), *(one.id for one in work.surplus)})
            self._readings.refuse(self._retries.refusals, unreleased=self._retries.unreleased)
            now = self._now()
            puts = [one for one in work.puts if self._retries.due(name(one), one, now=now)]
            for held in (True, False):  # what is asked for could get what is in use and missing
                some = [one for one in puts if one.held is held]
                await self._bounded.do(some, self._put, touches=touched)
            if puts:
                continue
            if not work.puts:
                self._readings.passes(Deed.PUT)
            due, waits_s = self._due(work.surplus, at_once=slot.plan.leaving)
            if not due:
                waits_s = min(waits_s, self._retries.next_s(now=now, otherwise=POLL_S))
                return max(LOOK_AGAIN_S, waits_s)
            for one in due:
                if self._slot is not slot or not await self._give_back(one, slot):
                    break  # look at the newest plan, or at what is there, before the next
                self._tell()
            if self._read_at is None:
                return 0.0
        return POLL_S

    async def _put(self, put: Put) -> bool:
        """Ask for *put*; return whether it was asked: a newer plan may do without."""
        slot, failed = self._slot, self._failed_puts
        if slot is None or not is_wanted(put, slot.plan):
            return False
        try:
            with self._sending(slot):
                if isinstance(put, Reserve):
                    deed = self._source.reserve(put.key, put.request)
                    entry = await self._asked("reserve", deed)
                else:
                    deed = self._source.describe(put.reservation, put.key, put.request.holder)
                    entry = await self._asked("describe", deed)
        except SourceRefused as refusal:
            self._retries.refused(name(put), put, str(refusal), now=self._now())
            if isinstance(put, Describe):
                self._read_at = None  # it is not what was read
        except NotLeading:
            raise
        except Unavailable as error:
            self._failed_puts += 1
            self._retries.unanswered(name(put), put, str(error), now=self._now())
            self._readings.fails(Deed.PUT, str(error))
            raise
        else:
            self._retries.passed(name(put))
            self._stands(entry)
            # What was sent before another failed does not tell that this trouble is over.
            if failed == self._failed_puts and self._readings.passes(Deed.PUT):
                self._retries.answers_again()
        self._tell()
        return True

    def _due(
        self, surplus: tuple[Reservation, ...], *, at_once: bool
    ) -> tuple[list[Reservation], float]:
        """Return what of *surplus* may go on its way now, and when to look again, in seconds.

        *at_once*: no quarantine is waited for.
        """
        now, due, waits_s = self._now(), list[Reservation](), POLL_S
        if not surplus:
            self._readings.passes(Deed.RELEASE)
            return due, waits_s
        if not self._shell.releasing():
            return due, LOOK_AGAIN_S
        if now < self._releases_from:
            return due, self._releases_from - now
        for one in surplus:
            left_s = 0.0 if at_once else self._quarantine.left_s(one, now=now)
            if one.state is ReservationState.QUARANTINED and left_s > 0:
                waits_s = min(waits_s, left_s)
            elif self._retries.due(one.id, one, now=now):
                due.append(one)
        return due, waits_s

    async def _give_back(self, one: Reservation, slot: Slot) -> bool:
        """Quarantine or release *one*; return whether that was done."""
        held = one.state is ReservationState.HELD
        stays = held and self._quarantine.seconds > 0 and not slot.plan.leaving
        try:
            with self._sending(slot):
                if stays:
                    await self._asked("quarantine", self._source.quarantine(one))
                else:
                    await self._asked("release", self._source.release(one))
        except NotLeading:
            raise
        except (SourceRefused, Unavailable) as error:
            self._read_at = None  # it is not what was read, or may not be any more
            if isinstance(error, SourceRefused):
                self._retries.refused(one.id, one, str(error), now=self._now())
            else:  # no new address waits for that
                self._retries.unanswered(one.id, one, str(error), now=self._now())
                self._readings.fails(Deed.RELEASE, str(error))
                pause_s = max(next(self._release_delays), error.retry_after_s)
                self._releases_from = self._now() + pause_s
            return False
        self._retries.passed(one.id)
        self._readings.passes(Deed.RELEASE)
        self._release_delays = _delays()
        if stays:
            self._stands(replace(one, state=ReservationState.QUARANTINED))
        else:
            self._readings.drop(one)
        return True

    def _stands(self, entry: Reservation) -> None:
        self._readings.put(entry)
        self._quarantine.read(self._readings.last.reservations, now=self._now())

    def _sending(self, slot: Slot) -> AbstractContextManager[None]:
        """Check that *slot* may be acted upon now; count what is sent as under way.

        Raises:
            NotLeading: this replica does not lead, or does again since it was planned.
        """
        if slot.term != self._shell.leader.term:
            raise NotLeading("this was planned in an earlier term; nothing was written")
        return self._shell.leader.fence.sending()

    async def _asked(self, kind: str, request: Awaitable[T]) -> T:
        """Return the answer to *request*, counted."""
        result = "failed"
        try:
            answer = await request
            result = "done"
        except SourceRefused:
            result = "refused"
            raise
        finally:
            self._shell.counted(self._eip, kind, result)
        return answer

    def _tell(self, *, at_once: bool = False) -> None:
        """Have it looked at, if it says something else than when that was done last."""
        now = self._now()
        if self._woken_for is not self.reading and (at_once or now - self._woken_at >= NEWS_S):
            self._woken_for, self._woken_at = self.reading, now
            self._shell.wake()

    def _jittered(self, delay_s: float) -> float:
        return delay_s * self._shell.chance.uniform(0.7, 1.0)


def _delays() -> Iterator[float]:
    return exponential(1.0, LONGEST_PAUSE_S)
