"""What a heartbeat costs a manager, and how long a node without power stays at the router.

A beat: CPU time of this process from the socket to the judgement, over the loopback; the agents'
part (signing, sending) is done before and not counted. A death: the lab with the whole product;
each time the manager starts anew, so that it remembers nothing of the time before.
"""

import asyncio
import os
import statistics
import time
from dataclasses import replace
from ipaddress import ip_address

import pytest

from conftest import Say
from e2e import cluster, labs
from e2e.services.test_heartbeats import NODES, heard, verdicts
from lab.options import Options
from manager.heartbeats.driver import HeartbeatDriver
from manager.heartbeats.listening import SLICES, Listening
from manager.liveness.judgement import Judgement
from manager.snapshot import Node, NodeName
from pointsman.net.datagrams import Datagrams, udp_socket
from pointsman.wire.heartbeat import View
from tests.manager.heartbeats.agents import MANAGER, NONCE, PRIVATE, TestAgent, alone

pytestmark = pytest.mark.bench
ROUNDS = 5
TRIALS = int(os.environ.get("TRIALS", "12"))


class Witness:
    async def run(self) -> None:
        await asyncio.Event().wait()

    def start(self, subject: NodeName, address: str, port: int, *, hello: bool) -> None:
        pass

    def collect(self) -> None:
        pass


@pytest.mark.parametrize("count", [1_000, 5_000])
async def test_a_beat(count: int, say: Say) -> None:
    agents = [TestAgent(f"node{n}-0", private=n.to_bytes(32)) for n in range(1, count + 1)]
    announcers = {one.name: one.announcer() for one in agents}
    nodes = {one.name: Node(one.name, internal_ips=(ip_address("192.0.2.1"),)) for one in agents}
    listening = Listening(MANAGER, PRIVATE, NONCE)
    driver = HeartbeatDriver(
        listening,
        Judgement(started_s=asyncio.get_running_loop().time(), ports=(10250,)),
        ports=(10250,),
        draw=os.urandom,
        cluster=lambda: (nodes, announcers),
        view=lambda: (View.LEADS, MANAGER),
        wake=lambda: None,
        company=alone(MANAGER),
    )
    driver._enrol()
    for one in agents:  # as if each had been told of this process
        one.nonce, one.heard = NONCE, 1
    next(iter(listening.acknowledgements(view=View.LEADS, leader=MANAGER)), None)
    with udp_socket("127.0.0.1", 0) as there, udp_socket("127.0.0.1", 0) as sending:
        sock = Datagrams(there, received=driver.received, drained=driver.drained)
        where = there.getsockname()
        took_s = []
        for _ in range(ROUNDS):
            beats = [one.beat() for one in agents]
            spent_s = 0.0
            for first in range(0, count, 128):
                for data in beats[first : first + 128]:
                    sending.sendto(data, where)
                began_s = time.process_time()
                assert sock.drain()
                spent_s += time.process_time() - began_s
            took_s.append(spent_s)
        assert listening.counted == ROUNDS * count
        say(f"{count} agents: {min(took_s) / count * 1e6:.1f} us of CPU time for each beat")
        began_s = time.process_time()
        sent = sum(
            sock.send(data, where)
            for _ in range(SLICES)
            for data, _ in listening.acknowledgements(view=View.LEADS, leader=MANAGER)
        )
        spent_s = time.process_time() - began_s
        assert sent == count
        say(f"{count} agents: {spent_s / count * 1e6:.1f} us of CPU time for each acknowledgement")
        driver._disarm()


def test_a_node_without_power(say: Say) -> None:
    took_s = []
    with labs.standing(replace(Options(), name=labs.fresh())) as lab:
        cluster.prepare(lab)
        cluster.make(lab, "web")
        address = cluster.settled(lab, "web")
        for trial in range(TRIALS):
            node = NODES[trial % len(NODES)]
            before = min(verdicts(lab, one).count("Alive") for one in NODES)
            lab.kill("manager")
            heard(lab, before=before)
            time.sleep(4 + trial % 10 / 100)  # nothing turns in its first two seconds
            began_s = time.monotonic()
            lab.fail(node)
            left = "".join(str(n) for n in (1, 2, 3) if f"node{n}" != node)
            while lab.gateways(f"{address}/32") != cluster.hops(lab, left):
                time.sleep(0.005)
            took_s.append(time.monotonic() - began_s)
            lab.heal(node)
            cluster.routed(lab, address, "123")
    took_s.sort()
    say(
        f"a node without power leaves the router's kernel, {TRIALS} times: "
        f"p50 {statistics.median(took_s):.2f} s, longest {took_s[-1]:.2f} s"
    )
