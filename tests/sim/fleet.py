"""Agents that send heartbeats over a bad network, and managers that judge them, on a virtual clock.

The judgement is the real one; packets are events of a heap. What is true of a node is known here,
so a wrong verdict is found the moment it falls, and a death that nobody notices, too.
"""

import heapq
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count

from manager.liveness.exchange import Ask, Beat, Effect, Probe, Turned
from manager.liveness.judgement import Judgement
from manager.snapshot import NodeName
from pointsman.model.liveness import Liveness, ProbeOutcome

KUBELET, PROXY = 10250, 10256
PORTS = (KUBELET, PROXY)
JITTER = 0.25
MUTE_S = 1.0  # how long a hello waits for a word
SYN_ACK_S = 0.0005


@dataclass(slots=True)
class FakeNode:
    """A node as it truly is."""

    name: NodeName
    rack: str
    kernel: bool = True  # powered, and its network works
    agent: bool = True
    programs: bool = True  # kubelet and service proxy answer
    closed: frozenset[int] = frozenset()  # ports where nothing listens: RST
    filtered: frozenset[int] = frozenset()  # ports from which nothing comes
    stopping: bool = False
    link_down: bool = False
    starved_until: float = 0.0  # its agent; the kernel answers meanwhile
    died: float | None = None


@dataclass(slots=True)
class FakeManager:
    """A manager's shell: a socket with a queue, a timer, and the judgement."""

    name: str
    judgement: Judgement
    inbox: list[tuple[float, Callable[[Judgement], None]]] = field(default_factory=list)
    room: int = 4096  # datagrams that the socket holds
    overflown: bool = False
    starved_until: float = 0.0
    stepped_s: float = 0.0  # how far the wall clock, by which the kernel stamps, was set
    emptied: float = 0.0  # when its socket was empty last
    wakes_at: float = float("inf")
    turned: list[tuple[float, Turned]] = field(default_factory=list)
    news: list[tuple[float, Effect]] = field(default_factory=list)


