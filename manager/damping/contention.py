"""Which Services another controller writes as often as we do: those are left alone for a while.

A contest over `status.loadBalancer` would go on as fast as two programs can write, and each
round changes every node's rules. So whoever overwrites our addresses three times in a minute
has them, until a pause is over or the user changes the Service. How often is history, which
no snapshot holds: it lives here, in the shell, and a restart counts anew.

It decides nothing about addresses or paths: only whether a record is written now.

Not the counter that twins of ours share (`pointsman/runtime/contest.py`): they spread their
writes further and further apart, and ours is as good as theirs. Here three repairs are made at
once, as somebody may edit by hand, and then the other has the address.
"""

from dataclasses import dataclass, field, replace
from typing import Final

from manager.planner.addresses.own_record import named_in
from manager.snapshot import Service
from pointsman.model.address import Address
from pointsman.model.names import ALLOCATED, REQUESTS
from pointsman.model.record import ConditionValue, ServiceRecord
from pointsman.model.verdicts.coexistence import ForeignController
from pointsman.runtime.clock import Clock

WINDOW_S: Final = 60.0
ALLOWED: Final = 3  # overwritten so often within the window, it is not written again
# Each pause is twice the one before: a controller that stays is met less and less often.
LONGEST_PAUSE_S: Final = 3600.0
SWEEP_S: Final = 10.0


@dataclass(slots=True)
class _Contest:
    """What we wrote on one Service, how often it was overwritten, how long we stay away."""

    service: Service  # as it was then: another wish is a new word of the user's
    ingress: tuple[str, ...]  # ours
    since: float  # when anything happened last
    times: list[float] = field(default_factory=list)  # when it was found overwritten
    version: str | None = None  # of the Service then: seen again, it is the same time
    pause_s: float = 0.0  # 0: none yet
    until: float = 0.0
    tried: bool = False  # since the last pause

    def counts_at(self, now: float) -> bool:
        """Whether anybody overwrote anything for so short a time that it still counts."""
        return now < max(self.since, self.until) + WINDOW_S

    def is_about(self, service: Service, record: ServiceRecord) -> bool:
        """Whether the same address is still wanted, by a user who has not changed the request."""
        return self.ingress == record.ingress and _requested(self.service) == _requested(service)

    def may_go_on(self, version: str, now: float) -> bool:
        """Whether ours is written once more over what *version* of the Service has."""
        if now < self.until:
            self.version = version
            return False
        self.since = now
        if version != self.version:
            self.version = version
            self.times = [at for at in self.times if now - at < WINDOW_S] + [now]
        if self.pause_s:
            first, self.tried = not self.tried, True
            return first or not self.times
        return len(self.times) < ALLOWED

    def pause(self, now: float) -> None:
        """Stay away for twice as long as last time."""
        self.pause_s = min(2 * self.pause_s or WINDOW_S, LONGEST_PAUSE_S)
        self.until, self.tried, self.times = now + self.pause_s, False, []


class Contention:
    """Counts what is overwritten. One for the life of a process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._contests: dict[str, _Contest] = {}  # by uid
        self._swept_at = clock.monotonic()

    def may_write(
        self, service: Service, record: ServiceRecord, before: ServiceRecord | None
    ) -> bool | ForeignController:
        """Return whether *record* is written over what *before* has of *service*, now.

        The verdict, instead of False, when that begins to be so: it is reported once.
        """
        now = self._clock.monotonic()
        self._forget(now)
        contest = self._about(service, record, before, now=now)
        if contest is None or contest.may_go_on(service.resource_version, now):
            return True
        if contest.until > now:
            return False
        news = not contest.pause_s
        contest.pause(now)
        return _verdict(service, record) if news else False

    def note(self, service: Service, record: ServiceRecord, after: ServiceRecord | None) -> None:
        """Remember that *record* came to stand on *service*, if it did."""
        now = self._clock.monotonic()
        known = self._contests.get(service.uid)
        if after is None or not record.ingress or (known is not None and known.counts_at(now)):
            return
        wrote = record.ingress not in (_there(service), ())
        # A quick controller has overwritten them before we look; our condition remains.
        if wrote and _same_addresses(record, after):
            self._contests[service.uid] = _Contest(service, record.ingress, now)

    def _about(
        self, service: Service, record: ServiceRecord, old: ServiceRecord | None, *, now: float
    ) -> _Contest | None:
        """Return the contest that writing *record* would be part of, or None."""
        if record.ingress == (() if old is None else old.ingress):
            return None  # it does not touch what stands there
        found = self._contests.get(service.uid)
        if found is not None and found.counts_at(now) and found.is_about(service, record):
            return found
        self._contests.pop(service.uid, None)
        if _same_addresses(record, old):  # ours had stood there before this process looked
            found = self._contests[service.uid] = _Contest(service, record.ingress, now)
            return found
        return None

    def _forget(self, now: float) -> None:
        """Forget, now and then, what nobody overwrote for as long as it counts."""
        if now - self._swept_at < SWEEP_S:
            return
        self._swept_at = now
        self._contests = {uid: one for uid, one in self._contests.items() if one.counts_at(now)}


def _same_addresses(record: ServiceRecord, other: ServiceRecord | None) -> bool:
    """Whether *other* has the addresses that *record* has, in whatever sentence."""
    condition = None if other is None else other.conditions.get(ALLOCATED)
    wanted = record.conditions.get(ALLOCATED)
    return condition is not None and wanted is not None and _essence(condition) == _essence(wanted)


def _essence(condition: ConditionValue) -> tuple[str, str, frozenset[Address]]:
    return condition.status, condition.reason, named_in(condition.message)


def _verdict(service: Service, record: ServiceRecord) -> ForeignController:
    return ForeignController(service.key, _there(service), record.ingress)


def _there(service: Service) -> tuple[str, ...]:
    return tuple(entry.ip or entry.hostname for entry in service.ingress)


def _requested(service: Service) -> str:
    """Return what the user of *service* decides, as text: that can always be compared."""
    notes = {key: service.annotations[key] for key in REQUESTS if key in service.annotations}
    return repr(
        replace(
            service, annotations=notes, resource_version="", labels={}, ingress=(), conditions=()
        )
    )
