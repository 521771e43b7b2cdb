"""Suspect yourself first: when half of a failure domain falls silent, none of it is judged.

One node dies at a time. Many at once are a switch, a rack, or this very process: then nothing is
withdrawn until agents elsewhere, asked one by one, cannot reach those nodes either.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from manager.liveness.agent import NEVER, Agent
from manager.liveness.exchange import EVERYWHERE, Frozen, Thawed
from manager.liveness.timing import (
    DEAD_INTERVALS,
    FALLING_INTERVALS,
    SCAN_S,
    SUSPECT_INTERVALS,
    TOGETHER_S,
)


@dataclass(frozen=True, slots=True)
class Counts:
    """The agents of a domain that were heard a second ago, by how long they are silent now."""

    standing: int  # heard lately
    falling: int  # of those: longer than any healthy pause
    fallen: int  # suspect


@dataclass(slots=True)
class Domain:
    """Agents that one fault may silence together: of a subnet, a zone, or all."""

    name: str
    members: dict[str, Agent] = field(default_factory=dict)
    frozen_s: float | None = None
    undecided: dict[str, Agent] = field(default_factory=dict)  # of a freeze: silent, and no more
    thawed_s: float = NEVER
    _looked_s: float = NEVER  # whether it thaws
    _counted_s: float = NEVER
    _counts: Counts = Counts(0, 0, 0)

    def counts(self, now_s: float) -> Counts:
        """Return how many stand and fall, counted just now: of many agents, a moment ago."""
        if now_s - self._counted_s > len(self.members) * SCAN_S:
            self._counted_s, self._counts = now_s, _count(self.members.values(), now_s)
        return self._counts

    def freezes(self, now_s: float) -> Frozen | None:
        """Freeze, if so many fell silent together; return the news."""
        if self.frozen_s is not None:
            return None
        found = self.counts(now_s)
        total = found.fallen + found.standing
        # One agent alone is a node's death, unless it is the last that we hear at all.
        several = found.fallen >= 2 or (self.name == EVERYWHERE and found.standing == 0)
        if not found.fallen or not several or 2 * found.fallen < total:
            return None
        self.frozen_s = now_s
        self.undecided = {name: one for name, one in self.members.items() if _fallen(one, now_s)}
        return Frozen(self.name, found.fallen, total)

    def unclear(self, now_s: float) -> bool:
        """Whether so many are late that it may be about to freeze."""
        found = self.counts(now_s)
        late = found.fallen + found.falling
        return late >= 2 and 2 * late >= found.fallen + found.standing

    def hinders(self, agent: Agent, now_s: float) -> bool:
        """Whether a verdict on the silent *agent* must wait because of the others here."""
        if self.frozen_s is not None:
            return not agent.settled
        window_s = DEAD_INTERVALS * agent.interval_s
        return now_s < self.thawed_s + window_s or (not agent.settled and self.unclear(now_s))

    def thaws(self, now_s: float) -> Thawed | None:
        """Thaw, if enough is known again; return the news."""
        undecided = self.undecided
        if self.frozen_s is None or now_s - self._looked_s < len(undecided) * SCAN_S:
            return None
        self._looked_s = now_s
        for name, agent in list(undecided.items()):
            if not _silent(agent, now_s) or agent.settled or name not in self.members:
                del undecided[name]
        standing = self.counts(now_s).standing
        if undecided and 2 * len(undecided) >= len(undecided) + standing:
            return None
        settled = any(one.settled and _silent(one, now_s) for one in self.members.values())
        news = Thawed(
            self.name,
            now_s - self.frozen_s,
            "it is known which of its nodes are alive" if settled else "its agents are heard again",
        )
        self.frozen_s, self.thawed_s = None, now_s if undecided else NEVER
        for agent in undecided.values():
            agent.live()  # what was not answered before says nothing
        undecided.clear()
        return news


def _silent(agent: Agent, now_s: float) -> bool:
    return not agent.stopping and now_s - agent.heard_s >= SUSPECT_INTERVALS * agent.interval_s


def _fallen(agent: Agent, now_s: float) -> bool:
    suspect_s = SUSPECT_INTERVALS * agent.interval_s
    lately = now_s - agent.heard_s <= suspect_s + TOGETHER_S
    return lately and not agent.settled and _silent(agent, now_s)


def _count(members: Iterable[Agent], now_s: float) -> Counts:
    standing = falling = fallen = 0
    for one in members:
        silence_s, interval_s = now_s - one.heard_s, one.interval_s
        suspect_s = SUSPECT_INTERVALS * interval_s
        if silence_s > suspect_s + TOGETHER_S or one.settled or one.stopping:
            continue
        if silence_s >= suspect_s:
            fallen += 1
        else:
            standing += 1
            falling += silence_s >= FALLING_INTERVALS * interval_s
    return Counts(standing, falling, fallen)
