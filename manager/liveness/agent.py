"""What the judgement remembers of one agent and its node.

Only times and counts: what follows from them is decided in judgement.py.
"""

from dataclasses import dataclass, field
from typing import Final

from manager.liveness.timing import (
    ANSWER_COUNTS_S,
    ANSWER_S,
    ANSWERING_S,
    CALM_S,
    DEAD_INTERVALS,
    QUICK_ASKS,
    QUICK_ATTEMPTS,
    ROUND_AGAIN_S,
    STEADY_ANSWER_S,
    STEADY_MOST_S,
    STEADY_S,
    SUSPECT_INTERVALS,
)
from manager.snapshot import NodeName
from pointsman.model.liveness import ATTEMPT_GAP_S, ATTEMPTS, Liveness

NEVER: Final = float("-inf")


@dataclass(slots=True)
class Round:
    """Connections to every port of a silent node, until one is answered.

    Three, and the wait for the last answer, are proof. More follow all the same: what is not judged
    yet may be answered yet.
    """

    since_s: float
    sent: int = 0
    last_s: float = NEVER
    proof_s: float = NEVER  # when the last of the first three was sent
    unsure: dict[int, int] = field(default_factory=dict)  # port -> those that never left us
    asks: int = 0  # of agents and replicas, while it goes on

    def due(self, now_s: float) -> bool:
        """Whether its next connection is to be made."""
        gap_s = ATTEMPT_GAP_S if self.sent < QUICK_ATTEMPTS else ROUND_AGAIN_S
        return now_s >= self.last_s + gap_s

    def asks_again_s(self) -> float:
        """Return after how long others are asked again: soon at first, as answers get lost."""
        return ATTEMPT_GAP_S if self.asks < QUICK_ASKS else ROUND_AGAIN_S

    def attempt(self, now_s: float) -> None:
        """Note that a connection to each port is made."""
        if not self._proven():
            self.proof_s = now_s
        self.sent, self.last_s = self.sent + 1, now_s

    def failed(self, now_s: float) -> bool:
        """Whether enough was sent, and nothing came in time."""
        return self._proven() and now_s >= self.proof_s + ANSWER_S

    def _proven(self) -> bool:
        return self.sent - max(self.unsure.values(), default=0) >= ATTEMPTS


@dataclass(slots=True, eq=False)
class Agent:
    """One agent, its node and what was found out about it."""

    name: NodeName
    domains: tuple[str, ...] = ()
    verdict: Liveness = Liveness.Unknown
    # Its heartbeats.
    interval_s: float = 0.1
    heard_s: float = NEVER
    steady_since_s: float = NEVER  # of hearing it without a pause
    stopping: bool = False
    link_down: bool = False
    # Life from elsewhere: a probe's answer, another replica, an agent that was asked.
    answered_s: float = NEVER  # a probe of ours, whatever the port
    vouched_s: float = NEVER  # an agent reached it
    others_s: float = NEVER  # another replica heard its agent
    others_answered_s: float = NEVER  # and said so, or that it hears it no more
    answering_s: float = NEVER  # since when it answers one or the other without a pause
    answers: dict[int, float] = field(default_factory=dict)  # port -> last sign of the kernel
    spoke: dict[int, float] = field(default_factory=dict)  # port -> last word of its program
    mute: dict[int, int] = field(default_factory=dict)  # port -> hellos in a row without a word
    spoke_since_s: float = NEVER  # of a node out of service: since when its programs answer
    # What is under way.
    round: Round | None = None
    round_due_s: float = NEVER
    hello_due_s: float = NEVER
    hellos: int = 0  # in health, since all ports answered
    hello_s: float = NEVER  # the last of them
    ask_due_s: float = NEVER
    asked: "tuple[Agent, ...]" = ()
    denied: set[NodeName] = field(default_factory=set)  # agents that could not reach it either
    settled: bool = False  # of a freeze: it is known what became of it
    # Its past.
    hold_s: float = 0.0  # how long it must be steady before it is back
    returned_s: float = NEVER
    due_s: float = NEVER  # when the judgement looks at it next

    def witnesses(self) -> list[int]:
        """Return the ports whose silence means something: they answered while all was well."""
        since = self.heard_s - ANSWER_COUNTS_S
        return [port for port, at in self.answers.items() if at >= since]

    def hear(self, at_s: float) -> bool:
        """Take a heartbeat's time; return whether it ends a silence."""
        pause = at_s - self.heard_s
        self.heard_s = at_s
        if pause > DEAD_INTERVALS * self.interval_s:
            self.steady_since_s = at_s
            return True
        return False

    def answer(self, at_s: float) -> None:
        """Its kernel answered a probe, of ours or of an agent that was asked."""
        if at_s - max(self.answered_s, self.vouched_s) > ANSWERING_S:
            self.answering_s = at_s
        self.live()

    def answers_steadily(self, now_s: float) -> bool:
        """Whether its kernel has answered for a while since its agent is silent, and still does.

        A first answer after a cut that is mended proves little: heartbeats follow at once.
        """
        lately_s = max(self.answered_s, self.vouched_s)
        since_s = max(self.answering_s, self.heard_s + SUSPECT_INTERVALS * self.interval_s)
        steady_s = max(STEADY_ANSWER_S, DEAD_INTERVALS * self.interval_s)
        return now_s - lately_s <= ANSWERING_S and lately_s - since_s >= steady_s

    def live(self) -> None:
        """Its node lives: what was under way to prove the opposite begins anew."""
        self.round = None
        self.denied.clear()

    def fall(self, now_s: float) -> None:
        """Its verdict turns for the worse: every flap doubles what a return takes."""
        calm = now_s - self.returned_s >= CALM_S
        self.hold_s = STEADY_S if calm or not self.hold_s else min(2 * self.hold_s, STEADY_MOST_S)
