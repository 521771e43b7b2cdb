"""One of this replica's speakers: read back, and brought to what the newest plan says of it.

`reading` is what it held last, and costs nothing; `hand` takes what it should hold, and never
waits. `run` does the rest in tasks of its own: converges, follows its sessions, reads its
tables again. So a speaker that hangs delays nobody but itself.

The tables are read back, never remembered beyond what it acknowledged; a change waits for
no reading, because the tables are read again beside the work. Another process is known by its
identity, asked for after every sign of one: an event, trouble, age. Until we start it, it
takes nothing from us, so a sign that is late costs a refusal, no more. While a speaker does
not answer, what it last held counts for a grace period, because routers may still believe it.

Longer than other files: its tasks share one state, and apart it would not show who changes it.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Final

from manager.planner.desired import Speech
from manager.ports import Refused, Speaker
from manager.snapshot import Observed
from manager.speakers.indexed import Indexed
from manager.speakers.parts import Part, parts
from manager.speakers.sessions import Sessions
from manager.speakers.slot import Slot, prefixes
from pointsman.model.address import Prefix
from pointsman.model.route import SpeakerIdentity
from pointsman.runtime.clock import Clock
from pointsman.runtime.loop import exponential
from pointsman.runtime.readback import ReadBack
from pointsman.runtime.target import Unavailable

log = logging.getLogger(__name__)

# How long a silent speaker's last routes count as still there: routers may believe it so long.
GRACE_S: Final = 30.0
UNHEARD_S: Final = 5.0  # a sidecar is replaced in less; from then on its sessions are unknown
TICK_S: Final = 0.1  # a timer may be early by the clock's resolution
POLL_S: Final = 30.0  # docs/bgp.md: counts are read again at most this often
OLD_S: Final = 10 * POLL_S  # a reading so old, for want of a quiet moment, is not waited for
AUDIT_SHARE: Final = 50  # reading the tables again takes a fiftieth of the time at most
RIPEN_S: Final = 5.0  # BFD comes up after its session, and without an event
PROBE_S: Final = 1.0  # one that hangs gives no sign, and is missed within UNHEARD_S
SETTLE_S: Final = 0.2  # session events come in bursts
LONGEST_PAUSE_S: Final = 5.0  # between two tries while it does not answer
NEWS_S: Final = 1.0  # of a long piece of work, so often
IN_WORDS: Final = {"exports": "export rules", "routes": "paths", "neighbors": "neighbors"}


class SpeakerDriver:
    """One speaker. *wake* is called when what is read of it has changed.

    *index*: which of the replica's it is. It stands in the keys of routes outside only.
    """

    def __init__(
        self, speaker: Speaker, *, clock: Clock, wake: Callable[[], None], index: int = 0
    ) -> None:
        self._speaker, self._clock, self._wake = speaker, clock, wake
        self.called = f"speaker {index}" if index else "the speaker"
        now = clock.monotonic
        self._exports = ReadBack(speaker.exports, now=now, max_age_s=OLD_S)
        routes = Indexed(speaker.routes, index) if index else speaker.routes
        self._routes = ReadBack(routes, now=now, max_age_s=OLD_S)
        self._neighbors = ReadBack(speaker.neighbors, now=now, max_age_s=OLD_S)
        self._audit_from = now()  # not before
        self._identity: SpeakerIdentity | None = None
        self._asked_at: float | None = None  # when its identity was; None: ask again
        self._sessions = Sessions(now)
        self._heard = False  # whether they were read since the speaker answers
        self._last = Observed(fresh=False, known=False)
        self._silent_since: float | None = now()  # until it has answered once
        self._complained = False
        self._refused = ""  # what it said when it was started last, if it would not
        self._slot: Slot | None = None
        self._coming: frozenset[Prefix] = frozenset()  # paths of which the newest slot puts
        self._under_way: frozenset[Prefix] = frozenset()  # of which are being put
        self._todo = asyncio.Event()
        self._todo.set()
        self._applied: dict[str, tuple[int, int]] = {}  # what the log does not say yet

    @property
    def reading(self) -> Observed:
        """Return what the speaker held when it answered last; not fresh when it does not."""
        silent_s = self._silent_s()
        if silent_s is None:
            aged = self._sessions.aged(self._last.sessions)
            return replace(self._with_puts(self._last), sessions=aged)
        unheard = silent_s > UNHEARD_S
        if not self._last.known:
            return Observed(fresh=False, unheard=unheard, known=unheard, silent_s=silent_s)
        last = Observed() if silent_s > GRACE_S else self._with_puts(self._last)
        sessions = {} if unheard else self._sessions.aged(last.sessions)
        return replace(last, sessions=sessions, fresh=False, unheard=unheard, silent_s=silent_s)

    def hand(self, speech: Speech, planned_from: Observed) -> None:
        """Have the speaker brought to *speech*, planned when *planned_from* was read of it.

        A speaker that was never read is handed nothing: what it holds is not known.
        """
        if not self._last.known:
            return
        if speech.identity is None:
            self._slot, self._coming = None, frozenset()
            return
        self._slot = slot = Slot(speech, planned_from)
        self._coming = prefixes(slot.work.routes.put)
        if slot.work or planned_from.identity != speech.identity:
            self._todo.set()

    def _wake_if_unknown(self) -> None:
        if not self._last.known:  # it never answered: others need not wait for it any longer
            self._wake()

    def recheck_identity(self) -> None:
        """Have the speaker asked who it is, at the next reading: it may be another process."""
        self._asked_at = None

    async def run(self) -> None:
        """Converge, and keep the readings current, until cancelled."""
        asyncio.get_running_loop().call_later(UNHEARD_S + TICK_S, self._wake_if_unknown)
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
            except Unavailable as trouble:
                self._lost(trouble)
                pause_s = max(next(delays), trouble.retry_after_s)
            self._log_applied()
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._todo.wait()

    async def _observe(self) -> None:
        """Read what is in doubt, and make it known."""
        identity = await self._who()
        if identity is None:  # up, and empty: sessions and routes went with its predecessor
            self._doubt()
            self._sessions.note({})
            self._heard = False
            seen = Observed(refused=self._refused)
        else:
            if not self._heard:  # or every start would say that all sessions are down
                self._sessions.note(await self._speaker.sessions())
                self._heard = True
            seen = await self._tables(identity)
        if self._silent_since is not None and self._complained:
            log.info("%s answers again", self.called)
        back, self._silent_since, self._complained = self._silent_since, None, False
        self._under_way = frozenset()  # what became of it has been read
        if back is not None or seen != self._last:
            self._last = seen
            self._wake()

    async def _tables(self, identity: SpeakerIdentity) -> Observed:
        return Observed(
            identity=identity,
            exports=await self._exports.observe(),
            routes=await self._routes.observe(),
            neighbors=await self._neighbors.observe(),
            sessions=self._sessions.now,
        )

    async def _who(self) -> SpeakerIdentity | None:
        """Return who the speaker runs as."""
        now = self._clock.monotonic()
        if self._asked_at is None or now - self._asked_at >= OLD_S:
            self._asked_at = now  # before we ask: a sign that comes meanwhile counts
            self._identity = await self._speaker.identity()
        if self._identity is None:
            self._asked_at = None
        return self._identity

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
        if self._last.identity != slot.speech.identity:
            await self._start(slot.speech.identity)
            return True
        work, news_at = slot.against(self._last), self._clock.monotonic() + NEWS_S
        if not work:
            self._done(slot)
            return False
        for part in parts(work):
            self._under_way = prefixes(part.work.put) if part.table == "routes" else frozenset()
            try:
                await self._do(part)
            except BaseException:
                self._doubt()
                raise
            self._count(part)
            identity = self._last.identity
            if identity is None or self._asked_at is None:  # a sign of another process
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
        if self._asked_at is None:
            await self._observe()
        return True

    def _done(self, slot: Slot) -> None:
        if self._slot is slot:
            self._coming = frozenset()

    async def _start(self, identity: SpeakerIdentity | None) -> None:
        assert identity is not None, "a slot without identity is none"
        log.info("start %s: AS %s, %s", self.called, identity.asn, identity.router_id)
        self._doubt()
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

    async def _do(self, part: Part) -> None:
        target = {"exports": self._exports, "routes": self._routes, "neighbors": self._neighbors}
        for work in (part.work.puts_only(), part.work.drops_only()):
            if work:
                await target[part.table].apply(work)  # type: ignore[attr-defined]  # its own delta

    async def _watch(self) -> None:
        """Keep the reports of the sessions current, and the tables true."""
        heard = asyncio.Event()
        heard.set()

        async def follow() -> None:
            async for _ in self._speaker.changes():
                self.recheck_identity()  # a session turned, or the daemon is another one now
                self._todo.set()
                heard.set()

        async with asyncio.TaskGroup() as group:
            group.create_task(follow(), name="session events")
            patience_s = POLL_S
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(patience_s):
                        await heard.wait()
                        await asyncio.sleep(SETTLE_S)
                if heard.is_set():
                    heard.clear()
                    self._exports.doubt()
                    self._neighbors.doubt()
                    self._todo.set()
                    await self._refresh()
                    patience_s = RIPEN_S if self._sessions.unripe else POLL_S
                else:
                    await self._refresh()
                    await self._audit()
                    patience_s = POLL_S

    async def _probe(self) -> None:
        """Notice a speaker that hangs: its connection stands, and nothing else asks it."""
        while True:
            await asyncio.sleep(PROBE_S)
            if self._silent_since is not None:
                continue  # it is asked already
            began = self._clock.monotonic()
            try:
                await self._speaker.probe()
            except Unavailable as trouble:
                self._lost(trouble, since=began)
                self._todo.set()

    async def _audit(self) -> None:
        """Read everything again, beside the work; have it looked at if it had drifted.

        A large table is read less often: 100,000 paths cost both sides a second or two.
        """
        began = self._clock.monotonic()
        if began < self._audit_from:
            return
        before = self._identity
        try:
            if await self._speaker.identity() not in (before, self._identity):
                self.recheck_identity()
                self._todo.set()
            for table in (self._exports, self._routes, self._neighbors):
                if await table.refresh():
                    self._todo.set()
            ended = self._clock.monotonic()
            self._audit_from = ended + min(AUDIT_SHARE * (ended - began), OLD_S - POLL_S)
        except Unavailable as trouble:
            self._lost(trouble)
            self._todo.set()

    async def _refresh(self) -> None:
        """Read the sessions again; wake the reconciler if they are not what they were."""
        try:
            sessions = await self._speaker.sessions()
        except Unavailable as trouble:
            self._lost(trouble)
            self._todo.set()
            return
        self._heard = True
        if sessions != self._sessions.now:
            self._sessions.note(sessions)
            if self._last.identity is not None:
                self._last = replace(self._last, sessions=sessions)
                self._wake()

    def _lost(self, trouble: Unavailable, *, since: float | None = None) -> None:
        """Take note that it does not answer; *since*: when it was asked, if that is known."""
        self._doubt()
        self._heard = False
        if not self._complained:
            self._complained = True
            log.warning(
                "%s does not answer, its routes are left as they are: %s", self.called, trouble
            )
        if self._silent_since is None:
            now = self._clock.monotonic()
            self._silent_since = now if since is None else since
            self._wake()
            # Nothing else happens at these times, and somebody may wait for an address.
            for later_s in (UNHEARD_S, GRACE_S):
                left_s = self._silent_since + later_s + TICK_S - now
                asyncio.get_running_loop().call_later(max(left_s, 0), self._wake)

    def _silent_s(self) -> float | None:
        since = self._silent_since
        return None if since is None else self._clock.monotonic() - since

    def _with_puts(self, seen: Observed) -> Observed:
        putting = self._coming | self._under_way
        return replace(seen, putting=putting) if putting else seen

    def _doubt(self) -> None:
        self._asked_at = None
        for target in (self._exports, self._routes, self._neighbors):
            target.doubt()

    def _count(self, part: Part) -> None:
        put, drop = self._applied.get(part.table, (0, 0))
        self._applied[part.table] = put + len(part.work.put), drop + len(part.work.drop)

    def _log_applied(self) -> None:
        """Log one line per kind of change, with how many there were."""
        for table, (put, drop) in self._applied.items():
            who = self.called.removeprefix("the ")
            log.info("%s: %s: %d put, %d dropped", who, IN_WORDS[table], put, drop)
        self._applied = {}
