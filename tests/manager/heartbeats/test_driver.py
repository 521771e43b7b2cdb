"""From datagrams to verdicts on the virtual clock: a socket and a witness that the test plays."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from ipaddress import ip_address, ip_interface
from typing import Any

import pytest

from manager.heartbeats.driver import HeartbeatDriver
from manager.heartbeats.listening import Listening
from manager.heartbeats.presence import Presence
from manager.liveness.judgement import Judgement
from manager.snapshot import Announcer, Interface, ManagerReplica, Node, NodeName, Snapshot
from pointsman.model.liveness import Liveness, ProbeOutcome
from pointsman.net.datagrams import Received
from pointsman.wire.heartbeat import Flags, View
from pointsman.wire.heartbeat_keys import key_text, public_half
from pointsman.wire.inquiry import (
    QUESTION,
    Answer,
    Question,
    kind_of,
    read_question,
    write_answer,
)
from tests.manager.heartbeats.agents import MANAGER, NONCE, PRIVATE, TestAgent, alone

pytestmark = pytest.mark.looptime(noop_cycles=1)
PORTS = (10250, 10256)


@dataclass
class Net:
    """A LAN: agents that beat, nodes that answer, a manager's socket, and who is cut off."""

    driver: HeartbeatDriver
    agents: dict[str, TestAgent]
    cut: set[str] = field(default_factory=set)  # their node is off the network
    mute: set[str] = field(default_factory=set)  # their agent says nothing
    flags: dict[str, Flags] = field(default_factory=dict)
    waiting: list[Received] = field(default_factory=list)  # in the socket's buffer
    asleep: bool = False  # nobody reads the socket
    lost: bool = False
    questions: list[tuple[str, str]] = field(default_factory=list)  # (asked, about)
    asked: list[tuple[str, int, bool]] = field(default_factory=list)

    # --- the port HeartbeatSocket ---

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            for name, agent in self.agents.items():
                if not {name} & (self.cut | self.mute):
                    data = agent.beat(self.flags.get(name, Flags(0)))
                    self.waiting.append(Received(data, agent.peer, loop.time()))
            if not self.asleep:
                self.drain()
            await asyncio.sleep(0.1)

    def drain(self) -> bool:
        waiting, self.waiting = self.waiting, []
        for got in waiting:
            self.driver.received(got)
        lost, self.lost = self.lost, False
        self.driver.drained(asyncio.get_running_loop().time(), lost)
        return True

    def close(self) -> None:
        self.waiting.clear()

    def send(self, data: bytes, peer: tuple[Any, ...]) -> bool:
        for name, agent in self.agents.items():
            if agent.peer == peer and name not in self.cut:
                if kind_of(data) == QUESTION:
                    self._answer(agent, data)
                else:
                    agent.hear(data)
        return True

    def _answer(self, agent: TestAgent, data: bytes) -> None:
        asked = read_question(data, own=agent.node, key_of=lambda name: agent.key)
        assert isinstance(asked, Question)
        self.questions.append((agent.node, asked.node))
        acknowledgements = Answer(
            asked.number, agent.node, asked.node, alive=asked.node not in self.cut
        )
        answer = write_answer(acknowledgements, to=MANAGER, key=agent.key)
        now_s = asyncio.get_running_loop().time()
        self.waiting.append(Received(answer, agent.peer, now_s))


@dataclass
class Witness:
    """The port ``Witness``: connections that the LAN answers at once, or never."""

    net: Net
    pending: list[tuple[NodeName, int, ProbeOutcome]] = field(default_factory=list)

    async def run(self) -> None:
        await asyncio.Event().wait()

    def start(self, subject: NodeName, address: str, port: int, *, hello: bool) -> None:
        assert address == str(self.net.agents[subject].peer[0])
        self.net.asked.append((subject, port, hello))
        if subject not in self.net.cut:
            self.pending.append((subject, port, ProbeOutcome.Refused))

    def collect(self) -> None:
        pending, self.pending = self.pending, []
        for subject, port, outcome in pending:
            self.net.driver.probed(subject, port, outcome, asyncio.get_running_loop().time())


@dataclass
class Rig:
    net: Net
    driver: HeartbeatDriver
    nodes: dict[NodeName, Node]
    announcers: dict[NodeName, Announcer]
    wakes: int = 0
    view: View = View.LEADS

    def verdicts(self) -> dict[str, str]:
        return {name: verdict.value for name, verdict in self.driver.liveness.items()}


def managers(*names: str) -> dict[str, Any]:
    """Return what an Announcer says where replicas of these names run, which are not heard."""
    return {
        "managers": [
            {
                "name": name,
                "address": "192.0.2.9",
                "port": 7470,
                "publicKey": key_text(public_half(name.encode().ljust(32, b"!"))),
            }
            for name in names
        ]
    }


@asynccontextmanager
async def hearing(*replicas: str) -> AsyncIterator[Rig]:
    """A LAN of five nodes, heard for a while; on those called *replicas*, there is one each."""
    agents = {f"node{n}": TestAgent(f"node{n}") for n in range(1, 6)}
    nodes = {a.name: Node(a.name, internal_ips=(ip_address(a.peer[0]),)) for a in agents.values()}
    spec = managers(*replicas)
    announcers = {one.name: replace(one.announcer(), spec=spec) for one in agents.values()}
    made: list[Rig] = []
    numbers = itertools.count(1)

    def wake() -> None:
        made[0].wakes += 1

    driver = HeartbeatDriver(
        Listening(MANAGER, PRIVATE, NONCE),
        Judgement(started_s=asyncio.get_running_loop().time(), ports=PORTS),
        ports=PORTS,
        draw=lambda octets: next(numbers).to_bytes(octets),
        cluster=lambda: (made[0].nodes, made[0].announcers),
        view=lambda: (made[0].view, MANAGER),
        wake=wake,
        company=alone(MANAGER),
    )
    net = Net(driver, agents)
    made.append(Rig(net, driver, nodes, announcers))
    running = asyncio.create_task(driver.run(net, Witness(net)))
    await asyncio.sleep(20)
    yield made[0]
    running.cancel()
    await asyncio.wait([running])
    assert running.cancelled()