@dataclass(slots=True)
class Fleet:
    """The whole of it. `run` lets time pass; everything else is what happens at a moment."""

    seed: int = 1
    interval_s: float = 0.1
    loss: float = 0.0
    delay_s: float = 0.0005
    duplicates: float = 0.0
    now: float = 100.0
    nodes: dict[NodeName, FakeNode] = field(default_factory=dict)
    managers: dict[str, FakeManager] = field(default_factory=dict)
    cut: set[tuple[str, str]] = field(default_factory=set)  # (from, to): nothing passes
    story: list[str] = field(default_factory=list)
    on_turn: Callable[["FakeManager", Turned], None] | None = None
    _heap: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _order: Iterator[int] = field(default_factory=count)
    _luck: random.Random = field(default_factory=random.Random)

    # --- building it ---

    def build(self, racks: Iterable[int], *, managers: int = 1) -> "Fleet":
        """Racks of so many nodes each, and managers that hear them all."""
        self._luck = random.Random(self.seed)
        number = 0
        for index, size in enumerate(racks, 1):
            for _ in range(size):
                number += 1
                name = NodeName(f"node{number}")
                self.nodes[name] = FakeNode(name, f"rack{index}")
        for index in range(1, managers + 1):
            self.start(f"manager{index}")
        for name in self.nodes:
            self.at(self._luck.random() * self.interval_s, self._beater(name))
        return self

    def start(self, name: str, *, own: str | None = None) -> None:
        """A manager's process begins, without memory; on the node *own*."""
        where = None if own is None else NodeName(own)
        one = FakeManager(name, Judgement(started_s=self.now, ports=PORTS, own=where))
        racks = [node.rack for node in self.nodes.values()]
        several = {rack for rack in racks if 1 < racks.count(rack) < len(racks)}
        one.judgement.enrol(
            {n: (node.rack,) if node.rack in several else () for n, node in self.nodes.items()}
        )
        one.emptied = self.now
        self.managers[name] = one

    # --- time ---

    def at(self, delay_s: float, deed: Callable[[], None]) -> None:
        heapq.heappush(self._heap, (self.now + delay_s, next(self._order), deed))

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while self._heap and self._heap[0][0] <= end:
            self.now, _, deed = heapq.heappop(self._heap)
            deed()
        self.now = end

    def tell(self, what: str) -> None:
        self.story.append(f"{self.now:9.3f} {what}")

    # --- what happens to nodes ---

    def kill(self, *names: str) -> None:
        """Power loss: agent, programs and kernel end at once."""
        for name in names:
            node = self.nodes[NodeName(name)]
            node.kernel = node.agent = False
            node.died = self.now
            self.tell(f"{name} dies")

    def boot(self, *names: str) -> None:
        for name in names:
            node = self.nodes[NodeName(name)]
            dead, node.died = not node.agent, None
            node.kernel = node.agent = node.programs = True
            node.stopping = node.link_down = False
            self.tell(f"{name} is back")
            if dead:
                self.at(0.0, self._beater(node.name))

    def end_agent(self, name: str, *, goodbye: bool) -> None:
        node = self.nodes[NodeName(name)]
        self.tell(f"the agent of {name} ends{'' if goodbye else ' without a word'}")
        if goodbye:
            node.stopping = True
            self._send(node)
        node.agent = False

    def starve(self, manager: str, seconds: float) -> None:
        self.tell(f"{manager} is starved for {seconds:.1f} s")
        one = self.managers[manager]
        one.starved_until = self.now + seconds
        self.at(seconds, lambda: self._wake(one))

    def set_clock(self, manager: str, seconds: float) -> None:
        """The wall clock of its host jumps."""
        self.tell(f"the clock of {manager} is set by {seconds:+.1f} s")
        self.managers[manager].stepped_s += seconds

    def sever(self, *ways: tuple[str, str]) -> None:
        self.cut.update(ways)

    def mend(self, *ways: tuple[str, str]) -> None:
        self.cut.difference_update(ways)

    # --- the wire ---

    def _passes(self, source: str, target: str) -> bool:
        return (source, target) not in self.cut and self._luck.random() >= self.loss

    def _takes(self) -> float:
        return self.delay_s * (0.5 + self._luck.random())

    def _beater(self, name: NodeName) -> Callable[[], None]:
        node = self.nodes[name]

        def beat() -> None:
            if not node.agent or self.nodes.get(name) is not node:
                return
            if self.now >= node.starved_until:
                self._send(node)
            spread = 1 + JITTER * (2 * self._luck.random() - 1)
            self.at(self.interval_s * spread, beat)

        return beat

    def _send(self, node: FakeNode) -> None:
        beat = Beat(self.interval_s, stopping=node.stopping, link_down=node.link_down)
        for one in list(self.managers.values()):
            copies = 1 + (self._luck.random() < self.duplicates)
            for _ in range(copies):
                if node.kernel and self._passes(node.name, one.name):
                    self.at(self._takes(), self._arrival(one, node.name, beat))

    def _arrival(self, one: FakeManager, node: NodeName, beat: Beat) -> Callable[[], None]:
        def arrive() -> None:
            stamp = self.now + one.stepped_s  # by the kernel, whoever reads it when

            def read(judgement: Judgement) -> None:
                # As pointsman.net.datagrams has it: an age, bounded by what is surely true.
                age_s = self.now + one.stepped_s - stamp
                age_s = min(max(age_s, 0.0), self.now - one.emptied)
                judgement.heard(node, beat, self.now - age_s)

            self._receive(one, read)

        return arrive

    def _receive(self, one: FakeManager, given: Callable[[Judgement], None]) -> None:
        if len(one.inbox) >= one.room:
            one.overflown = True
            return
        one.inbox.append((self.now, given))
        self._wake(one)

    def _wake(self, one: FakeManager) -> None:
        """The process runs: it drains, judges, and acts."""
        if self.now < one.starved_until or self.managers.get(one.name) is not one:
            return
        inbox, one.inbox = one.inbox, []
        for _, given in inbox:
            given(one.judgement)
        one.judgement.drained(self.now, overflow=one.overflown)
        one.overflown, one.emptied = False, self.now
        for effect in one.judgement.tick():
            self._act(one, effect)
        next_s = one.judgement.next_s
        if next_s is not None and not self.now < one.wakes_at <= next_s:
            one.wakes_at = next_s
            self.at(max(0.0, next_s - self.now), lambda: self._wake(one))

    def _act(self, one: FakeManager, effect: Effect) -> None:
        match effect:
            case Probe(node, ports, hello):
                for port in ports:
                    self._connect(one, self.nodes[node], port, hello=hello)
            case Ask(node, agents):
                self._ask(one, node, agents)
            case Turned():
                one.turned.append((self.now, effect))
                self.tell(
                    f"{one.name}: {effect.node} {effect.before} -> {effect.after}: {effect.why}"
                )
                if self.on_turn is not None:
                    self.on_turn(one, effect)
            case _:
                one.news.append((self.now, effect))
                self.tell(f"{one.name}: {effect}")

    # --- probes ---

    def _answer(self, source: str, node: FakeNode, port: int) -> ProbeOutcome:
        """What one SYN to *port* finds: it must arrive, and the answer as well."""
        if not node.kernel or port in node.filtered or not self._passes(source, node.name):
            return ProbeOutcome.Silent
        if not self._passes(node.name, source):
            return ProbeOutcome.Silent
        return ProbeOutcome.Refused if port in node.closed else ProbeOutcome.Accepted

    def _connect(self, one: FakeManager, node: FakeNode, port: int, *, hello: bool) -> None:
        found = self._answer(one.name, node, port)
        if found is ProbeOutcome.Silent:
            return

        def given(outcome: ProbeOutcome) -> Callable[[], None]:
            return lambda: self._receive(
                one, lambda judgement: judgement.probed(node.name, port, outcome, self.now)
            )

        self.at(2 * self._takes(), given(found))
        if hello and found is ProbeOutcome.Accepted:
            if node.programs:
                self.at(4 * self._takes(), given(ProbeOutcome.Spoke))
            else:
                self.at(MUTE_S, given(ProbeOutcome.Mute))

    def _ask(self, one: FakeManager, node: NodeName, agents: tuple[NodeName, ...]) -> None:
        for name in agents:
            if self._passes(one.name, name):
                self.at(self._takes(), self._probing(one, self.nodes[name], node))
        for other in self.managers.values():
            if other is one or self.now < other.starved_until:
                continue
            if self._passes(one.name, other.name) and self._passes(other.name, one.name):
                heard = other.judgement.heard_s(node)
                if heard is not None:
                    self.at(
                        2 * self._takes(),
                        lambda heard=heard: self._receive(  # type: ignore[misc]
                            one, lambda judgement: judgement.others(node, heard, self.now)
                        ),
                    )

    def _probing(self, one: FakeManager, agent: FakeNode, node: NodeName) -> Callable[[], None]:
        def given(*, alive: bool) -> None:
            if agent.agent and agent.kernel and self._passes(agent.name, one.name):
                self.at(
                    self._takes(),
                    lambda: self._receive(
                        one,
                        lambda judgement: judgement.witnessed(
                            node, agent.name, alive=alive, at_s=self.now
                        ),
                    ),
                )

        def attempt(number: int) -> None:
            outcomes = [self._answer(agent.name, self.nodes[node], port) for port in PORTS]
            if any(outcome.alive for outcome in outcomes):
                given(alive=True)
            elif number < 2:
                self.at(0.06, lambda: attempt(number + 1))
            else:
                self.at(0.08, lambda: given(alive=False))

        return lambda: attempt(0) if agent.agent and agent.kernel else None

    # --- looking ---

    def verdict(self, node: str, manager: str = "manager1") -> Liveness:
        known = self.managers[manager].judgement.liveness
        return known.get(NodeName(node), Liveness.Unknown)
