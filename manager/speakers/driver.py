"""One of this replica's speakers: read back, and brought to what the newest plan has for it.

`reading` is what it held last, and costs nothing; `hand` takes what it should hold, and never
waits. `run` does the rest in tasks of its own: converges, follows its sessions, reads its
tables again. So a speaker that hangs delays nobody but itself.

The tables are read back, never remembered beyond what it acknowledged; a change waits for
no reading, because the tables are read again beside the work. Another process is known by its
identity, asked for after every sign of one: an event, trouble, age. Until we start it, it
takes nothing from us, so a sign that is late costs a refusal, no more. While a speaker does
not answer, what it last held counts for a grace period, because routers may still believe it.
The tasks share one state, so they stand in one file.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Final

from manager.planner.desired import SpeakerPlan
from manager.ports import Refused, Speaker
from manager.snapshot import Observed
from manager.speakers.applied_log import AppliedLog
from manager.speakers.availability import SESSIONS_UNKNOWN_S, TICK_S, Availability
from manager.speakers.daemon_state import POLL_S, DaemonState
from manager.speakers.parts import parts
from manager.speakers.reading import reading, unchanged
from manager.speakers.route_times import RouteTimes
from manager.speakers.sessions import Sessions
from manager.speakers.slot import Slot, prefixes
from pointsman.model.address import Prefix
from pointsman.model.route import SpeakerIdentity
from pointsman.runtime.clock import Clock
from pointsman.runtime.loop import exponential
from pointsman.runtime.target import Unavailable

log = logging.getLogger(__name__)

AWAIT_BFD_S: Final = 5.0  # BFD comes up after its session, and without an event
PROBE_S: Final = 1.0  # one that hangs gives no sign, and is missed in time
SETTLE_S: Final = 0.2  # session events come in bursts
LONGEST_PAUSE_S: Final = 5.0  # between two tries while it does not answer
NEWS_S: Final = 1.0  # of a long piece of work, so often


class SpeakerDriver:
    """One speaker. *wake* is called when what is read of it has changed.

    *index*: which of the replica's it is. It stands in the keys of routes outside only.
    """

    def __init__(
        self, speaker: Speaker, *, clock: Clock, wake: Callable[[], None], index: int = 0
    ) -> None:
        self._speaker, self._clock, self._wake = speaker, clock, wake
        self.called = f"speaker {index}" if index else "the speaker"
        self._daemon = DaemonState(speaker, index=index, now=clock.monotonic)
        self._availability = Availability(self.called, now=clock.monotonic, wake=wake)
        self._sessions, self._sessions_read = Sessions(clock.monotonic), False  # since it answers
        self._last = self._published = Observed(fresh=False, known=False)
        self._refused = ""  # why it did not start as it was asked to last
        self._slot: Slot | None = None
        self._coming: frozenset[Prefix] = frozenset()  # paths of which the newest slot puts
        self._under_way: frozenset[Prefix] = frozenset()  # of which are being put
        self._todo = asyncio.Event()
        self._todo.set()
        self._applied, self.times = AppliedLog(self.called), RouteTimes()

    @property
    def reading(self) -> Observed:
        """Return what the speaker held when it answered last; not fresh when it does not.

        The same object while it says the same: whoever plans from it sees that at a glance.
        """
        now = reading(
            self._last,
            self._sessions,
            putting=self._coming | self._under_way,
            silent_s=self._availability.silent_s,
        )
        if not unchanged(self._published, now):
            self._published = now
        return self._published

    def hand(self, plan: SpeakerPlan, planned_from: Observed) -> None:
        """Have the speaker brought to *plan*, planned when *planned_from* was read of it.

        A speaker that was never read is handed nothing: what it holds is not known.
        """
        if not self._last.known:
            return
        if plan.identity is None:
            self._slot, self._coming = None, frozenset()
            return
        self._slot = slot = Slot(plan, planned_from)
        self._last = self._daemon.adopt(self._last, slot.plan)
        self._coming = prefixes(slot.work.routes.put)
        self.times.handed(changes=bool(slot.work.routes))
        if slot.work or planned_from.identity != plan.identity:
            self._todo.set()

    def _wake_if_unknown(self) -> None:
        if not self._last.known:  # it never answered: others need not wait for it any longer
            self._wake()

    def recheck_identity(self) -> None:
        """Have the speaker asked who it is, at the next reading: it may be another process."""
        self._daemon.recheck_identity()

    async def run(self) -> None:
        """Converge, and keep the readings current, until cancelled."""
        asyncio.get_running_loop().call_later(SESSIONS_UNKNOWN_S + TICK_S, self._wake_if_unknown)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._converge(), name=f"converge {self.called}")
            group.create_task(self._watch(), name=f"sessions of {self.called}")
            group.create_task(self._probe(), name=f"whether {self.called} answers")

    async def _converge(self) -> None:
        delays = exponential(cap_s=LONGEST_PAUSE_S)
        while True:
            self._todo.clear()
            pause_s: float | None = None
            try:
                await self._observe()
                while await self._advance():
                    pass
                delays = exponential(cap_s=LONGEST_PAUSE_S)
            except Refused as refusal:
                log.debug("%s: %s", self.called, refusal)
                pause_s = next(delays)
            except Unavailable as error:
                self._lost(error)
                pause_s = max(next(delays), error.retry_after_s)
            self._applied.write()
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._todo.wait()

    async def _observe(self) -> None:
        """Read what is in doubt, and make it known."""
        identity = await self._daemon.who()
        if identity is None:  # up, and empty: sessions and routes went with its predecessor
            self._daemon.doubt()
            self._sessions.note({})
            self._sessions_read = False
            seen = Observed(refused=self._refused)
        else:
            if not self._sessions_read:  # or every start would say that all sessions are down
                self._sessions.note(await self._speaker.sessions())
                self._sessions_read = True
            seen = await self._tables(identity)
        self._under_way = frozenset()  # what became of it has been read
        if self._availability.answered() or seen != self._last:
            self._last = seen
            self._wake()

    async def _tables(self, identity: SpeakerIdentity) -> Observed:
        seen = await self._daemon.observe(identity)
        return replace(seen, sessions=self._sessions.now)  # as they are after that

    async def _advance(self) -> bool:
        """Do the newest slot's work, part by part; return whether to ask again.

        A newer slot is taken up between two parts: what must go does not wait behind all that
        is to come.

        Raises:
            Unavailable: it went away in the middle; what is missing is seen when it is back.
        """
        slot = self._slot
        if slot is None:
            return False
        if self._last.identity != slot.plan.identity:
            await self._start(slot.plan.identity)
            return True
        work, news_at = slot.against(self._last), self._clock.monotonic() + NEWS_S
        if not work:
            self._done(slot)
            return False
        for part in parts(work):
            self._under_way = prefixes(part.work.put) if part.table == "routes" else frozenset()
            try:
                await self._daemon.apply(part)
            except BaseException:
                self._daemon.doubt()
                raise
            self._applied.count(part)
            identity = self._last.identity
            if identity is None or self._daemon.identity_in_doubt:  # a sign of another process
                break
            self._last, self._under_way = await self._tables(identity), frozenset()
            if self._slot is not slot or self._todo.is_set():
                break
            if self._clock.monotonic() >= news_at:
                self._wake()
                news_at += NEWS_S
        else:
            self._done(slot)
        self._wake()  # conditions say what the speakers hold
        if self._daemon.identity_in_doubt:
            await self._observe()
        return True

    def _done(self, slot: Slot) -> None:
        self._last = self._daemon.adopt(self._last, slot.plan)
        if self._slot is slot:
            self._coming = frozenset()
            self.times.done()

    async def _start(self, identity: SpeakerIdentity | None) -> None:
        assert identity is not None, "a slot without identity is none"
        log.info("start %s: AS %s, %s", self.called, identity.asn, identity.router_id)
        self._daemon.doubt()
        before, self._refused = self._refused, ""
        try:
            await self._speaker.start(identity)
        except Refused as refusal:
            self._refused = str(refusal)
            if self._refused != before:
                self._last = replace(self._last, refused=self._refused)
                self._wake()  # a condition says so: look again
            raise
        await self._observe()
        if self._last.identity != identity:
            raise Unavailable(f"{self.called} went away right after it was started")

    async def _watch(self) -> None:
        """Keep the reports of the sessions current, and the tables true."""
        changed = asyncio.Event()
        changed.set()

        async def follow() -> None:
            async for _ in self._speaker.changes():
                self.recheck_identity()  # a session turned, or the daemon is another one now
                self._todo.set()
                changed.set()

        async with asyncio.TaskGroup() as group:
            group.create_task(follow(), name="session events")
            wait_s = POLL_S
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait_s):
                        await changed.wait()
                        await asyncio.sleep(SETTLE_S)
                if changed.is_set():
                    changed.clear()
                    self._daemon.doubt_peers()
                    self._todo.set()
                    await self._refresh()
                    wait_s = AWAIT_BFD_S if self._sessions.awaits_bfd else POLL_S
                else:
                    await self._refresh()
                    await self._audit()
                    wait_s = POLL_S

    async def _probe(self) -> None:
        """Notice a speaker that hangs: its connection stands, and nothing else asks it."""
        while True:
            await asyncio.sleep(PROBE_S)
            if self._availability.silent_s is not None:
                continue  # it is asked already
            began = self._clock.monotonic()
            try:
                await self._speaker.probe()
            except Unavailable as error:
                self._lost(error, since=began)
                self._todo.set()

    async def _audit(self) -> None:
        """Read everything again, beside the work; have it looked at if it had drifted."""
        try:
            async for _ in self._daemon.audit():
                self._todo.set()
        except Unavailable as error:
            self._lost(error)
            self._todo.set()

    async def _refresh(self) -> None:
        """Read the sessions again; wake the reconciler if they are not what they were."""
        try:
            sessions = await self._speaker.sessions()
        except Unavailable as error:
            self._lost(error)
            self._todo.set()
            return
        self._sessions_read = True
        if sessions != self._sessions.now:
            self._sessions.note(sessions)
            if self._last.identity is not None:
                self._last = replace(self._last, sessions=sessions)
                self._wake()

    def _lost(self, error: Unavailable, *, since: float | None = None) -> None:
        """Take note that it does not answer; *since*: when it was asked, if that is known."""
        self._daemon.doubt()
        self._sessions_read = False
        self._availability.lost(error, since=since)
