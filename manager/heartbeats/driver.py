"""From datagrams to verdicts on nodes: what drives the judgement, and wakes the loop.

Before anything is judged the socket is emptied and its time is told, so that a manager that was
starved of CPU judges by when the kernel had each beat. Refuses to judge by itself, and to wait:
the socket, the witness and the loop are called and return at once.
"""

import asyncio
import itertools
import logging
from collections.abc import Callable, Mapping
from typing import Final

from manager.heartbeats.asking import Asking
from manager.heartbeats.listening import SLICES, Listening
from manager.heartbeats.reporting import empty, report
from manager.liveness.agent import NEVER
from manager.liveness.domains import failure_domains
from manager.liveness.exchange import Ask, Beat, Frozen, Probe, Thawed, Turned
from manager.liveness.judgement import Judgement
from manager.ports import HeartbeatSocket, Witness
from manager.replicas.company import Company
from manager.snapshot import Announcer, Node, NodeName
from pointsman.model.address import Address
from pointsman.model.liveness import Liveness, ProbeOutcome
from pointsman.net.datagrams import Received
from pointsman.wire import inquiry, replica_report
from pointsman.wire.heartbeat import Drop, Flags, View
from pointsman.wire.inquiry import kind_of

REST_S: Final = 0.005  # between two judgements, at least
NO_LINKS: Final[frozenset[str]] = frozenset()
log = logging.getLogger(__name__)


