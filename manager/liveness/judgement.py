"""Which nodes are alive: a machine without I/O, fed with what was heard and when.

The driver's contract: empty the socket and collect what answered probes, tell all of it, say
`drained` with the time, and only then `tick`. Silence is measured up to that time, by the
kernel's receive times, so that a manager that was starved of CPU accuses nobody.

A node is dead when its agent is silent, its kernel answers no connection to ports that answered
before, no other replica hears it, and not so many fell silent with it that we must suspect
ourselves. What this refuses to do: conclude anything of a node that it never heard.
"""

import heapq
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from manager.liveness.agent import NEVER, Agent
from manager.liveness.exchange import EVERYWHERE, Beat, Effect, Turned
from manager.liveness.freezes import Domain
from manager.liveness.inquiry import Inquiry
from manager.liveness.suspicion import agent_silent, confirmed, dead, hung, speaks_again
from manager.liveness.timing import (
    DEAD_INTERVALS,
    GRACE_S,
    QUICK_ATTEMPTS,
    STEADY_STEP_S,
    STEP_INTERVALS,
    STEP_S,
    SUSPECT_INTERVALS,
    VETOES_MOST_S,
)
from manager.snapshot import NodeName
from pointsman.model.liveness import Liveness, ProbeOutcome

SHORTEST_S: Final = 0.02  # of what an agent may say its interval is
LONGEST_S: Final = 10.0
SOONEST_S: Final = 0.001
OUT: Final = (Liveness.Dead, Liveness.NodeHung)
SETTLED: Final = (Liveness.AgentSilent, Liveness.NodeHung)


