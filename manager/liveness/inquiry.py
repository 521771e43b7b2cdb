"""Finding out more: probes in health and in suspicion, and the agents that are asked to probe.

It decides what is asked and when; what the answers mean is judged elsewhere.
"""

from collections.abc import Sequence
from typing import Final

from manager.liveness.agent import NEVER, Agent, Round
from manager.liveness.exchange import Ask, Probe
from manager.liveness.timing import (
    AGENT_SILENT_S,
    ASKS_MOST,
    DEAD_PROBE_S,
    GRACE_S,
    HEALTH_PROBE_S,
    HEALTH_RETRY_S,
    HEALTH_TRIES,
    HEARD_INTERVALS,
    HELLO_AGAIN_S,
    LATER_S,
    PROBES_MOST,
    ROUND_AGAIN_S,
    ROUND_STEADY_S,
    SUSPECT_INTERVALS,
)

ASKED: Final = 2  # agents, about one node
SPREAD: Final = 0.618  # of a turn from one agent to the next: evenly, in whatever order they come


class Inquiry:
    """What to ask about nodes: the effects of one tick, bounded, and who may be asked."""

    def __init__(self, ports: tuple[int, ...]) -> None:
        self._ports = ports
        self._begun = self._cursor = 0
        self._probes = self._asks = 0
        self.witnesses: Sequence[Agent] = ()  # agents that may be asked about others
        self.effects: list[Probe | Ask] = []

    def begin(self) -> None:
        """Begin a tick."""
        self.effects = []
        self._probes = self._asks = 0

    def answered(self, one: Agent, at_s: float) -> None:
        """Its node answered a probe: for a while, no further one is needed."""
        silence_s = at_s - one.heard_s
        if silence_s < SUSPECT_INTERVALS * one.interval_s and all(
            one.answers.get(port, NEVER) >= one.hello_s for port in self._ports
        ):
            one.hellos, one.hello_due_s = 0, at_s + HEALTH_PROBE_S
        steady = silence_s >= AGENT_SILENT_S
        one.round_due_s = at_s + (ROUND_STEADY_S if steady else ROUND_AGAIN_S)

    def vouched(self, one: Agent, at_s: float) -> None:
        """An agent reached its node: for a moment, nothing further is needed."""
        one.round_due_s = at_s + ROUND_AGAIN_S

    def health(self, one: Agent, now_s: float) -> float:
        """Learn, while all is well, which ports answer; return when to look again."""
        if one.hello_due_s == NEVER:
            self._begun += 1
            one.hello_due_s = now_s + GRACE_S * (self._begun * SPREAD % 1)
        if one.hello_due_s <= now_s:
            again_s = HEALTH_RETRY_S if one.hellos < HEALTH_TRIES - 1 else HEALTH_PROBE_S
            one.hello_due_s = now_s + self._hello(one, again_s)
            one.hellos = (one.hellos + 1) % HEALTH_TRIES
            one.hello_s = now_s
        return one.hello_due_s

    def suspect(self, one: Agent, now_s: float) -> None:
        """Find out whether its node lives."""
        silence_s = now_s - one.heard_s
        if silence_s >= AGENT_SILENT_S and not now_s < one.hello_due_s <= now_s + HELLO_AGAIN_S:
            one.hello_due_s = now_s + self._hello(one, HELLO_AGAIN_S)
        if one.round is None:
            if now_s < one.round_due_s:
                return
            one.round = Round(now_s)
        if one.round.due(now_s) and self._probe(one, hello=False):
            one.round.attempt(now_s)
        # The first connection is answered within a millisecond, or something is wrong.
        if one.round.sent >= 2 and one.ask_due_s <= now_s and self._ask(one, now_s):
            one.round.asks += 1
            one.ask_due_s = now_s + one.round.asks_again_s()

    def look_for_return(self, one: Agent, now_s: float) -> float:
        """Look whether a node that is out, and its agent silent, is back; return when again."""
        if not now_s < one.hello_due_s <= now_s + DEAD_PROBE_S:
            if one.spoke and max(one.spoke.values()) < now_s - 2 * DEAD_PROBE_S:
                one.spoke_since_s = NEVER
            one.hello_due_s = now_s + self._hello(one, DEAD_PROBE_S)
        return one.hello_due_s

    def _hello(self, one: Agent, again_s: float) -> float:
        """Speak to its programs, and return *again_s*; or soon, where this tick's are used up."""
        return again_s if self._probe(one, hello=True) else LATER_S

    def _probe(self, one: Agent, *, hello: bool) -> bool:
        if self._probes >= PROBES_MOST or not self._ports:
            return not self._ports
        self._probes += 1
        self.effects.append(Probe(one.name, self._ports, hello=hello))
        return True

    def _ask(self, one: Agent, now_s: float) -> bool:
        if self._asks >= ASKS_MOST:
            return False
        self._asks += 1
        if len(one.asked) < ASKED or not all(_may_answer(w, now_s) for w in one.asked):
            one.asked = self._elsewhere(one, now_s)
        self.effects.append(Ask(one.name, tuple(witness.name for witness in one.asked)))
        return True

    def _elsewhere(self, one: Agent, now_s: float) -> tuple[Agent, ...]:
        """Return two agents that are heard: of other failure domains, if there are any."""
        near: list[Agent] = []
        far: list[Agent] = []
        for _ in self.witnesses:
            self._cursor = (self._cursor + 1) % len(self.witnesses)
            witness = self.witnesses[self._cursor]
            if witness is one or not _may_answer(witness, now_s):
                continue
            apart = not set(witness.domains) & set(one.domains)
            (far if apart else near).append(witness)
            if len(far) == ASKED:
                break
        return tuple((far or near)[:ASKED])


def _may_answer(witness: Agent, now_s: float) -> bool:
    return not witness.stopping and now_s - witness.heard_s < HEARD_INTERVALS * witness.interval_s
