"""How often the judgement calls a living node dead, and what a heartbeat costs it.

The judgement alone, on a clock of its own: agents whose heartbeats, probes and answers get lost one
by one and in bursts. The figures are in docs/performance.md; BEATS=10000000 takes half a minute.
"""

import heapq
import os
import random
import time
from collections import Counter

import pytest

from manager.liveness.exchange import Ask, Beat, Frozen, Probe, Turned
from manager.liveness.judgement import Judgement
from manager.liveness.timing import NO_ANSWER_S
from manager.snapshot import NodeName
from pointsman.model.liveness import Liveness, ProbeOutcome
from tests.sim.fleet import PORTS

pytestmark = pytest.mark.bench

AGENTS, RACKS = 500, 10
INTERVAL_S, JITTER = 0.1, 0.25
SLICE_S = 0.002  # what comes within it is read at once
LOSS = 0.05  # each way
BURSTS = 1e-4  # of heartbeats that begin one
LONGEST_BURST_S = float(
    os.environ.get("BURST_S", "0.2")
)  # for so long nothing of a node's arrives anywhere
DEATH_S = 60.0  # a node dies so often


class Rain:
    """Living agents, one of which truly dies now and then."""

    def __init__(self, seed: int) -> None:
        self.luck = random.Random(seed)
        self.names = [NodeName(f"node{number}") for number in range(AGENTS)]
        self.judgement = Judgement(started_s=0.0, ports=PORTS)
        self.judgement.enrol({name: (f"rack{n % RACKS}",) for n, name in enumerate(self.names)})
        self.due = [(self.luck.random() * INTERVAL_S, n) for n in range(AGENTS)]
        heapq.heapify(self.due)
        self.lost_until = [0.0] * AGENTS
        self.dead_at: float | None = None
        self.turned: Counter[str] = Counter()
        self.unlucky = [0] * AGENTS  # attempts that luck alone took, since it was heard last
        self.unreachable = 0  # called dead when nothing reached it whenever it was tried
        self.false: list[str] = []
        self.found_s: list[float] = []
        self.frozen = 0

    def run(self, beats: int) -> None:
        luck, judgement, due, lost_until = self.luck, self.judgement, self.due, self.lost_until
        unlucky = self.unlucky
        beat, names, chance = Beat(INTERVAL_S), self.names, self.luck.random
        now, sent, dies_s = 0.0, 0, DEATH_S
        while sent < beats:
            now += SLICE_S
            while due[0][0] <= now:
                at, number = due[0]
                heapq.heapreplace(
                    due, (at + INTERVAL_S * (1 - JITTER + 2 * JITTER * chance()), number)
                )
                if number == 0 and self.dead_at is not None:
                    continue
                sent += 1
                fate = chance()
                if fate >= LOSS and at >= lost_until[number]:
                    judgement.heard(names[number], beat, at)
                    unlucky[number] = 0
                elif fate < BURSTS:
                    lost_until[number] = at + luck.uniform(0.0, LONGEST_BURST_S)
            judgement.drained(now)
            for effect in judgement.tick():
                self._act(effect, now)
            if now >= dies_s:
                self.dead_at, dies_s = (
                    (now, now + 5.0) if self.dead_at is None else (None, now + DEATH_S)
                )

    def _act(self, effect: object, now: float) -> None:
        match effect:
            case Probe(node, ports, hello):
                for port in ports:
                    if self._reaches(node, now):
                        for outcome in (ProbeOutcome.Accepted, ProbeOutcome.Spoke)[: 1 + hello]:
                            self.judgement.probed(node, port, outcome, now)
            case Ask(node, agents):
                for agent in agents:
                    if self.luck.random() < (1 - LOSS) ** 2:
                        self.judgement.witnessed(
                            node, agent, alive=self._reaches(node, now), at_s=now
                        )
            case Turned():
                self.turned[effect.after] += 1
                if effect.after is not Liveness.Dead:
                    return
                if effect.node == self.names[0] and self.dead_at is not None:
                    self.found_s.append(now - self.dead_at)
                elif not self.unlucky[_number(effect.node)]:
                    self.unreachable += 1
                else:
                    self.false.append(f"{now:.3f} {effect.node}: {effect.why}")
            case Frozen():
                self.frozen += 1

    def _reaches(self, node: NodeName, now: float) -> bool:
        number = _number(node)
        if (number == 0 and self.dead_at is not None) or now < self.lost_until[number]:
            return False
        if self.luck.random() < (1 - LOSS) ** 2:
            return True
        self.unlucky[number] += 1
        return False


def _number(node: NodeName) -> int:
    return int(node.removeprefix("node"))


def test_no_false_verdict_among_many_heartbeats() -> None:
    beats = int(os.environ.get("BEATS", "1000000"))
    rain = Rain(int(os.environ.get("SEED", "1")))
    began = time.process_time()
    rain.run(beats)
    took_us = (time.process_time() - began) / beats * 1e6
    found = sorted(rain.found_s)
    print(
        f"\n    {beats:.0e} heartbeats, {LOSS:.0%} lost each way and bursts of up to "
        f"{LONGEST_BURST_S} s: {len(rain.false)} living nodes called dead, {rain.unreachable} that "
        f"nothing reached when it was tried, {rain.frozen} freezes; "
        f"{len(found)} deaths found, p50 {found[len(found) // 2]:.2f} s, at most "
        f"{found[-1]:.2f} s; {took_us:.1f} us CPU per heartbeat, the rig included"
    )
    assert not rain.false
    assert found
    assert max(found) < NO_ANSWER_S + 0.5  # somebody vouched for it just before
