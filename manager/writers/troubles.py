"""When an object may be tried again, and when it is the server's trouble and not the object's.

One object that is refused waits for itself alone, later and later. Several in a row without
one success are taken for the server's trouble: then one at a time is tried, those first that
never were, until one passes; what failed meanwhile for the first time is due at once.
Refuses to send anything and to read a clock.
"""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from manager.writers.outcome import Failure, Trouble
from pointsman.runtime.loop import exponential

K = TypeVar("K")
SEVERAL: Final = 3  # failures in a row of so many objects are the server's
LONGEST_S: Final = 60.0  # between two tries of an object that is refused for what it is
SERVERS_LONGEST_S: Final = 15.0  # of one whose failure may be the server's, and heal
PROBE_S: Final = 0.1  # between two probes while there are objects that were not tried yet
PROBES_LONGEST_S: Final = 10.0
QUIET_S: Final = 60.0  # troubles that come and go are told of so often at most
MAYBE_THE_SERVERS: Final = frozenset({Trouble.OVERLOADED, Trouble.SILENT})
log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Held:
    """An object that failed."""

    since: float
    trouble: Trouble
    sentence: str = ""
    until: float = 0.0
    times: int = 0  # in a row
    delays: Iterator[float] = field(default_factory=lambda: exponential(1.0, LONGEST_S))


class Troubles(Generic[K]):
    """The failures of one kind of object. *what* names it in the log."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._held: dict[K, _Held] = {}
        self._row: dict[K, float] = {}  # failed since the last success, and when first
        self._probing = False
        self._next_probe, self._asked_until = 0.0, 0.0
        self._probe_delays: Iterator[float] = iter(())
        self._told_at: float | None = None  # the log, that the server is in trouble
        self._told = False  # of this trouble

    @property
    def stuck(self) -> Mapping[K, str]:
        """Return the objects that are not written, and in which words."""
        return {key: held.sentence for key, held in self._held.items()}

    @property
    def of_the_server(self) -> bool:
        """Whether one object at a time is tried."""
        return self._probing

    @property
    def next_probe(self) -> float:
        """Return when the next of them may be tried."""
        return self._next_probe

    def due_at(self, key: K) -> float:
        """Return when *key* may be tried again; 0 when it never failed."""
        held = self._held.get(key)
        if held is None or (self._probing and held.trouble in MAYBE_THE_SERVERS):
            return 0.0
        return held.until

    def conflicts(self, key: K) -> int:
        """Return how many conflicts in a row *key* has met."""
        held = self._held.get(key)
        return held.times if held is not None and held.trouble is Trouble.CONFLICT else 0

    def passed(self, key: K, now: float) -> None:
        """Note that the server took a write of *key*."""
        self._held.pop(key, None)
        self._answered(now)

    def failed(self, key: K, failure: Failure, now: float, *, untried: bool) -> None:
        """Note a failure of *key*; *untried*: there are objects that never were tried."""
        held = self._held.get(key)
        if held is None or held.trouble is not failure.trouble:
            held = self._held[key] = _Held(now, failure.trouble)
        held.times += 1
        mine = failure.trouble not in MAYBE_THE_SERVERS
        delay_s = min(next(held.delays), LONGEST_S if mine else SERVERS_LONGEST_S)
        held.until = now + max(delay_s, failure.retry_after_s)
        if mine:
            self._answered(now)
        else:
            self._row.setdefault(key, now)
            self._suspect(failure, now, untried=untried)
        said, held.sentence = held.sentence, failure.sentence
        if said != held.sentence and not self._probing and failure.trouble is not Trouble.CONFLICT:
            log.warning("%s %s is not written: %s", self._what, key, held.sentence)

    def untried_came(self, now: float) -> None:
        """Note that there is an object that was never tried: it may be the one that passes."""
        soon = max(now + PROBE_S, self._asked_until)
        self._next_probe = min(self._next_probe, soon)

    def forget(self, key: K) -> None:
        """Forget *key*: nobody asks for it any more."""
        self._held.pop(key, None)

    def known(self) -> tuple[K, ...]:
        """Return the objects that failed."""
        return tuple(self._held)

    def _suspect(self, failure: Failure, now: float, *, untried: bool) -> None:
        if not self._probing and len(self._row) >= SEVERAL:
            self._probing = True
            self._probe_delays = exponential(0.25, PROBES_LONGEST_S)
            self._told = self._told_at is None or now - self._told_at >= QUIET_S
            if self._told:
                self._told_at = now
                log.warning(
                    "%d writes of %s in a row failed; one at a time is tried: %s",
                    len(self._row),
                    self._what,
                    failure.sentence,
                )
        if self._probing:
            scanning = untried and failure.trouble is Trouble.OVERLOADED
            pause_s = PROBE_S if scanning else next(self._probe_delays)
            self._asked_until = now + failure.retry_after_s
            self._next_probe = max(now + pause_s, self._asked_until)

    def _answered(self, now: float) -> None:
        """Note a sign that the server works: what was its trouble need not wait any longer."""
        if self._probing:
            if self._told:
                log.info("the API server takes writes of %s again", self._what)
            began = min(self._row.values(), default=now)
            for held in self._held.values():
                if held.trouble in MAYBE_THE_SERVERS and held.since >= began:
                    held.until, held.since = now, 0.0  # once: its next failure is its own
        self._probing = False
        self._row.clear()
