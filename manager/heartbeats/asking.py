"""Questions about silent nodes: to agents elsewhere, and to the other replicas. Sans I/O.

A question has a number drawn by chance, and only its answer, in time, counts. Replicas know each
other by what the leader wrote into the Announcers, as agents know them. A replica is called as
its node is, and so is the agent there: which of the two answers, its key says.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from manager.heartbeats.listening import Listening, Peer
from manager.replicas.reports import Way
from manager.snapshot import Announcer, NodeName
from pointsman.api import parse
from pointsman.api.announcer import ManagerAddress
from pointsman.model.address import Address
from pointsman.wire.heartbeat import Drop
from pointsman.wire.heartbeat_keys import read_key, shared_key
from pointsman.wire.inquiry import (
    NEVER_MS,
    NUMBER_OCTETS,
    Answer,
    Question,
    read_answer,
    read_question,
    write_answer,
    write_question,
)

PATIENCE_S: Final = 2.0  # an answer that comes later speaks of another time
MOST: Final = 4096  # questions that wait for an answer


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that counts, and whether a replica gave it: else an agent did."""

    answer: Answer
    by_replica: bool


@dataclass(slots=True)
class Asking:
    """The questions of this process. *draw* gives so many octets by chance."""

    listening: Listening
    draw: Callable[[int], bytes]
    _replicas: Mapping[str, Way] = field(default_factory=dict)
    _named: Any = None  # what the replicas were read from
    # By number: who was asked, whether as a replica, about whom, and until when it counts.
    _waiting: dict[bytes, tuple[str, bool, str, float]] = field(default_factory=dict)

    @property
    def replicas(self) -> Mapping[str, Way]:
        """Return the other replicas that can be asked."""
        return self._replicas

    def enrol(self, announcers: Mapping[NodeName, Announcer]) -> None:
        """Know the replicas that the Announcers name.

        All name the same, each by the address that is best for its node: ours comes first.
        """
        own = announcers.get(NodeName(self._own))
        ordered = (own, *(one for _, one in sorted(announcers.items())))
        named = (one.spec.get("managers") for one in ordered if one is not None)
        named_first = next(filter(None, named), None)
        if named_first == self._named:
            return
        self._named = named_first
        entries = named_first if isinstance(named_first, list) else []
        # Each alone, and nothing else of the spec: a version to come may say more than we can read.
        read = (parse(ManagerAddress, entry)[0] for entry in entries)
        self._replicas = {
            one.name: Way((str(one.address), one.port), key)
            for one in read
            if one is not None and one.name != self._own and (key := self._key(one.public_key))
        }

    def about(
        self,
        node: NodeName,
        agents: tuple[NodeName, ...],
        *,
        address: Address | None,
        ports: tuple[int, ...],
        now_s: float,
    ) -> Iterator[tuple[bytes, Peer]]:
        """Yield what to send, and where: each agent is to probe, each replica to say when."""
        for name in agents if address is not None else ():
            agent = self.listening.agents.get(name)
            if agent is not None and agent.counts is not None:
                number = self._number(name, node, now_s, as_replica=False)
                asked = Question(number, self._own, node, address, ports)
                yield write_question(asked, to=name, key=agent.key), agent.counts.peer
        for other, replica in self._replicas.items():
            number = self._number(other, node, now_s, as_replica=True)
            asked = Question(number, self._own, node)
            yield write_question(asked, to=other, key=replica.key), replica.peer

    def answered(self, data: bytes, *, now_s: float) -> Reply | Drop:
        """Return an answer to a question of ours, or why *data* counts for nothing."""
        answer, by_replica = self._read(data)
        if isinstance(answer, Answer):
            *asked, until_s = self._waiting.get(answer.number, ("", False, "", now_s))
            if asked == [answer.sender, by_replica, answer.node] and now_s <= until_s:
                del self._waiting[answer.number]
                return Reply(answer, by_replica)
            answer = Drop.OLD
        self.listening.drops[answer] += 1
        return answer

    def asked(self, data: bytes, *, age_s: Callable[[NodeName], float | None]) -> bytes | Drop:
        """Return what a replica that asks is told: how long ago its node's agent was heard."""
        question = read_question(data, own=self._own, key_of=self._key_of)
        if isinstance(question, Drop):
            self.listening.drops[question] += 1
            return question
        replica = self._replicas.get(question.sender)
        if replica is None:  # agents do not ask
            self.listening.drops[Drop.FOREIGN] += 1
            return Drop.FOREIGN
        age = age_s(NodeName(question.node))
        age_ms = NEVER_MS if age is None else min(round(max(age, 0.0) * 1000), NEVER_MS - 1)
        answer = Answer(question.number, self._own, question.node, age is not None, age_ms)
        return write_answer(answer, to=question.sender, key=replica.key)

    @property
    def _own(self) -> str:
        return self.listening.name

    def _read(self, data: bytes) -> tuple[Answer | Drop, bool]:
        """Return an answer that is signed, or what is wrong; and whether a replica's key fits."""
        of_replica = read_answer(data, own=self._own, key_of=self._key_of_replica)
        if of_replica is not Drop.UNKNOWN and of_replica is not Drop.FORGED:
            return of_replica, True
        of_agent = read_answer(data, own=self._own, key_of=self._key_of_agent)
        return (of_replica if of_agent is Drop.UNKNOWN else of_agent), False

    def _number(self, asked: str, node: NodeName, now_s: float, *, as_replica: bool) -> bytes:
        while self._waiting:
            first = next(iter(self._waiting))
            if len(self._waiting) < MOST and self._waiting[first][-1] >= now_s:
                break
            del self._waiting[first]
        number = self.draw(NUMBER_OCTETS)
        self._waiting[number] = (asked, as_replica, node, now_s + PATIENCE_S)
        return number

    def _key_of(self, name: str) -> bytes | None:
        return self._key_of_replica(name) or self._key_of_agent(name)

    def _key_of_replica(self, name: str) -> bytes | None:
        replica = self._replicas.get(name)
        return replica.key if replica is not None else None

    def _key_of_agent(self, name: str) -> bytes | None:
        agent = self.listening.agents.get(NodeName(name))
        return agent.key if agent is not None else None

    def _key(self, text: str) -> bytes | None:
        """Return the key that two replicas share: of their halves the lower one comes first."""
        half, own = read_key(text), self.listening.public
        if half is None or half == own:
            return None
        return shared_key(self.listening.private, agent=min(half, own), manager=max(half, own))
