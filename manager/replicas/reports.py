"""The reports of the other replicas: which count, and what the last of each says. Sans I/O.

A report counts if its counter rises and it repeats one that we sent a moment ago: then its sender
hears us, and it is not an old one that was held back. Times are monotonic seconds, by which the
kernel had a datagram. Refuses to decide what follows.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from manager.replicas.timing import ECHO_S, REPORT_S, UNHEARD_S
from pointsman.wire.heartbeat import Drop, View
from pointsman.wire.replica_report import MOST_MARKS, ReplicaReport, read_report, write_report

NEVER = float("-inf")
Peer = tuple[Any, ...]  # where a datagram is sent, in the socket's own words


@dataclass(frozen=True, slots=True)
class Way:
    """Another replica: where it listens, and the key that we share."""

    peer: Peer
    key: bytes


@dataclass(slots=True)
class OtherReplica:
    """One process of another replica, as it was heard."""

    way: Way
    counter: int = 0  # of its last report
    heard_s: float = NEVER  # when a report of it counted last
    steady_since_s: float = NEVER  # since when it is heard without a pause
    fresh_since_s: float | None = None  # and says that its view of the API is fresh
    follows: int = 0
    serves: dict[bytes, float] = field(default_factory=dict)  # mark of a router -> since when
    dead: frozenset[bytes] = frozenset()  # marks of nodes that it found dead
    unsaid: frozenset[bytes] = frozenset()  # and for which its last report may have had no room
    revoked: set[bytes] = field(default_factory=set)  # and does not call dead any more
    retold: frozenset[bytes] = frozenset()  # and that it was told of

    def is_heard(self, now_s: float) -> bool:
        """Whether it was heard a moment ago."""
        return now_s - self.heard_s < UNHEARD_S

    def take(self, report: ReplicaReport, at_s: float) -> None:
        """Take a report that counts."""
        if not self.is_heard(at_s):
            self.steady_since_s, self.fresh_since_s = at_s, None
            self.serves.clear()
        self.heard_s, self.follows = at_s, report.follows
        gone = (self.dead | self.unsaid) - report.dead
        self.unsaid = gone if len(report.dead) == MOST_MARKS else frozenset()
        self.revoked = (self.revoked | gone) - report.dead - self.unsaid
        self.dead, self.retold = report.dead, report.retold
        fresh = View.FRESH in report.view
        self.fresh_since_s = None if not fresh else self.fresh_since_s or at_s
        self.serves = {mark: self.serves.get(mark, at_s) for mark in report.serves}


class Reports:
    """Those that this process, *own*, sends and hears."""

    def __init__(self, own: str) -> None:
        self._own, self._counter = own, 0
        self._sent: dict[int, float] = {}  # counter -> when, of the last seconds
        self.others: dict[str, OtherReplica] = {}

    def enrol(self, ways: Mapping[str, Way]) -> None:
        """Know the replicas that are named now; one with another key is another process."""
        before, self.others = self.others, {}
        for name, way in sorted(ways.items()):
            known = before.get(name)
            if known is None or known.way.key != way.key:
                known = OtherReplica(way)
            known.way = way  # which Announcer named it may change, and with it the address
            self.others[name] = known

    def outgoing(
        self,
        *,
        view: View,
        follows: int,
        serves: frozenset[bytes],
        now_s: float,
        dead: frozenset[bytes] = frozenset(),
        retold: frozenset[bytes] = frozenset(),
    ) -> Iterator[tuple[bytes, Peer]]:
        """Yield what every other replica is to be sent now, and where."""
        self._counter += 1
        self._sent[self._counter] = now_s
        for counter in [c for c, at_s in self._sent.items() if at_s < now_s - ECHO_S - REPORT_S]:
            del self._sent[counter]
        for name, other in self.others.items():
            report = ReplicaReport(
                self._own, self._counter, other.counter, view, follows, serves, dead, retold
            )
            yield write_report(report, to=name, key=other.way.key), other.way.peer

    def received(self, data: bytes, at_s: float) -> Drop | None:
        """Take a datagram; return why it counts for nothing, None if it does."""
        report = read_report(data, own=self._own, key_of=self._key)
        if isinstance(report, Drop):
            return report
        other = self.others[report.sender]
        if report.counter <= other.counter:
            return Drop.OLD
        other.counter = report.counter  # it is repeated, else nobody could begin
        sent_s = self._sent.get(report.heard)
        if sent_s is None or sent_s < at_s - ECHO_S:
            return Drop.UNPROVEN
        other.take(report, at_s)
        return None

    def _key(self, name: str) -> bytes | None:
        other = self.others.get(name)
        return other.way.key if other is not None else None
