"""A LAN of nodes with real agents' exchanges and of managers' sockets, on the virtual clock.

Datagrams arrive half a millisecond later or never; what waits in a socket is read when its process
runs. Refuses to judge: what is true of a node is set here.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

from agent.heartbeats import Exchange
from agent.snapshot import Assignment, ProxyHealth
from agent.snapshot import NodeName as AgentNode
from manager.adapters.heartbeat import HeartbeatNet
from manager.adapters.kubernetes.client import ANNOUNCERS
from manager.heartbeats.driver import HeartbeatDriver
from manager.snapshot import NodeName
from pointsman.model.heartbeats import ManagerEndpoint
from pointsman.model.liveness import ProbeOutcome
from pointsman.net.datagrams import Received
from pointsman.runtime.listen_address import ListenAddress
from pointsman.wire.heartbeat_keys import key_text, public_half, read_key
from pointsman.wire.inquiry import QUESTION, Question, kind_of
from tests.fakes.kube import FakeKube

PORT = 7470
DELAY_S = 0.0005


def now() -> float:
    return asyncio.get_running_loop().time()


@dataclass
class LanNode:
    """A node: its kernel, and its agent unless that is gone."""

    name: str
    address: str
    exchange: Exchange
    alive: bool = True


@dataclass
class LanSocket:
    """A manager's socket, and its way to nodes: what waits is read while it runs."""

    lan: "Lan"
    address: str
    driver: HeartbeatDriver
    stopped: bool = False  # the process does not run: nothing is read, sent or connected
    waiting: list[Received] = field(default_factory=list)
    answers: list[tuple[NodeName, int, ProbeOutcome, float]] = field(default_factory=list)

    # --- the port HeartbeatSocket ---

    async def run(self) -> None:
        while True:
            await asyncio.sleep(0.05)
            self.drain()

    def drain(self) -> bool:
        if self.stopped:
            return True
        waiting, self.waiting = self.waiting, []
        for got in waiting:
            self.driver.received(got)
        self.driver.drained(now(), False)
        return True

    def send(self, data: bytes, peer: tuple[Any, ...]) -> bool:
        if not self.stopped:
            self.lan.carry(self.address, str(peer[0]), data)
        return True

    def close(self) -> None:
        self.lan.sockets.pop(self.address, None)


@dataclass
class LanWitness:
    """TCP connections of one manager."""

    sock: LanSocket

    async def run(self) -> None:
        while True:
            await asyncio.sleep(0.05)
            self.collect()

    def start(self, subject: NodeName, address: str, port: int, *, hello: bool) -> None:
        lan, sock = self.sock.lan, self.sock
        node = next((one for one in lan.nodes.values() if one.address == address), None)
        if sock.stopped or node is None or not node.alive or lan.is_cut(sock.address, address):
            return
        outcomes = (ProbeOutcome.Accepted, ProbeOutcome.Spoke)[: 1 + hello]
        sock.answers += [(subject, port, one, now()) for one in outcomes]

    def collect(self) -> None:
        if not self.sock.stopped:
            answers, self.sock.answers = self.sock.answers, []
            for answer in answers:
                self.sock.driver.probed(*answer)


class Lan:
    """All of it. *cut*: pairs of addresses between which nothing passes, either way."""

    def __init__(self, api: FakeKube, nodes: Mapping[str, str]) -> None:
        self._api = api
        self.nodes = {
            name: LanNode(
                name, address, Exchange(AgentNode(name), name.encode().ljust(32, b"."), b"b" * 16)
            )
            for name, address in nodes.items()
        }
        self.sockets: dict[str, LanSocket] = {}
        self.cut: set[frozenset[str]] = set()
        self._late: list[tuple[float, LanSocket, Received]] = []

    def is_cut(self, one: str, other: str) -> bool:
        return frozenset((one, other)) in self.cut

    def net(self) -> HeartbeatNet:
        """Return how a manager opens its socket here."""

        def opened(where: ListenAddress, driver: HeartbeatDriver) -> LanSocket:
            sock = self.sockets[where.address] = LanSocket(self, where.address, driver)
            return sock

        return HeartbeatNet(
            opened,
            lambda driver, _: LanWitness(
                next(one for one in self.sockets.values() if one.driver is driver)
            ),
        )

    def carry(self, source: str, to: str, data: bytes) -> None:
        """Bring one datagram there, if it gets there."""
        if self.is_cut(source, to):
            return
        if (sock := self.sockets.get(to)) is not None:
            sock.waiting.append(Received(data, (source, PORT), now() + DELAY_S))
            return
        node = next((one for one in self.nodes.values() if one.address == to), None)
        if node is None or not node.alive:
            return
        if kind_of(data) != QUESTION:
            node.exchange.received(data, now_s=now())
            return
        asked = node.exchange.asked(data)
        if isinstance(asked, Question):
            about = self.nodes[asked.node]
            alive = about.alive and not self.is_cut(node.address, about.address)
            if answer := node.exchange.answer(asked, alive=alive):
                self.carry(node.address, str(answer[1].address), answer[0])

    async def run(self) -> None:
        """Have every living agent beat, and follow its Announcer, until cancelled."""
        for count in range(1 << 30):
            await asyncio.sleep(0.1)
            for node in self.nodes.values():
                if not node.alive:
                    continue
                if count % 10 == 0:
                    self._follow(node)
                for data, endpoint in node.exchange.beats(lag_s=0.0):
                    self.carry(node.address, str(endpoint.address), data)

    def _follow(self, node: LanNode) -> None:
        raw = self._api.objects.get((ANNOUNCERS.plural, "", node.name))
        if raw is None:
            return
        public = key_text(public_half(node.exchange.private))
        if raw.get("status", {}).get("publicKey") != public:
            interface = {"name": "eth0", "up": True, "addresses": [f"{node.address}/24"]}
            status = {"publicKey": public, "interfaces": [interface]}
            self._api.put(ANNOUNCERS, {**raw, "status": {**raw.get("status", {}), **status}})
            return
        managers = tuple(
            ManagerEndpoint(one["name"], ip_address(one["address"]), one["port"], key)
            for one in raw["spec"].get("managers", ())
            if (key := read_key(one["publicKey"]))
        )
        generation = raw["metadata"].get("generation", 1)
        named = Assignment(generation=generation, managers=managers)
        node.exchange.follow(named, ProxyHealth.UNKNOWN, now_s=now())
