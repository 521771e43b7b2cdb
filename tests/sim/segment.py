"""One network segment: nodes whose agents answer ARP and NDP there, on the virtual clock.

Responders, what makes their duties, and what is reported of them are the agent's own; frames, and
how an agent hears of its Announcer, are events here. Refuses to judge.
"""

import asyncio
import copy
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

from agent.adapters.answer_report import AnswerReport, Standing
from agent.adapters.duty_codec import duties_of
from agent.snapshot import Link, LinkIndex, Network, Withheld
from agent.stations import stations
from manager.adapters.kubernetes.client import ANNOUNCERS
from pointsman.model.address import Address
from pointsman.responder.responder import Responder
from tests.fakes.kube import FakeKube
from tests.sim.lan import Lan

TICK_S = 0.02  # a frame takes no longer, nor does a timer wait longer
FOLLOW_S = 0.1  # an agent's watch brings it news
CUT_OFF_LOOK_S = 2.0
INTERFACE = "eth0"


def now() -> float:
    return asyncio.get_running_loop().time()


@dataclass
class Agent:
    """The agent of one node: it remembers nothing from before its node's last boot."""

    name: str
    mac: bytes
    chance: random.Random
    reaches_api: bool = True
    looks: dict[Address, float] = field(default_factory=dict)  # when an answer comes
    generation: int = 0
    responder: Responder = field(init=False)
    report: AnswerReport = field(init=False)
    seen: int = -1

    def __post_init__(self) -> None:
        self.responder = Responder(mac=self.mac, announce_rate=500, chance=self.chance, now_s=now())
        self.report = AnswerReport(self._standing)

    def follow(self, raw: dict[str, Any]) -> None:
        """Do what the Announcer *raw* says."""
        self.generation = raw["metadata"].get("generation", 1)
        link = Link(LinkIndex(2), INTERFACE, mac=self.mac.hex(":"))
        made = stations(duties_of(raw.get("spec")), Network(links=(link,)), found={})
        station = made.by_index.get(link.index)
        self.responder.follow({} if station is None else station.terms, now())

    def _standing(self) -> Standing:
        withheld = tuple(Withheld(a, why) for a, why in sorted(self.responder.withheld.items()))
        silent = {one.address for one in withheld}
        undecided = self.responder.listens_for - self.responder.answers_for - silent
        return Standing(withheld, (), None if undecided else self.generation)


class Segment:
    """All agents on one wire. *loss*: of frames, to each receiver alone."""

    def __init__(self, api: FakeKube, lan: Lan, seed: int) -> None:
        self._api, self._lan = api, lan
        self.rng = random.Random(f"{seed} segment")
        self.loss = 0.0
        self.agents: dict[str, Agent] = {}
        self._boots = 0
        for name in lan.nodes:
            self.boot(name)

    def boot(self, name: str) -> None:
        """Start the agent of *name* without memory; its node lives."""
        self._boots += 1
        mac = bytes((2, 0, 0, 0, 1, int(name.removeprefix("node"))))
        agent = self.agents[name] = Agent(name, mac, random.Random(self.rng.random()))
        agent.report.wake = lambda: self._reports(agent)
        self._lan.nodes[name].alive = True

    def kill(self, name: str) -> None:
        """Power loss."""
        self._lan.nodes[name].alive = False
        self.agents[name].report.close()

    def living(self) -> Iterator[Agent]:
        return (one for name, one in self.agents.items() if self._lan.nodes[name].alive)

    def holders(self, address: Address) -> list[str]:
        """Return which nodes answer for *address*."""
        return [one.name for one in self.living() if address in one.responder.answers_for]

    def answering(self) -> dict[Address, list[str]]:
        """Return by address who answers for it, of all that anybody does."""
        found: dict[Address, list[str]] = {}
        for one in self.living():
            for address in one.responder.answers_for:
                found.setdefault(address, []).append(one.name)
        return found

    async def run(self) -> None:
        """Let agents hear, answer and speak, until cancelled."""
        for count in range(1 << 30):
            await asyncio.sleep(TICK_S)
            for one in list(self.living()):
                if count % round(FOLLOW_S / TICK_S) == 0 and one.reaches_api:
                    self._follow(one)
                self._look(one)
                due_s = one.responder.next_due_s()
                if due_s is not None and due_s <= now():
                    for frame in one.responder.due(now()):
                        self._carry(one, frame)
                if one.responder.changes != one.seen:
                    one.seen = one.responder.changes
                    one.report.changed()

    def _carry(self, sender: Agent, frame: bytes) -> None:
        for one in list(self.living()):
            if one is not sender and self.rng.random() >= self.loss:
                for answer in one.responder.received(frame, now_s=now()):
                    self._carry(one, answer)

    def _follow(self, one: Agent) -> None:
        raw = self._api.objects.get((ANNOUNCERS.plural, "", one.name))
        if raw is not None and raw["metadata"].get("generation", 1) != one.generation:
            one.follow(raw)
            one.report.changed()

    def _look(self, one: Agent) -> None:
        """Answer what the responder wants to know, if the API can be asked."""
        for address in one.responder.questions:
            at_s = one.looks.setdefault(address, now() + 0.05)
            if now() < at_s:
                continue
            del one.looks[address]
            raw = self._api.objects.get((ANNOUNCERS.plural, "", one.name), {})
            ours = any(address in duty.addresses for duty in duties_of(raw.get("spec")))
            known = ours if one.reaches_api else None
            if known is None:
                one.looks[address] = now() + CUT_OFF_LOOK_S
            one.responder.looked(address, ours=known, now_s=now())

    def _reports(self, one: Agent) -> None:
        """Write what the agent would: the same object, another status."""
        raw = self._api.objects.get((ANNOUNCERS.plural, "", one.name))
        if raw is None or not one.reaches_api or not self._lan.nodes[one.name].alive:
            return
        changed = copy.deepcopy(raw)
        withheld = [{"address": str(w.address), "reason": w.reason} for w in one.report.withheld]
        changed.setdefault("status", {}).update(
            observedGeneration=one.report.executes, withheld=withheld
        )
        if changed != raw:
            self._api.put(ANNOUNCERS, changed)


def assigned(raw: dict[str, Any]) -> set[Address]:
    """Return the addresses in the spec of an Announcer."""
    entries = (raw.get("spec") or {}).get("assignments") or ()
    return {ip_address(text) for entry in entries for text in entry["addresses"]}
