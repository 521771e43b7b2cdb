"""What is read back from one speaker's daemon: who it runs as, and its three tables.

Each is read when it is in doubt, applied to, and read again from time to time. Refuses to
decide when: that is the driver's.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from manager.planner.desired import SpeakerPlan
from manager.ports import Speaker
from manager.snapshot import Observed
from manager.speakers.indexed import Indexed
from manager.speakers.parts import Part
from pointsman.model.route import SpeakerIdentity
from pointsman.runtime.readback import ReadBack

POLL_S: Final = 30.0  # counts are refreshed at most this often
OLD_S: Final = 10 * POLL_S  # a reading so old, for want of a quiet moment, is not waited for
AUDIT_SHARE: Final = 50  # reading the tables again takes a fiftieth of the time at most
MANY: Final = 1000  # after so many paths at once: what an adapter did not read back, it reads then


class DaemonState:
    """Identity, exports, routes and neighbors of one daemon. *now*: monotonic seconds."""

    def __init__(self, speaker: Speaker, *, index: int, now: Callable[[], float]) -> None:
        self._speaker, self._now = speaker, now
        self._exports = ReadBack(speaker.exports, now=now, max_age_s=OLD_S)
        self._routes = ReadBack(Indexed(speaker.routes, index), now=now, max_age_s=OLD_S)
        self._neighbors = ReadBack(speaker.neighbors, now=now, max_age_s=OLD_S)
        self._audit_from = now()  # not before
        self._identity: SpeakerIdentity | None = None
        self._asked_at: float | None = None  # when its identity was; None: ask again

    @property
    def identity_in_doubt(self) -> bool:
        """Whether there was a sign of another process since its identity was asked for."""
        return self._asked_at is None

    def recheck_identity(self) -> None:
        """Have it asked who it is, at the next reading."""
        self._asked_at = None

    def doubt(self) -> None:
        """Have everything read anew."""
        self._asked_at = None
        for table in (self._exports, self._routes, self._neighbors):
            table.doubt()

    def doubt_peers(self) -> None:
        """Have what concerns single peers read anew; the paths stay believed."""
        self._exports.doubt()
        self._neighbors.doubt()

    async def who(self) -> SpeakerIdentity | None:
        """Return who the daemon runs as; None: it is up, and empty."""
        now = self._now()
        if self._asked_at is None or now - self._asked_at >= OLD_S:
            self._asked_at = now  # before we ask: a sign that comes meanwhile counts
            self._identity = await self._speaker.identity()
        if self._identity is None:
            self._asked_at = None
        return self._identity

    async def observe(self, identity: SpeakerIdentity) -> Observed:
        """Return what the daemon holds, without its sessions."""
        return Observed(
            identity=identity,
            exports=await self._exports.observe(),
            routes=await self._routes.observe(),
            neighbors=await self._neighbors.observe(),
        )

    async def apply(self, part: Part) -> None:
        """Put, then drop."""
        tables: Mapping[str, ReadBack[Any, Any]] = {
            "exports": self._exports,
            "routes": self._routes,
            "neighbors": self._neighbors,
        }
        for work in (part.work.puts_only(), part.work.drops_only()):
            if work:
                await tables[part.table].apply(work)
        if part.table == "routes" and len(part.work.put) >= MANY:
            self._audit_from = min(self._audit_from, self._now())

    def adopt(self, last: Observed, plan: SpeakerPlan) -> Observed:
        """Return *last*, read before: where *plan* says the same, both are one object."""
        routes = self._routes.adopt(last.routes, plan.routes)
        return last if routes is last.routes else replace(last, routes=routes)

    async def audit(self) -> AsyncIterator[None]:
        """Read everything again if that is due; yield for each thing that had drifted.

        A large table is read less often: 100,000 paths cost both sides a second or two.
        """
        began = self._now()
        if began < self._audit_from:
            return
        before = self._identity
        if await self._speaker.identity() not in (before, self._identity):
            self.recheck_identity()
            yield
        for table in (self._exports, self._routes, self._neighbors):
            if await table.refresh():
                yield
        ended = self._now()
        self._audit_from = ended + min(AUDIT_SHARE * (ended - began), OLD_S - POLL_S)
