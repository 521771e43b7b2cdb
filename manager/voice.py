"""One of this replica's speakers, as the reconciler sees it: look, speak, listen.

The speaker's tables are read back, never remembered beyond what it acknowledged; a change
waits for no reading, because the tables are read again beside the work. Another process is
known by its identity, asked for after every sign of one: an event, trouble, age. Until we
start it, it takes nothing from us, so a sign that is late costs a refusal, no more. While a
speaker does not answer, what it last held counts for a grace period, because routers may
still believe it.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Final

from manager.planner.desired import Speech
from manager.ports import Refused, Routes, Speaker
from manager.snapshot import Observed
from manager.work import SpeakerWork, speaker_work
from pointsman.model.delta import Delta
from pointsman.model.route import PeerName, Route, RouteKey, SessionReport, SpeakerIdentity
from pointsman.runtime.clock import Clock
from pointsman.runtime.readback import ReadBack
from pointsman.runtime.target import Unavailable

log = logging.getLogger(__name__)

# How long a silent speaker's last routes count as still there: routers may believe it so long.
GRACE_S: Final = 30.0
UNHEARD_S: Final = 5.0  # a sidecar is replaced in less; from then on its sessions are unknown
TICK_S: Final = 0.1  # a timer may be early by the clock's resolution
POLL_S: Final = 30.0  # product.md section 1: counts are refreshed at most this often
OLD_S: Final = 10 * POLL_S  # a reading so old, for want of a quiet moment, is not waited for
AUDIT_SHARE: Final = 50  # reading the tables again takes a fiftieth of the time at most
RIPEN_S: Final = 5.0  # BFD comes up after its session, and without an event
SETTLE_S: Final = 0.2  # session events come in bursts


class Voice:
    """One speaker. *wake* is called when a session changed or the daemon came back.

    *index*: which of the replica's it is. It stands in the keys of routes outside only.
    """

    def __init__(
        self, speaker: Speaker, *, clock: Clock, wake: Callable[[], None], index: int = 0
    ) -> None:
        self._speaker, self._clock, self._wake = speaker, clock, wake
        self.called = f"speaker {index}" if index else "the speaker"
        now = clock.monotonic
        self._exports = ReadBack(speaker.exports, now=now, max_age_s=OLD_S)
        routes = _Indexed(speaker.routes, index) if index else speaker.routes
        self._routes = ReadBack(routes, now=now, max_age_s=OLD_S)
        self._neighbors = ReadBack(speaker.neighbors, now=now, max_age_s=OLD_S)
        self._audit_from = now()  # not before
        self._identity: SpeakerIdentity | None = None
        self._asked_at: float | None = None  # when its identity was; None: ask again
        self._sessions: Mapping[PeerName, SessionReport] = {}
        self._last = Observed(fresh=False)
        self._silent_since: float | None = None
        self._refused = ""  # what it said when it was started last, if it would not
        self._heard = False  # whether the sessions were ever read

    async def look(self) -> Observed:
        """Return what the speaker holds; not fresh when it does not answer."""
        try:
            identity = await self._who()
            if identity is None:  # up, and empty: sessions and routes went with its predecessor
                self._doubt()
                self._last = Observed(refused=self._refused)
            else:
                if not self._heard:  # or every start would say that all sessions are down
                    self._sessions, self._heard = await self._speaker.sessions(), True
                self._last = Observed(
                    identity=identity,
                    exports=await self._exports.observe(),
                    routes=await self._routes.observe(),
                    neighbors=await self._neighbors.observe(),
                    sessions=self._sessions,
                )
        except Unavailable as trouble:
            self._lost(trouble)
            if self._silent_for(GRACE_S):
                self._last = Observed()
            unheard = self._silent_for(UNHEARD_S)
            return replace(self._last, sessions={}, fresh=False, unheard=unheard)
        if self._silent_since is not None:
            log.info("%s answers again", self.called)
        self._silent_since = None
        return self._last

    def suspect(self) -> None:
        """Have the speaker asked who it is, at the next look: it may be another process."""
        self._asked_at = None

    async def _who(self) -> SpeakerIdentity | None:
        """Return who the speaker runs as."""
        now = self._clock.monotonic()
        if self._asked_at is None or now - self._asked_at >= OLD_S:
            self._asked_at = now  # before we ask: a sign that comes meanwhile counts
            self._identity = await self._speaker.identity()
        if self._identity is None:
            self._asked_at = None
        return self._identity

    async def speak(self, speech: Speech) -> bool:
        """Make the speaker say *speech*; return whether anything had to be done.

        Puts come first, each after what it refers to; a neighbor is added once its paths
        are there, and removed after they are gone.

        Raises:
            Unavailable: it went away in the middle; what is missing is seen at the next look.
        """
        observed = self._last
        if speech.identity is None:
            return False
        if observed.identity != speech.identity:
            who = speech.identity
            log.info("start %s: AS %s, %s", self.called, who.asn, who.router_id)
            self._doubt()
            await self._start(speech.identity)
            observed = await self.look()
            if not observed.fresh:
                raise Unavailable(f"{self.called} went away right after it was started")
        work = speaker_work(speech, observed)
        if not work:
            return False
        try:
            await self._do(work)
        except BaseException:
            self._doubt()
            raise
        self._tell(work)
        return True

    async def _start(self, identity: SpeakerIdentity) -> None:
        before, self._refused = self._refused, ""
        try:
            await self._speaker.start(identity)
        except Refused as refusal:
            self._refused = str(refusal)
            if self._refused != before:
                self._wake()  # a condition says so: look again
            raise

    async def _do(self, work: SpeakerWork) -> None:
        for target, part in (
            (self._exports, work.exports.puts_only()),
            (self._routes, work.routes.puts_only()),
            (self._neighbors, work.neighbors.puts_only()),
            (self._routes, work.routes.drops_only()),
            (self._neighbors, work.neighbors.drops_only()),
            (self._exports, work.exports.drops_only()),
        ):
            if part:
                await target.apply(part)  # type: ignore[arg-type]  # each with its own delta

    async def listen(self) -> None:
        """Keep the reports of the sessions current, until cancelled."""
        heard = asyncio.Event()
        heard.set()

        async def follow() -> None:
            async for _ in self._speaker.changes():
                self.suspect()  # a session turned, or the daemon is another one now
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
                    self._wake()
                    await self._refresh()
                    patience_s = RIPEN_S if self._unripe() else POLL_S
                else:
                    await self._refresh()
                    await self._audit()
                    patience_s = POLL_S

    def _unripe(self) -> bool:
        """Whether BFD has not come up on a session that is."""
        return any(one.live and one.bfd_state not in ("", "Up") for one in self._sessions.values())

    async def _audit(self) -> None:
        """Read everything again, beside the work; wake the reconciler if it had drifted.

        A large table is read less often: 100,000 paths cost both sides a second or two.
        """
        began = self._clock.monotonic()
        if began < self._audit_from:
            return
        before = self._identity
        try:
            if await self._speaker.identity() not in (before, self._identity):
                self.suspect()
                self._wake()
            for table in (self._exports, self._routes, self._neighbors):
                if await table.refresh():
                    self._wake()
            ended = self._clock.monotonic()
            self._audit_from = ended + min(AUDIT_SHARE * (ended - began), OLD_S - POLL_S)
        except Unavailable as trouble:
            self._lost(trouble)

    async def _refresh(self) -> None:
        """Read the sessions again; wake the reconciler if they are not what they were."""
        try:
            sessions = await self._speaker.sessions()
        except Unavailable as trouble:
            self._lost(trouble)
            sessions = {}
        else:
            self._heard = True
        if sessions != self._sessions:
            self._sessions = sessions
            self._wake()

    def _lost(self, trouble: Unavailable) -> None:
        self._doubt()
        if self._silent_since is None:
            log.warning(
                "%s does not answer, its routes are left as they are: %s", self.called, trouble
            )
            self._silent_since = self._clock.monotonic()
            # Nothing else happens at these times, and somebody may wait for an address.
            for later_s in (UNHEARD_S, GRACE_S):
                asyncio.get_running_loop().call_later(later_s + TICK_S, self._wake)

    def _silent_for(self, at_least_s: float) -> bool:
        since = self._silent_since
        return since is not None and self._clock.monotonic() - since > at_least_s

    def _doubt(self) -> None:
        self._asked_at = None
        for target in (self._exports, self._routes, self._neighbors):
            target.doubt()

    def _tell(self, work: SpeakerWork) -> None:
        """Log one line per kind of change, with how many there were."""
        for name, part in (
            ("export rules", work.exports),
            ("paths", work.routes),
            ("neighbors", work.neighbors),
        ):
            if part:
                who = self.called.removeprefix("the ")
                log.info("%s: %s: %d put, %d dropped", who, name, len(part.put), len(part.drop))


class _Indexed:
    """The routes of a further speaker, which knows nothing of others, under their own keys."""

    def __init__(self, routes: Routes, index: int) -> None:
        self._routes, self._index = routes, index

    async def observe(self) -> Mapping[RouteKey, Route]:
        found = await self._routes.observe()
        return {replace(key, speaker=self._index): route for key, route in found.items()}

    async def apply(self, work: Delta[RouteKey, Route]) -> None:
        put = {replace(key, speaker=0): route for key, route in work.put.items()}
        drop = frozenset(replace(key, speaker=0) for key in work.drop)
        await self._routes.apply(Delta(put=put, drop=drop))