class Judgement:
    """The verdict on every node whose agent is known, one at a time and all together."""

    def __init__(
        self, *, started_s: float, ports: tuple[int, ...], own: NodeName | None = None
    ) -> None:
        """*ports* of each node are probed; *own* is the node this manager runs on.

        What is heard over the loopback proves nothing about the network, so the own node's agent
        counts neither among those that stand nor among those that are asked.
        """
        self._own, self._judges_from_s = own, started_s + GRACE_S
        self._agents: dict[NodeName, Agent] = {}
        self._domains: dict[str, Domain] = {}
        self._inquiry = Inquiry(ports)
        self._due: list[tuple[float, int, Agent]] = []
        self._pushed = 0
        self._drained_s = started_s
        self._vetoed_s = self._vetoing_s = NEVER
        self._effects: list[Effect] = []
        self._changed = False
        self.liveness: Mapping[NodeName, Liveness] = MappingProxyType({})

    # --- what is told ---

    def enrol(self, agents: Mapping[NodeName, tuple[str, ...]]) -> None:
        """Take the agents whose keys are known, and the failure domains that each is in."""
        if agents == {name: one.domains for name, one in self._agents.items()}:
            return
        for name in self._agents.keys() - agents.keys():
            self._changed |= self._agents.pop(name).verdict is not Liveness.Unknown
        for name, domains in sorted(agents.items()):
            self._agents.setdefault(name, Agent(name)).domains = domains
        members: dict[str, dict[str, Agent]] = {EVERYWHERE: {}}
        for name, one in self._agents.items():
            if name != self._own:
                for label in (EVERYWHERE, *one.domains):
                    members.setdefault(label, {})[name] = one
        known = self._domains
        self._domains = {}
        for label, those in sorted(members.items()):
            self._domains[label] = known.get(label) or Domain(label)
            self._domains[label].members = those
        self._inquiry.witnesses = [one for one in self._agents.values() if one.name != self._own]

    def heard(self, node: NodeName, beat: Beat, at_s: float) -> None:
        """Take one heartbeat, received by the kernel at *at_s*."""
        one = self._agents.get(node)
        if one is None or at_s <= one.heard_s:
            return
        news = one.hear(at_s)
        if (
            beat.interval_s != one.interval_s
            or beat.link_down is not one.link_down
            or beat.stopping is not one.stopping
        ):
            if one.link_down and not beat.link_down:
                one.steady_since_s = at_s
            one.interval_s = min(max(beat.interval_s, SHORTEST_S), LONGEST_S)
            one.link_down, one.stopping = beat.link_down, beat.stopping
            news = True
        if news:
            self._look(one, at_s)

    def drained(self, at_s: float, *, overflow: bool = False) -> None:
        """Everything that had come by *at_s* was told; *overflow*: the kernel dropped some."""
        self._drained_s = max(self._drained_s, at_s)
        if not overflow:
            return
        if at_s > self._vetoed_s + VETOES_MOST_S:
            self._vetoing_s = at_s
        if at_s <= self._vetoing_s + VETOES_MOST_S:
            self._vetoed_s = at_s

    def probed(self, node: NodeName, port: int, outcome: ProbeOutcome, at_s: float) -> None:
        """Take what a connection to *port* found; a hello tells twice: Accepted, then the rest."""
        one = self._agents.get(node)
        if one is None:
            return
        if outcome is ProbeOutcome.Unsure and one.round is not None:
            one.round.unsure[port] = one.round.unsure.get(port, 0) + 1
        elif outcome is ProbeOutcome.Mute:
            one.mute[port] = one.mute.get(port, 0) + 1
            one.spoke_since_s = NEVER
        elif outcome.alive:
            if outcome is not ProbeOutcome.Accepted:  # a hello's end, or nobody who could say it
                one.mute.pop(port, None)
            if outcome is ProbeOutcome.Spoke:
                one.spoke[port] = at_s
                one.spoke_since_s = at_s if one.spoke_since_s == NEVER else one.spoke_since_s
            one.answer(at_s)
            one.answers[port] = at_s
            one.answered_s = max(one.answered_s, at_s)
            self._inquiry.answered(one, at_s)

    def witnessed(self, node: NodeName, by: NodeName, *, alive: bool, at_s: float) -> None:
        """Take the answer of an agent that was asked to probe *node*."""
        one = self._agents.get(node)
        if one is None:
            return
        if alive:
            one.answer(at_s)
            one.vouched_s = max(one.vouched_s, at_s)
            self._inquiry.vouched(one, at_s)
        else:
            one.denied.add(by)
            self._look(one, at_s)

    def others(self, node: NodeName, at_s: float, answered_s: float) -> None:
        """Take from another replica when it heard the agent of *node*, and when it said so.

        Both by our clock: *at_s* is *answered_s* less the age that the replica gave.
        """
        if one := self._agents.get(node):
            one.others_s = max(one.others_s, at_s)
            one.others_answered_s = max(one.others_answered_s, answered_s)
            self._look(one, answered_s)

    def took_over(self, at_s: float) -> None:
        """This replica leads from now on: for a moment, nothing turns for the worse."""
        self._judges_from_s = max(self._judges_from_s, at_s + GRACE_S)

    # --- what follows ---

    @property
    def frozen(self) -> tuple[str, ...]:
        """The failure domains of which no verdict turns for the worse, in order of names."""
        return tuple(name for name, one in self._domains.items() if one.frozen_s is not None)

    def heard_s(self, node: NodeName) -> float | None:
        """Return when its agent was heard last, for a replica that asks; None: never."""
        one = self._agents.get(node)
        return None if one is None or one.heard_s == NEVER else one.heard_s

    @property
    def next_s(self) -> float | None:
        """When to tick again, though nothing was heard; None: never."""
        while self._due and self._due[0][0] != self._due[0][2].due_s:
            heapq.heappop(self._due)
        return self._due[0][0] if self._due else None

    def tick(self) -> tuple[Effect, ...]:
        """Judge by what was told until `drained`; return what is to be done, and what turned."""
        now_s = self._drained_s
        self._inquiry.begin()
        while self._due and self._due[0][0] <= now_s:
            due_s, _, one = heapq.heappop(self._due)
            if due_s == one.due_s and self._agents.get(one.name) is one:
                self._look(one, max(self._judge(one, now_s), now_s + SOONEST_S))
        for domain in self._domains.values():
            if news := domain.thaws(now_s):
                self._effects.append(news)
        if self._changed:
            self._changed = False
            verdicts = {name: one.verdict for name, one in sorted(self._agents.items())}
            known = {name: v for name, v in verdicts.items() if v is not Liveness.Unknown}
            self.liveness = MappingProxyType(known)
        effects = (*self._inquiry.effects, *self._effects)
        self._effects.clear()
        return effects

    def _look(self, one: Agent, due_s: float) -> None:
        one.due_s, self._pushed = due_s, self._pushed + 1
        heapq.heappush(self._due, (due_s, self._pushed, one))

    def _judge(self, one: Agent, now_s: float) -> float:
        """Judge one agent; return when to look at it again."""
        if now_s - one.heard_s < SUSPECT_INTERVALS * one.interval_s:
            return self._judge_heard(one, now_s)
        if one.verdict in OUT and (clause := speaks_again(one, now_s)):
            one.returned_s = now_s
            self._turn(one, Liveness.AgentSilent, clause)
        if one.verdict is Liveness.Dead:
            return self._inquiry.look_for_return(one, now_s)
        self._suspect(one, now_s)
        if now_s >= self._judges_from_s:
            self._judge_silent(one, now_s)
        step_s = max(STEP_S, STEP_INTERVALS * one.interval_s)
        if one.verdict in SETTLED if one.round is None else one.round.sent >= QUICK_ATTEMPTS:
            step_s = max(step_s, STEADY_STEP_S)
        dead_s = one.heard_s + DEAD_INTERVALS * one.interval_s
        return min(now_s + step_s, dead_s) if dead_s > now_s else now_s + step_s

    def _judge_heard(self, one: Agent, now_s: float) -> float:
        one.live()
        one.mute.clear()
        one.settled = False
        due_s = min(
            one.heard_s + SUSPECT_INTERVALS * one.interval_s, self._inquiry.health(one, now_s)
        )
        wanted = Liveness.LinkDown if one.link_down else Liveness.Alive
        if one.verdict is wanted:
            return due_s
        if one.verdict is Liveness.Unknown:
            self._turn(one, wanted, "its agent is heard")
        elif one.verdict is Liveness.Alive:
            if now_s < self._judges_from_s:
                return min(due_s, self._judges_from_s)
            one.fall(now_s)
            self._turn(one, wanted, "its agent hears none of its gateways")
        elif (back_s := one.steady_since_s + one.hold_s) > now_s:
            if one.verdict is Liveness.Dead:
                self._turn(one, Liveness.Returning, "its agent is heard again, not steadily yet")
            return min(due_s, back_s)
        else:
            one.returned_s = now_s
            self._turn(one, wanted, "its agent is heard steadily")
        return due_s

    def _suspect(self, one: Agent, now_s: float) -> None:
        """Look whether others fell with it, and find out more about it."""
        for domain in self._domains_of(one):
            if not one.stopping and (news := domain.freezes(now_s)):
                self._effects.append(news)
            if domain.frozen_s is not None:
                # Reached by others only, it may be ourselves who are cut off; and who missed one
                # connection may answer no longer.
                answers = one.answered_s > one.vouched_s and one.answers_steadily(now_s)
                answers &= one.round is None or one.round.sent < 2
                one.settled = confirmed(one) or answers
                if not one.stopping and not one.settled:
                    domain.undecided[one.name] = one
        self._inquiry.suspect(one, now_s)

    def _judge_silent(self, one: Agent, now_s: float) -> None:
        vetoed = now_s < self._vetoed_s + DEAD_INTERVALS * one.interval_s
        hindered = vetoed or any(d.hinders(one, now_s) for d in self._domains_of(one))
        if hindered:
            return
        if clause := dead(one, now_s):
            self._fall(one, Liveness.Dead, clause, now_s)
        elif one.verdict is Liveness.NodeHung:
            pass  # until it speaks again, or dies
        elif clause := hung(one, now_s):
            self._fall(one, Liveness.NodeHung, clause, now_s)
        elif one.verdict is not Liveness.AgentSilent and (clause := agent_silent(one, now_s)):
            self._fall(one, Liveness.AgentSilent, clause, now_s)

    def _domains_of(self, one: Agent) -> list[Domain]:
        if one.name == self._own:
            return []
        return [self._domains[name] for name in (*one.domains, EVERYWHERE)]

    def _fall(self, one: Agent, after: Liveness, why: str, now_s: float) -> None:
        if one.verdict is Liveness.Alive and not one.stopping:
            one.fall(now_s)
        one.spoke_since_s = NEVER
        self._turn(one, after, why)

    def _turn(self, one: Agent, after: Liveness, why: str) -> None:
        before, one.verdict = one.verdict, after
        self._changed = True
        self._effects.append(Turned(one.name, before, after, why))
