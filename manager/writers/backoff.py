"""Back-off: when an object is tried again, and when the server fails rather than the object.

One object that is refused waits for itself alone, later and later. Several in a row without
one success are taken for a failing server: then one at a time is tried, those first that
never were, until one passes; what failed meanwhile for the first time is due at once.
Refuses to send anything and to read a clock.
"""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from manager.writers.outcome import Failure, FailureKind
from pointsman.runtime.loop import exponential

K = TypeVar("K")
SEVERAL: Final = 3  # failures in a row of so many objects are the server's
LONGEST_S: Final = 60.0  # between two tries of an object that is refused for what it is
SERVER_LONGEST_S: Final = 15.0  # of one whose failure may be the server's, and heal
PROBE_S: Final = 0.1  # between two probes while there are objects that were not tried yet
PROBES_LONGEST_S: Final = 10.0
QUIET_S: Final = 60.0  # failures that come and go are logged so often at most
MAYBE_SERVER: Final = frozenset({FailureKind.OVERLOADED, FailureKind.NO_ANSWER})
log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Failed:
    """An object that failed."""

    since: float
    kind: FailureKind
    sentence: str = ""
    until: float = 0.0
    times: int = 0  # in a row
    delays: Iterator[float] = field(default_factory=lambda: exponential(1.0, LONGEST_S))


class Backoff(Generic[K]):
    """The failures of one kind of object, and their delays. *what* names it in the log."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._failed: dict[K, _Failed] = {}
        self._row: dict[K, float] = {}  # failed since the last success, and when first
        self._probing = False
        self._next_probe, self._asked_until = 0.0, 0.0
        self._probe_delays: Iterator[float] = iter(())
        self._warned_at: float | None = None  # that the server fails
        self._warned = False  # of this failure

    @property
    def stuck(self) -> Mapping[K, str]:
        """Return the objects that are not written, and in which words."""
        return {key: entry.sentence for key, entry in self._failed.items()}

    @property
    def server_failing(self) -> bool:
        """Whether the server is taken to fail: one object at a time is tried."""
        return self._probing

    @property
    def next_probe(self) -> float:
        """Return when the next of them may be tried."""
        return self._next_probe

    def due_at(self, key: K) -> float:
        """Return when *key* may be tried again; 0 when it never failed."""
        entry = self._failed.get(key)
        if entry is None or (self._probing and entry.kind in MAYBE_SERVER):
            return 0.0
        return entry.until

    def conflicts(self, key: K) -> int:
        """Return how many conflicts in a row *key* has met."""
        entry = self._failed.get(key)
        return entry.times if entry is not None and entry.kind is FailureKind.CONFLICT else 0

    def passed(self, key: K, now: float) -> None:
        """Note that the server took a write of *key*."""
        self._failed.pop(key, None)
        self._answered(now)

    def failed(self, key: K, failure: Failure, now: float, *, untried: bool) -> None:
        """Note a failure of *key*; *untried*: there are objects that never were tried."""
        entry = self._failed.get(key)
        if entry is None or entry.kind is not failure.kind:
            entry = self._failed[key] = _Failed(now, failure.kind)
        entry.times += 1
        own = failure.kind not in MAYBE_SERVER
        delay_s = min(next(entry.delays), LONGEST_S if own else SERVER_LONGEST_S)
        entry.until = now + max(delay_s, failure.retry_after_s)
        if own:
            self._answered(now)
        else:
            self._row.setdefault(key, now)
            self._suspect(failure, now, untried=untried)
        before, entry.sentence = entry.sentence, failure.sentence
        if (
            before != entry.sentence
            and not self._probing
            and failure.kind is not FailureKind.CONFLICT
        ):
            log.warning("%s %s is not written: %s", self._what, key, entry.sentence)

    def untried_came(self, now: float) -> None:
        """Note that there is an object that was never tried: it may be the one that passes."""
        soon = max(now + PROBE_S, self._asked_until)
        self._next_probe = min(self._next_probe, soon)

    def forget(self, key: K) -> None:
        """Forget *key*: nobody asks for it any more."""
        self._failed.pop(key, None)

    def known(self) -> tuple[K, ...]:
        """Return the objects that failed."""
        return tuple(self._failed)

    def _suspect(self, failure: Failure, now: float, *, untried: bool) -> None:
        if not self._probing and len(self._row) >= SEVERAL:
            self._probing = True
            self._probe_delays = exponential(0.25, PROBES_LONGEST_S)
            self._warned = self._warned_at is None or now - self._warned_at >= QUIET_S
            if self._warned:
                self._warned_at = now
                log.warning(
                    "%d writes of %s in a row failed; one at a time is tried: %s",
                    len(self._row),
                    self._what,
                    failure.sentence,
                )
        if self._probing:
            scanning = untried and failure.kind is FailureKind.OVERLOADED
            pause_s = PROBE_S if scanning else next(self._probe_delays)
            self._asked_until = now + failure.retry_after_s
            self._next_probe = max(now + pause_s, self._asked_until)

    def _answered(self, now: float) -> None:
        """Note a sign that the server works: what waited for it need not wait any longer."""
        if self._probing:
            if self._warned:
                log.info("the API server takes writes of %s again", self._what)
            began = min(self._row.values(), default=now)
            for entry in self._failed.values():
                if entry.kind in MAYBE_SERVER and entry.since >= began:
                    entry.until, entry.since = now, 0.0  # once: its next failure is its own
        self._probing = False
        self._row.clear()
