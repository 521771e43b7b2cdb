"""What this agent says to its managers, and what it hears of them. Sans I/O.

One boot, one counter for all managers, a key for each. The managers name the interval; of
several, the longest is kept. Refuses to judge anybody: a manager that does not answer is named.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from agent.snapshot import Assignment, NodeName, ProxyHealth
from pointsman.model.heartbeats import INTERVAL_S, LONGEST_INTERVAL_S, ManagerEndpoint
from pointsman.wire.heartbeat import (
    MOST_LINKS,
    Acknowledgement,
    Beat,
    Drop,
    Flags,
    View,
    read_acknowledgement,
    write_beat,
)
from pointsman.wire.heartbeat_keys import public_half, shared_key
from pointsman.wire.heartbeat_windows import AcknowledgementWindow
from pointsman.wire.inquiry import Answer, Question, read_question, write_answer

# So long without an acknowledgement is worth a word in the API: sixty were lost, and a manager
# that is being replaced was back sooner.
UNANSWERED_S: Final = 30.0


@dataclass(slots=True)
class Manager:
    """One manager that this agent beats to."""

    endpoint: ManagerEndpoint
    key: bytes
    window: AcknowledgementWindow
    since_s: float  # monotonic: of its last acknowledgement, or since it was named
    interval_s: float = INTERVAL_S
    # Of the latest acknowledgement of a leader that is up to date, and of this node's generation.
    vouched: int = 0


@dataclass(slots=True)
class Exchange:
    """This boot of the agent. *private*, *boot*: drawn by chance, by the shell."""

    node: NodeName
    private: bytes
    boot: bytes
    drops: dict[Drop, int] = field(default_factory=lambda: dict.fromkeys(Drop, 0))
    _public: bytes = b""
    _counter: int = 0
    _generation: int = 0
    _proxy: ProxyHealth = ProxyHealth.UNKNOWN
    _managers: dict[str, Manager] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._public = public_half(self.private)

    @property
    def interval_s(self) -> float:
        """Return how long to wait between beats, before chance moves it."""
        return max((one.interval_s for one in self._managers.values()), default=INTERVAL_S)

    def follow(self, assignment: Assignment | None, proxy: ProxyHealth, *, now_s: float) -> None:
        """Beat to the managers of *assignment* from now on."""
        self._proxy = proxy
        self._generation = assignment.generation if assignment else 0
        named = assignment.managers if assignment else ()
        followed: dict[str, Manager] = {}
        for endpoint in named:
            known = self._managers.get(endpoint.name)
            if known is not None and known.endpoint.key == endpoint.key:
                known.endpoint = endpoint
                followed[endpoint.name] = known
            elif key := shared_key(self.private, agent=self._public, manager=endpoint.key):
                window = AcknowledgementWindow(self.boot)
                # Another key is another process of it: that it is silent is not said at once.
                followed[endpoint.name] = Manager(endpoint, key, window, since_s=now_s)
                if known is not None:
                    followed[endpoint.name].interval_s = known.interval_s
        self._managers = followed

    def beats(
        self, *, lag_s: float, links_down: Iterable[str] = (), stopping: bool = False
    ) -> list[tuple[bytes, ManagerEndpoint]]:
        """Return one datagram for each manager."""
        down = tuple(links_down)[:MOST_LINKS]
        flags = Flags(0)
        if stopping:
            flags |= Flags.STOPPING
        if down:
            flags |= Flags.LINK_DOWN
        if self._proxy is ProxyHealth.UNHEALTHY:
            flags |= Flags.PROXY_UNHEALTHY
        datagrams = []
        for one in self._managers.values():
            self._counter += 1
            beat = Beat(
                node=self.node,
                boot=self.boot,
                counter=self._counter,
                generation=self._generation,
                flags=flags,
                lag_ms=max(int(lag_s * 1000), 0),
                interval_ms=int(self.interval_s * 1000),
                nonce=one.window.nonce,
                heard=one.window.counter,
                links_down=down,
            )
            datagrams.append(
                (write_beat(beat, manager=one.endpoint.name, key=one.key), one.endpoint)
            )
        return datagrams

    def received(self, data: bytes, *, now_s: float) -> Drop | None:
        """Take what came; return why it counts for nothing, None if it does."""
        acknowledgement = read_acknowledgement(data, node=self.node, key_of=self._key)
        if not isinstance(acknowledgement, Drop):
            manager = self._managers[acknowledgement.manager]
            refusal = manager.window.refuses(acknowledgement, sent=self._counter)
            if refusal is None:
                manager.since_s = now_s
                wanted_s = acknowledgement.interval_ms / 1000
                manager.interval_s = min(max(wanted_s, INTERVAL_S), LONGEST_INTERVAL_S)
                if self._vouches(acknowledgement):
                    manager.vouched = acknowledgement.heard
                return None
            acknowledgement = refusal
        self.drops[acknowledgement] += 1
        return acknowledgement

    @property
    def counter(self) -> int:
        """Return the counter of the last beat: what is acknowledged above it was sent later."""
        return self._counter

    def vouched(self, after: int) -> bool:
        """Return whether a leader said that this node's generation is the latest.

        *after*: in answer to a beat that was sent after the one of that counter.
        """
        return any(one.vouched > after for one in self._managers.values())

    def asked(self, data: bytes) -> Question | Drop:
        """Return what a manager wants to know of another node, or why *data* counts for nothing."""
        question = read_question(data, own=self.node, key_of=self._key)
        if isinstance(question, Drop):
            self.drops[question] += 1
        return question

    def answer(self, question: Question, *, alive: bool) -> tuple[bytes, ManagerEndpoint] | None:
        """Return what to tell who asked, and where; None: it is followed no more."""
        manager = self._managers.get(question.sender)
        if manager is None:
            return None
        answer = Answer(question.number, self.node, question.node, alive)
        return write_answer(answer, to=question.sender, key=manager.key), manager.endpoint

    def unanswered(self, now_s: float) -> tuple[str, ...]:
        """Return the managers that have not acknowledged for long, by name."""
        silent = (
            name
            for name, one in self._managers.items()
            if now_s - one.since_s > max(UNANSWERED_S, 3 * one.interval_s)
        )
        return tuple(sorted(silent))

    @property
    def managers(self) -> Mapping[str, Manager]:
        return self._managers

    def _vouches(self, acknowledgement: Acknowledgement) -> bool:
        knows = View.LEADS | View.FRESH
        same = acknowledgement.generation == self._generation > 0
        return same and acknowledgement.view & knows == knows

    def _key(self, manager: str) -> bytes | None:
        known = self._managers.get(manager)
        return known.key if known else None
