"""Who leads, as a machine without I/O: a Lease and our own monotonic clock in, one action out.

A replica leads while monotonic now is before the start of its last successful renewal plus
the lease's duration. Another takes over when it has watched the record stay unchanged for
that duration by its own clock. It began to watch after the renewal began, so the two never
overlap, whatever the wall clocks of their machines say: `renewed` is compared as text,
never read as a time.

Refuses to sleep, to read a clock, and to trust a record that somebody else may have written.
"""

from dataclasses import dataclass, field, replace
from typing import Final

EARLY: Final = 0.85  # of a period: callers jitter their waits, and a look costs a request
REMEMBERED: Final = 16  # stamps of attempts whose answers may have been lost


@dataclass(frozen=True, slots=True)
class Lease:
    """The record that replicas compete for, as last read."""

    holder: str  # "" = released
    duration_s: float
    renewed: str  # the holder's stamp; opaque
    transitions: int = 0
    version: str = ""  # resourceVersion: every write names the one it replaces


@dataclass(frozen=True, slots=True)
class Terms:
    """What a replica brings along: its name, and how long a lease lasts, in seconds."""

    name: str
    duration_s: float = 6.0

    @property
    def renew_s(self) -> float:
        """Return how long after a renewal the next is due."""
        return self.duration_s / 3

    @property
    def retry_s(self) -> float:
        """Return how often a replica that does not lead, or failed to renew, looks again."""
        return self.duration_s / 15


@dataclass(frozen=True, slots=True)
class State:
    """All that a replica remembers. Times are its own monotonic seconds."""

    terms: Terms
    seen: Lease | None = None
    seen_at: float = 0.0  # when the record last changed under our eyes
    advanced_at: float | None = None  # when a holder's stamp last moved under our eyes
    stamps: tuple[str, ...] = field(default=())  # what we wrote, or tried to
    led_from: float | None = None  # start of the last renewal that succeeded
    inherits: bool = True  # a record under our name is our predecessor's, until we wrote one


@dataclass(frozen=True, slots=True)
class Wait:
    """Do nothing, then look again."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Take:
    """Write the lease under our name, replacing *version* ("" = create it)."""

    version: str
    transitions: int
    renewal: bool  # we hold it already


Action = Wait | Take


def decide(state: State, lease: Lease | None, now: float) -> tuple[State, Action]:
    """Return what to remember and what to do about *lease* (None: there is none), read just now.

    The caller tells the outcome of a Take with `attempted` before and `renewed` after it.
    """
    state = _observed(state, lease, now)
    if lease is None:
        return replace(state, led_from=None), Take("", 0, renewal=False)
    if _is_ours(state, lease):
        return state, _renew(state, lease, now)
    state = replace(state, led_from=None)
    if not lease.holder or now - state.seen_at >= lease.duration_s:
        return state, Take(lease.version, lease.transitions + 1, renewal=False)
    return state, Wait(state.terms.retry_s)


def attempted(state: State, stamp: str) -> State:
    """Return *state* before a Take is sent with *stamp*: its answer may be lost on the way."""
    stamps = (*state.stamps, stamp)[-REMEMBERED:]
    return replace(state, stamps=stamps, inherits=False)


def renewed(state: State, started: float) -> State:
    """Return *state* after a Take, sent at *started*, has succeeded."""
    return replace(state, led_from=started, advanced_at=started)


def released(state: State) -> State:
    """Return *state* before our release is sent: from here on nothing may be written."""
    return replace(state, led_from=None)


def leads_until(state: State) -> float | None:
    """Return the moment at which our leadership lapses, or None if there is none."""
    return None if state.led_from is None else state.led_from + state.terms.duration_s


def may_write(state: State, now: float, *, within_s: float) -> bool:
    """Return whether a write that ends within *within_s* ends while we surely lead."""
    until = leads_until(state)
    return until is not None and now + within_s < until


def is_fresh(state: State, now: float) -> bool:
    """Return whether a holder's stamp advanced within three periods: our view is not stale."""
    return state.advanced_at is not None and now - state.advanced_at <= 3 * state.terms.renew_s


def _observed(state: State, lease: Lease | None, now: float) -> State:
    before = state.seen
    if lease is None:
        return replace(state, seen=None)
    if before is not None and (before.holder, before.renewed) == (lease.holder, lease.renewed):
        return replace(state, seen=lease)
    moved = before is not None and lease.holder != ""
    return replace(state, seen=lease, seen_at=now, advanced_at=now if moved else state.advanced_at)


def _is_ours(state: State, lease: Lease) -> bool:
    """Return whether we wrote this record, or a predecessor under our name did.

    Once we wrote one ourselves, a record under our name that we did not write is a twin's:
    two processes were given one name. The later one has taken over; we wait it out.
    """
    return lease.holder == state.terms.name and (state.inherits or lease.renewed in state.stamps)


def holds(state: State, lease: Lease | None) -> bool:
    """Return whether *lease*, read just now, is ours by a stamp that we wrote."""
    return lease is not None and lease.holder == state.terms.name and lease.renewed in state.stamps


def has_twin(state: State, lease: Lease | None) -> bool:
    """Return whether another process writes *lease* under our name."""
    return lease is not None and lease.holder == state.terms.name and not _is_ours(state, lease)


def _renew(state: State, lease: Lease, now: float) -> Action:
    if state.led_from is not None:
        due_in_s = state.led_from + EARLY * state.terms.renew_s - now
        if due_in_s > 0:
            return Wait(due_in_s)
    return Take(lease.version, lease.transitions, renewal=True)