async def test_agents_that_are_heard_are_alive_and_their_nodes_are_asked() -> None:
    async with hearing() as rig:
        assert rig.verdicts() == dict.fromkeys(rig.net.agents, "Alive")
        assert {port for _, port, _ in rig.net.asked} == set(PORTS)
        before = rig.wakes
        await asyncio.sleep(60)
        assert rig.wakes == before


async def test_a_node_that_is_cut_off_is_dead_within_a_second_and_the_loop_is_woken() -> None:
    async with hearing() as rig:
        rig.net.cut.add("node2")
        before = rig.wakes
        await asyncio.sleep(0.9)
        assert rig.verdicts()["node2"] == "Dead"
        assert rig.wakes == before + 1
        assert [v for n, v in rig.verdicts().items() if n != "node2"] == ["Alive"] * 4
        rig.net.cut.clear()
        await asyncio.sleep(10)
        assert rig.verdicts()["node2"] == "Alive"


async def test_an_agent_that_dies_alone_is_silent_and_no_more() -> None:
    async with hearing() as rig:
        rig.net.mute.add("node3")
        await asyncio.sleep(2)
        assert rig.verdicts()["node3"] == "Alive"
        await asyncio.sleep(2)
        assert rig.verdicts()["node3"] == "AgentSilent"


async def test_a_manager_that_was_starved_accuses_nobody() -> None:
    """Nothing is read for five seconds; then all is there, with the times the kernel had it."""
    async with hearing() as rig:
        rig.net.asleep = True
        await asyncio.sleep(5)
        rig.net.asleep = False
        seen = set()
        for _ in range(30):
            await asyncio.sleep(0.1)
            seen |= set(rig.verdicts().values())
        assert seen == {"Alive"}


async def test_an_agent_whose_key_goes_has_no_verdict() -> None:
    async with hearing() as rig:
        rig.announcers = {n: one for n, one in rig.announcers.items() if n != "node4"}
        await asyncio.sleep(2)
        assert "node4" not in rig.verdicts()


async def test_agents_are_acknowledged_twice_a_second_and_told_who_leads() -> None:
    async with hearing() as rig:
        acknowledgements = rig.net.agents["node1"].acknowledgements
        acknowledgements.clear()
        await asyncio.sleep(10)
        assert len(acknowledgements) == 20
        assert {one.leader for one in acknowledgements} == {MANAGER}
        assert {one.view for one in acknowledgements} == {View.LEADS}


async def test_what_is_known_stands_in_the_snapshot() -> None:
    async with hearing() as rig:
        here = ManagerReplica(MANAGER, (ip_address("192.0.2.10"),), 7470, "key")
        presence = Presence(rig.driver, lambda: (here,), lambda: True)
        seen = presence.seen(Snapshot())
        assert (seen.managers, seen.managers_known, seen.frozen) == ((here,), True, ())
        assert seen.liveness[NodeName("node1")] is Liveness.Alive
        assert Presence(None, tuple, lambda: False).seen(Snapshot()) == Snapshot()


@pytest.mark.parametrize("replicas", [(), ("node4", "node5")], ids=["agents", "beside replicas"])
async def test_where_many_die_at_once_those_elsewhere_are_asked_and_believed(
    replicas: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    async with hearing(*replicas) as rig:
        dead = {"node1", "node2", "node3"}
        rig.net.cut |= dead
        await asyncio.sleep(3)
        assert "3 of 5 agents of the cluster fell silent together" in caplog.text
        assert rig.driver.frozen == ()
        assert {asked for asked, _ in rig.net.questions} == {"node4", "node5"}
        assert {about for _, about in rig.net.questions} >= dead
        assert {name for name, one in rig.verdicts().items() if one == "Dead"} == dead


@pytest.mark.parametrize(
    ("home", "verdict"),
    [
        pytest.param("eth0", "LinkDown", id="on the interface that has its address"),
        pytest.param("eth1", "Alive", id="on another"),
        pytest.param("", "LinkDown", id="nobody knows on which"),
    ],
)
async def test_a_gateway_that_is_not_reached_counts_where_the_node_has_its_address(
    home: str, verdict: str
) -> None:
    async with hearing() as rig:
        agent = rig.net.agents["node2"]
        nic = Interface(home, addresses=(ip_interface(f"{agent.peer[0]}/24"),))
        announcer = replace(agent.announcer(), interfaces=(nic,) if home else ())
        rig.announcers = {**rig.announcers, agent.name: announcer}
        await asyncio.sleep(1)
        agent.links_down = ("eth0",)
        rig.net.flags["node2"] = Flags.LINK_DOWN
        await asyncio.sleep(2)
        assert rig.verdicts()["node2"] == verdict


async def test_the_socket_is_emptied_before_anybody_is_judged() -> None:
    """The loop has not come to read it, and a node dies: it alone is accused."""
    async with hearing() as rig:
        rig.net.asleep = True
        rig.net.cut.add("node2")
        await asyncio.sleep(0.9)
        assert rig.verdicts() == dict.fromkeys(rig.net.agents, "Alive") | {"node2": "Dead"}
