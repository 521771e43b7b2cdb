"""What this process of a manager hears of agents, and what it says to them. Sans I/O.

A beat that is wrong, old or somebody else's is counted by its reason and changes nothing else.
Refuses to judge: who is alive is asked of `manager/liveness`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from manager.snapshot import Announcer, NodeName
from pointsman.model.heartbeats import ACKNOWLEDGE_S, interval_s
from pointsman.wire.heartbeat import (
    Acknowledgement,
    Beat,
    Drop,
    View,
    read_beat,
    write_acknowledgement,
)
from pointsman.wire.heartbeat_keys import public_half, read_key, shared_key
from pointsman.wire.heartbeat_windows import BeatWindow

Peer = tuple[Any, ...]  # where a datagram came from, in the socket's own words
SLICES: Final = 10  # of the agents: acknowledgements are a stream, not a burst


@dataclass(frozen=True, slots=True)
class Sender:
    """Where beats of one boot come from, and the last of them."""

    boot: bytes
    counter: int
    peer: Peer


@dataclass(slots=True)
class Agent:
    """One agent whose key is known."""

    public_key: str
    key: bytes
    window: BeatWindow
    generation: int = 0
    counts: Sender | None = None  # the boot that counts
    newcomer: Sender | None = None  # authenticated, and has not shown yet that it hears us


@dataclass(slots=True)
class Listening:
    """This process. *private*, *nonce*: drawn by chance, by the shell; the nonce is not 0."""

    name: str
    private: bytes
    nonce: int
    drops: dict[Drop, int] = field(default_factory=lambda: dict.fromkeys(Drop, 0))
    counted: int = 0
    _public: bytes = b""
    _round: int = 0
    _agents: dict[NodeName, Agent] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._public = public_half(self.private)

    @property
    def public(self) -> bytes:
        return self._public

    @property
    def agents(self) -> Mapping[NodeName, Agent]:
        """Return the agents whose key is known."""
        return self._agents

    @property
    def interval_s(self) -> float:
        """Return how often each of them is asked to send."""
        return interval_s(len(self._agents))

    @property
    def slice_s(self) -> float:
        """Return how long to wait between two slices of acknowledgements."""
        return max(ACKNOWLEDGE_S, self.interval_s) / SLICES

    def enrol(self, announcers: Mapping[NodeName, Announcer]) -> None:
        """Hear the agents of *announcers* that have published a key, and nobody else.

        Another key is another agent, of which nothing was heard yet.
        """
        found: dict[NodeName, Agent] = {}
        for name, announcer in announcers.items():
            known = self._agents.get(name)
            if known is None or known.public_key != announcer.public_key:
                known = self._agent(announcer.public_key)
            if known is not None:
                known.generation = announcer.generation
                found[name] = known
        self._agents = found

    def received(self, data: bytes, peer: Peer) -> Beat | Drop:
        """Return a beat that counts, or why *data* does not."""
        beat = read_beat(data, manager=self.name, key_of=self._key)
        if isinstance(beat, Drop):
            self.drops[beat] += 1
            return beat
        agent = self._agents[NodeName(beat.node)]
        sender = Sender(beat.boot, beat.counter, peer)
        refusal = agent.window.refuses(beat, rounds=self._round)
        if refusal is None:
            self.counted += 1
            agent.counts = sender
            if agent.newcomer is not None and agent.newcomer.boot == beat.boot:
                agent.newcomer = None
            return beat
        if refusal is Drop.UNPROVEN:
            agent.newcomer = sender
        self.drops[refusal] += 1
        return refusal

    def acknowledgements(self, *, view: View, leader: str) -> Iterator[tuple[bytes, Peer]]:
        """Yield what the next slice of the agents is told, and where."""
        self._round += 1
        interval_ms = round(self.interval_s * 1000)
        for number, (node, agent) in enumerate(self._agents.items()):
            if number % SLICES != self._round % SLICES:
                continue
            for sender in (agent.counts, agent.newcomer):
                if sender is None:
                    continue
                acknowledgement = Acknowledgement(
                    manager=self.name,
                    nonce=self.nonce,
                    counter=self._round,
                    boot=sender.boot,
                    heard=sender.counter,
                    generation=agent.generation,
                    view=view,
                    interval_ms=interval_ms,
                    leader=leader,
                )
                yield write_acknowledgement(acknowledgement, node=node, key=agent.key), sender.peer
            agent.newcomer = None  # it is answered once for each time that it spoke

    def _agent(self, text: str) -> Agent | None:
        half = read_key(text)
        if half is None:
            return None
        key = shared_key(self.private, agent=half, manager=self._public)
        return None if key is None else Agent(text, key, BeatWindow(self.nonce))

    def _key(self, node: str) -> bytes | None:
        agent = self._agents.get(NodeName(node))
        return agent.key if agent is not None else None
