"""This node's word on another that a manager doubts: three connections, and what came of them.

The same three as a manager makes. Whatever answers is life; what never left this node says
nothing, and then nothing is said.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from pointsman.model.liveness import ATTEMPT_GAP_S, ATTEMPTS, ProbeOutcome
from pointsman.net.probes import Probes
from pointsman.wire.inquiry import Question

ANSWER_S: Final = 0.1  # after the last connection
MOST: Final = 32  # questions at a time: a manager asks about few nodes, each of two agents

Found = Callable[[bytes, int, ProbeOutcome, float], None]


class Connections(Protocol):
    """What of `pointsman.net.probes.Probes` is used here."""

    async def run(self) -> None: ...

    def start(self, subject: bytes, address: str, port: int, *, hello: bool) -> None: ...


def tcp(found: Found) -> Connections:
    return Probes(found=found, hellos={})


@dataclass(slots=True)
class _Inquiry:
    question: Question
    unsure: int = 0


class Witness:
    """Probes what it is asked about; *tell* is given each question and whether its node lives."""

    def __init__(
        self, tell: Callable[[Question, bool], None], make: Callable[[Found], Connections] = tcp
    ) -> None:
        self._tell, self._under_way = tell, dict[bytes, _Inquiry]()
        self._connections = make(self._found)

    async def run(self) -> None:
        """Take answers until cancelled."""
        await self._connections.run()

    def ask(self, question: Question) -> None:
        """Find out about the node of *question*; never wait."""
        number = question.number
        if question.address is None or not question.ports or number in self._under_way:
            return
        if len(self._under_way) >= MOST:
            return
        self._under_way[number] = _Inquiry(question)
        loop = asyncio.get_running_loop()
        for attempt in range(ATTEMPTS):
            loop.call_later(attempt * ATTEMPT_GAP_S, self._connect, number)
        loop.call_later((ATTEMPTS - 1) * ATTEMPT_GAP_S + ANSWER_S, self._give_up, number)

    def _connect(self, number: bytes) -> None:
        if (one := self._under_way.get(number)) is not None:
            for port in one.question.ports:
                self._connections.start(number, str(one.question.address), port, hello=False)

    def _found(self, number: bytes, _port: int, outcome: ProbeOutcome, _at_s: float) -> None:
        if (one := self._under_way.get(number)) is None:
            return
        if outcome.alive:
            del self._under_way[number]
            self._tell(one.question, True)
        elif outcome is ProbeOutcome.Unsure:
            one.unsure += 1

    def _give_up(self, number: bytes) -> None:
        one = self._under_way.pop(number, None)
        if one is not None and one.unsure < ATTEMPTS * len(one.question.ports):
            self._tell(one.question, False)
