"""This replica among the others: what it tells them, and how it stands to routers meanwhile.

Sans I/O: it is told of datagrams and times, and asks its process by calls that return at once.
What follows for a plan is `among`, the same object while nothing changes.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from manager.planner.bgp.restarting import replicas
from manager.replicas.conduct import followed, is_in_step, is_missed, quiet_towards
from manager.replicas.dead_elsewhere import DeadElsewhere
from manager.replicas.last_tables import LastTables
from manager.replicas.released import Released
from manager.replicas.reports import NEVER, Peer, Reports, Way
from manager.replicas.timing import BEHIND_S, EXPIRED_S
from manager.snapshot import Observed, Snapshot
from pointsman.model.replicas import BASE_MED, AmongReplicas
from pointsman.model.route import PeerName
from pointsman.model.table import Table
from pointsman.wire.heartbeat import Drop, View
from pointsman.wire.replica_report import mark_of


@dataclass(frozen=True, slots=True)
class Standing:
    """What a process knows of itself, asked for again and again."""

    view: Callable[[], View]  # whether it leads, and whether its view of the API is fresh
    readings: Callable[[], Sequence[Observed]]  # of its own speakers
    follows: Callable[[], int]  # version of Services of which they hold what follows; 0: none
    version: Callable[[], int]  # of Services as known now


class Company:
    """*wake*: `among` is another."""

    def __init__(self, own: str, standing: Standing, *, wake: Callable[[], None]) -> None:
        self._standing, self._wake = standing, wake
        self._reports, self._released, self._dead = Reports(own), Released(), DeadElsewhere()
        self._tables: dict[str, LastTables] = {}
        self._missed: dict[str, float] = {}  # name -> since when; it need not be named any more
        self._read = False  # every speaker was read once
        self._speaks_s = NEVER  # since when this replica is quiet towards nobody
        self._stale_since_s: float | None = None
        self.among = AmongReplicas()

    def enrol(self, ways: Mapping[str, Way]) -> None:
        """Know the other replicas that are named now."""
        self._reports.enrol(ways)

    def received(self, data: bytes, at_s: float) -> Drop | None:
        """Take a datagram; return why it counts for nothing, None if it does."""
        return self._reports.received(data, at_s)

    def hears(self, name: str, now_s: float) -> bool:
        """Return whether another replica was heard a moment ago."""
        other = self._reports.others.get(name)
        return other is not None and other.is_heard(now_s)

    def seen(self, snapshot: Snapshot, now_s: float) -> Snapshot:
        """Return *snapshot* with what follows from the others."""
        self._released.see(snapshot.services, self._standing.version(), now_s)
        several = replicas(snapshot) > 1 or bool(self._reports.others)
        self._judge(now_s, several=several and snapshot.settings.replicas != 1)
        return replace(snapshot, among=self.among)

    def due(self, now_s: float, dead: Iterable[str] = ()) -> Iterator[tuple[bytes, Peer]]:
        """Judge anew, all that had come by *now_s* being told; yield what is to be sent.

        *dead*: the nodes that this replica found dead itself.
        """
        before = self.among
        self._judge(now_s)
        if self.among is not before:
            self._wake()
        return self._reports.outgoing(
            view=self._standing.view(),
            follows=self._standing.follows(),
            serves=frozenset(map(mark_of, self._served())),
            now_s=now_s,
            dead=frozenset(map(mark_of, dead)),
            retold=self._dead.passed_on,
        )

    def _judge(self, now_s: float, *, several: bool = False) -> None:
        others, readings = self._reports.others, self._standing.readings()
        if not self._read and all(one.known for one in readings):
            self._read = True
            several = several or any(map(_says_base, readings))
        if self._read:
            self._miss(readings, now_s)
        self._dead.hear(others.values(), now_s)
        view = self._standing.view()
        stale = View.FRESH not in view and View.LEADS not in view
        since_s = now_s if self._stale_since_s is None else self._stale_since_s
        self._stale_since_s = since_s if stale else None
        among = AmongReplicas(
            quiet=quiet_towards(
                {router for one in readings for router in one.sessions},
                others.values(),
                already=self.among.quiet,
                stale_since_s=self._stale_since_s,
                now_s=now_s,
            ),
            bids=self.among.bids or several,
            unheard=tuple(
                table for name in sorted(self._missed) for table in self._tables[name].standing
            ),
            dead=self._dead.all,
            released=self._released.follow(followed(others.values(), now_s), now_s),
        )
        if not _is_same(among, self.among):
            self.among = among

    def _miss(self, readings: Sequence[Observed], now_s: float) -> None:
        """Note who is heard no more, and until then, what our speakers hold.

        Of a replica that is quiet they lack what the others' have, and a while longer.
        """
        held = tuple(one.routes for one in readings)
        if self.among.quiet:
            self._speaks_s = now_s
        speaks = now_s - self._speaks_s >= BEHIND_S
        for name, other in self._reports.others.items():
            tables = self._tables.setdefault(name, LastTables(held, now_s))
            if is_missed(other, now_s):
                self._missed.setdefault(name, now_s)
            elif is_in_step(other, now_s):
                self._missed.pop(name, None)
                if speaks:
                    tables.note(held, other.heard_s)
        for name in self._tables.keys() - self._reports.others.keys():
            if now_s - self._missed.setdefault(name, now_s) > EXPIRED_S:
                del self._missed[name], self._tables[name]

    def _served(self) -> Iterator[PeerName]:
        """Yield the routers with whom all sessions of ours stand, and that have our paths."""
        stand: dict[PeerName, bool] = {}
        for one in self._standing.readings():
            for router, session in one.sessions.items():
                stand[router] = stand.get(router, True) and session.live and one.fresh
        quiet = self.among.quiet
        return (router for router, up in stand.items() if up and router not in quiet)


def _says_base(reading: Observed) -> bool:
    """Whether the speaker holds paths of a time when there were several replicas."""
    hops = {id(group.hops): group.hops for group in Table.of(reading.routes).groups.values()}
    return any(route.attributes.med == BASE_MED for one in hops.values() for route in one.values())


def _is_same(one: AmongReplicas, other: AmongReplicas) -> bool:
    """Whether both say the same; tables by identity, since there may be a hundred thousand."""
    if len(one.unheard) != len(other.unheard):
        return False
    same_tables = all(a is b for a, b in zip(one.unheard, other.unheard, strict=True))
    values = (one.quiet, one.bids, one.released, one.dead)
    return same_tables and values == (other.quiet, other.bids, other.released, other.dead)