class HeartbeatDriver:
    """Hears, acknowledges, probes, asks, judges.

    *cluster*: what the watches know now; *ports*: of a node, that are asked; *draw*: chance.
    """

    def __init__(
        self,
        listening: Listening,
        judgement: Judgement,
        *,
        ports: tuple[int, ...],
        draw: Callable[[int], bytes],
        cluster: Callable[[], tuple[Mapping[NodeName, Node], Mapping[NodeName, Announcer]]],
        view: Callable[[], tuple[View, str]],
        wake: Callable[[], None],
        company: Company,
    ) -> None:
        self._listening, self._judgement, self.company = listening, judgement, company
        self._asking, self._ports = Asking(listening, draw), ports
        self._cluster, self._view, self._wake = cluster, view, wake
        self._socket: HeartbeatSocket | None = None
        self._witness: Witness | None = None
        self._nodes: Mapping[NodeName, Node] = {}
        self._announcers: Mapping[NodeName, Announcer] = {}
        self._links_down: Mapping[NodeName, frozenset[str]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._woken_for: tuple[Mapping[NodeName, Liveness], tuple[str, ...]] = (
            judgement.liveness,
            (),
        )
        self._led = False
        # Called when what claims to be another replica has no key that we know: it may be new.
        self.stranger: Callable[[], None] = lambda: None

    @property
    def liveness(self) -> Mapping[NodeName, Liveness]:
        """Return the verdict on each node that has one."""
        return self._judgement.liveness

    @property
    def frozen(self) -> tuple[str, ...]:
        """Return the failure domains of which no verdict turns for the worse."""
        return self._judgement.frozen

    @property
    def links_down(self) -> Mapping[NodeName, frozenset[str]]:
        """Return the interfaces that reach no gateway, of the nodes whose agents say so."""
        return self._links_down

    async def run(self, sock: HeartbeatSocket, witness: Witness) -> None:
        """Listen on *sock* and probe by *witness* until cancelled."""
        self._socket, self._witness = sock, witness
        self._enrol()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(sock.run(), name="heartbeat socket")
                tasks.create_task(witness.run(), name="witness")
                tasks.create_task(self._acknowledge(), name="acknowledgements")
                tasks.create_task(
                    report(self.company, sock, lambda: self.liveness), name="reports to replicas"
                )
                self._arm()
        finally:
            self._disarm()
            self._socket = self._witness = None
            sock.close()

    # --- what is told ---

    def received(self, got: Received) -> None:
        """Take one datagram."""
        match kind_of(got.data):
            case inquiry.QUESTION:
                reply = self._asking.asked(got.data, age_s=self._age_s)
                if self._socket is not None and not isinstance(reply, Drop):
                    self._socket.send(reply, got.peer)
            case inquiry.ANSWER:
                self._answered(got)
            case replica_report.REPORT:
                drop = self.company.received(got.data, got.at_s)
                if drop is not None:
                    self._listening.drops[drop] += 1
                    if drop is Drop.FORGED or drop is Drop.UNKNOWN:
                        self.stranger()
            case _:
                self._heard(got)

    def _heard(self, got: Received) -> None:
        beat = self._listening.received(got.data, got.peer)
        if isinstance(beat, Drop):
            return
        self._note_links(NodeName(beat.node), frozenset(beat.links_down))
        judged = Beat(
            interval_s=beat.interval_ms / 1000,
            stopping=Flags.STOPPING in beat.flags,
            link_down=Flags.LINK_DOWN in beat.flags and self._carries(beat.node, beat.links_down),
        )
        self._judgement.heard(NodeName(beat.node), judged, got.at_s)

    def _note_links(self, node: NodeName, down: frozenset[str]) -> None:
        """Take which interfaces of *node* reach no gateway."""
        if down == self._links_down.get(node, NO_LINKS):
            return
        found = {**self._links_down, node: down}
        self._links_down = {name: links for name, links in found.items() if links}
        self._wake()

    def _answered(self, got: Received) -> None:
        reply = self._asking.answered(got.data, now_s=asyncio.get_running_loop().time())
        if isinstance(reply, Drop):
            return
        answer, node = reply.answer, NodeName(reply.answer.node)
        if reply.by_replica:
            heard_s = got.at_s - answer.age_ms / 1000 if answer.alive else NEVER
            self._judgement.others(node, heard_s, got.at_s)
        else:
            by, alive = NodeName(answer.sender), answer.alive
            self._judgement.witnessed(node, by, alive=alive, at_s=got.at_s)

    def _age_s(self, node: NodeName) -> float | None:
        """Return for how long an agent has not been heard here; None: it never was."""
        heard_s = self._judgement.heard_s(node)
        return None if heard_s is None else asyncio.get_running_loop().time() - heard_s

    def _carries(self, node: str, links: tuple[str, ...]) -> bool:
        """Whether an address by which the node is reached is on one of *links*, or nobody knows."""
        name = NodeName(node)
        known, announcer = self._nodes.get(name), self._announcers.get(name)
        own = frozenset(known.internal_ips) if known is not None else frozenset()
        interfaces = announcer.interfaces if announcer is not None else ()
        homes = {one.name for one in interfaces if any(a.ip in own for a in one.addresses)}
        return not homes or not homes.isdisjoint(links)

    def drained(self, at_s: float, lost: bool) -> None:
        """Take that the socket was empty at *at_s*."""
        self._judgement.drained(at_s, overflow=lost)
        self._arm()

    def probed(self, node: NodeName, port: int, outcome: ProbeOutcome, at_s: float) -> None:
        """Take what a connection of the witness found."""
        self._judgement.probed(node, port, outcome, at_s)
        self._arm()

    # --- what follows ---

    def _arm(self) -> None:
        """Have the judgement made when it wants to be."""
        due_s = self._judgement.next_s
        if self._timer is not None and (due_s is None or due_s >= self._timer.when()):
            return
        self._disarm()
        if due_s is not None and self._socket is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(max(due_s, loop.time() + REST_S), self._judge)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _judge(self) -> None:
        self._timer = None
        if self._socket is None:
            return
        if self._witness is not None:
            self._witness.collect()
        empty(self._socket)
        for effect in self._judgement.tick():
            match effect:
                case Probe():
                    self._probe(effect)
                case Turned():
                    self._log(effect)
                case Frozen():
                    log.warning(
                        "%d of %d agents of %s fell silent together: until others confirm it, "
                        "nothing of theirs is withdrawn for it",
                        effect.silent,
                        effect.agents,
                        effect.domain,
                    )
                case Thawed():
                    log.warning(
                        "%s is judged again after %.1f s: %s",
                        effect.domain,
                        effect.after_s,
                        effect.why,
                    )
                case Ask():
                    self._ask(effect)
        liveness, frozen = self._judgement.liveness, self._judgement.frozen
        if liveness is not self._woken_for[0] or frozen != self._woken_for[1]:
            self._woken_for = liveness, frozen
            self._wake()
        self._arm()

    def _probe(self, effect: Probe) -> None:
        address = self._address(effect.node)
        if self._witness is None or address is None:
            now_s = asyncio.get_running_loop().time()
            for port in effect.ports:
                self._judgement.probed(effect.node, port, ProbeOutcome.Unsure, now_s)
            return
        for port in effect.ports:
            self._witness.start(effect.node, str(address), port, hello=effect.hello)

    def _ask(self, effect: Ask) -> None:
        if self._socket is None:
            return
        questions = self._asking.about(
            effect.node,
            effect.agents,
            address=self._address(effect.node),
            ports=self._ports,
            now_s=asyncio.get_running_loop().time(),
        )
        for data, peer in questions:
            self._socket.send(data, peer)

    def _address(self, name: NodeName) -> Address | None:
        """Return where a node is asked: by what Kubernetes knows of it, else its agent."""
        node, announcer = self._nodes.get(name), self._announcers.get(name)
        if node is not None and node.internal_ips:
            return node.internal_ips[0]
        for interface in announcer.interfaces if announcer is not None else ():
            for address in interface.addresses:
                return address.ip
        return None

    def _log(self, turned: Turned) -> None:
        better = turned.after in (Liveness.Alive, Liveness.Returning)
        level = logging.INFO if better else logging.WARNING
        log.log(level, "node %s is %s: %s", turned.node, turned.after.value, turned.why)

    def _enrol(self) -> None:
        """Hear the agents that the API knows now."""
        nodes, announcers = self._cluster()
        if nodes is self._nodes and announcers is self._announcers:
            return
        self._nodes, self._announcers = nodes, announcers
        self._listening.enrol(announcers)
        self._asking.enrol(announcers)
        self.company.enrol(self._asking.replicas)
        agents = self._listening.agents
        self._judgement.enrol(failure_domains(agents, nodes, announcers))

    async def _acknowledge(self) -> None:
        """Tell each agent that it is heard; and notice who came, who went, and that we lead."""
        for number in itertools.count():
            await asyncio.sleep(self._listening.slice_s)
            if number % SLICES == 0:
                self._enrol()
            view, leader = self._view()
            leads = View.LEADS in view
            if leads and not self._led:
                self._judgement.took_over(asyncio.get_running_loop().time())
            self._led = leads
            if self._socket is not None:
                for data, peer in self._listening.acknowledgements(view=view, leader=leader):
                    self._socket.send(data, peer)
