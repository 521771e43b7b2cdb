"""This node's heartbeats on a UDP socket: sent as often as the managers ask, goodbye at the end.

What a manager asks about another node is answered on it, too.
"""

import asyncio
import logging
import random
from collections.abc import Callable
from typing import Final

from agent.adapters.witness import Witness
from agent.heartbeats import Exchange
from agent.snapshot import Assignment, ProxyHealth
from pointsman.model.heartbeats import JITTER, ManagerEndpoint
from pointsman.net.datagrams import Datagrams, Received, udp_socket
from pointsman.wire.inquiry import QUESTION, Question, kind_of

GOODBYES: Final = 2  # a datagram may be lost
LOOK_S: Final = 1.0  # how often it is asked who does not answer
log = logging.getLogger(__name__)


class UdpHeartbeats:
    """The port ``Heartbeats`` on the network."""

    def __init__(
        self,
        exchange: Exchange,
        *,
        chance: random.Random,
        links_down: Callable[[], tuple[str, ...]] = tuple,
    ) -> None:
        """*links_down*: the interfaces that reach none of their gateways."""
        self._exchange, self._chance, self._links_down = exchange, chance, links_down
        self._unanswered: tuple[str, ...] = ()
        self._datagrams: Datagrams | None = None
        self._witness = Witness(self._answer)
        self._acknowledged = asyncio.Event()

    @property
    def unanswered(self) -> tuple[str, ...]:
        return self._unanswered

    def follow(self, assignment: Assignment | None, proxy: ProxyHealth) -> None:
        now_s = asyncio.get_running_loop().time()
        self._exchange.follow(assignment, proxy, now_s=now_s)

    async def confirmed(self) -> None:
        """Return once a leader said in answer to a later beat that our generation is the latest."""
        after = self._exchange.counter
        while not self._exchange.vouched(after):
            self._acknowledged.clear()
            await self._acknowledged.wait()

    async def watch(self, wake: Callable[[], None]) -> None:
        """Send and listen until cancelled; then say goodbye."""
        with udp_socket("", 0) as sock:
            self._datagrams = Datagrams(sock, received=self._received)
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._datagrams.run())
                    tasks.create_task(self._witness.run())
                    tasks.create_task(self._beat())
                    tasks.create_task(self._look(wake))
            finally:
                for _ in range(GOODBYES):
                    self._send(self._exchange.beats(lag_s=0.0, stopping=True))
                self._datagrams = None

    async def _beat(self) -> None:
        """Send one round after the other; a round that is late says by how much."""
        loop = asyncio.get_running_loop()
        lag_s = 0.0
        while True:
            beats = self._exchange.beats(lag_s=lag_s, links_down=self._links_down())
            self._send(beats)
            wait_s = self._exchange.interval_s * self._chance.uniform(1 - JITTER, 1 + JITTER)
            due_s = loop.time() + wait_s
            await asyncio.sleep(wait_s)
            lag_s = loop.time() - due_s

    async def _look(self, wake: Callable[[], None]) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            silent = self._exchange.unanswered(asyncio.get_running_loop().time())
            if silent != self._unanswered:
                for name in sorted(set(silent) - set(self._unanswered)):
                    log.warning("Manager %s acknowledges no heartbeat of ours", name)
                self._unanswered = silent
                wake()

    def _received(self, got: Received) -> None:
        if kind_of(got.data) == QUESTION:
            question = self._exchange.asked(got.data)
            if isinstance(question, Question):
                self._witness.ask(question)
            return
        self._exchange.received(got.data, now_s=asyncio.get_running_loop().time())
        self._acknowledged.set()

    def _answer(self, question: Question, alive: bool) -> None:
        if (answer := self._exchange.answer(question, alive=alive)) is not None:
            self._send([answer])

    def _send(self, beats: list[tuple[bytes, ManagerEndpoint]]) -> None:
        if self._datagrams is None:
            return
        for data, to in beats:
            self._datagrams.send(data, (str(to.address), to.port))
