"""What follows from an agent's silence, by what else was found out about its node.

Each function returns the clause that goes into the log, "" where it does not hold. Whether a
verdict may turn at all (start, overflow, freezes) is asked elsewhere.
"""

from manager.liveness.agent import NEVER, Agent
from manager.liveness.timing import (
    AGENT_SILENT_S,
    ANSWER_COUNTS_S,
    DEAD_INTERVALS,
    DEAD_PROBE_S,
    MUTE_HELLOS,
    NO_ANSWER_S,
    OTHERS_COUNT_INTERVALS,
    SUSPECT_INTERVALS,
    UNWITNESSED_INTERVALS,
)


def dead(agent: Agent, now_s: float) -> str:
    """Return why its node is dead: its agent is silent, and so is its kernel for everybody."""
    interval_s, silence_s = agent.interval_s, now_s - agent.heard_s
    failed = agent.round is not None and agent.round.failed(now_s)
    if not failed or not _nobody_knows_better(agent, now_s):
        return ""
    if ports := agent.witnesses():
        if silence_s < DEAD_INTERVALS * interval_s:
            return ""
        named = ", ".join(map(str, sorted(ports)))
        return (
            f"its agent is silent for {silence_s:.1f} s and its kernel answers on no port ({named})"
        )
    # Nothing that would answer is known: a goodbye explains the silence, and it proves nothing.
    if agent.stopping or silence_s < UNWITNESSED_INTERVALS * interval_s:
        return ""
    return f"its agent is silent for {silence_s:.1f} s; no port of it ever answered a probe"


def _nobody_knows_better(agent: Agent, now_s: float) -> bool:
    """Whether no probe, agent or replica has had a sign of it lately.

    Where some had one while we heard nothing, silence is not proof enough, since their answers get
    lost as well: then the agents that are asked must say that they cannot reach it, and the replica
    that it hears it no more; unless they, too, say nothing.
    """
    window_s = OTHERS_COUNT_INTERVALS * agent.interval_s
    seen_s = max(agent.answered_s, agent.vouched_s)
    if now_s - max(seen_s, agent.others_s) < window_s:
        return False
    suspect_s = agent.heard_s + SUSPECT_INTERVALS * agent.interval_s
    if seen_s > suspect_s and not confirmed(agent) and now_s - seen_s < NO_ANSWER_S:
        return False
    given = agent.others_answered_s - agent.others_s >= window_s
    return agent.others_s <= suspect_s or given or now_s - agent.others_answered_s >= NO_ANSWER_S


def agent_silent(agent: Agent, now_s: float) -> str:
    """Return why its agent alone is silent: its node answers, or it said goodbye."""
    interval_s, silence_s = agent.interval_s, now_s - agent.heard_s
    if silence_s < max(AGENT_SILENT_S, DEAD_INTERVALS * interval_s):
        return ""
    if now_s - agent.others_s < OTHERS_COUNT_INTERVALS * interval_s:
        return ""
    if agent.stopping:
        return "its agent has ended"
    return "its node answers, its agent is silent" if agent.answers_steadily(now_s) else ""


def hung(agent: Agent, now_s: float) -> str:
    """Return why its node hangs: programs that answered in health are all mute now."""
    if now_s - agent.heard_s < AGENT_SILENT_S:
        return ""
    ports = [p for p, at in agent.spoke.items() if at >= agent.heard_s - ANSWER_COUNTS_S]
    if not ports or any(agent.mute.get(port, 0) < MUTE_HELLOS for port in ports):
        return ""
    named = ", ".join(map(str, sorted(ports)))
    return f"its kernel accepts connections and no program answers (ports {named})"


def speaks_again(agent: Agent, now_s: float) -> str:
    """Return why a node without agent is back: its programs have answered steadily."""
    if agent.spoke_since_s == NEVER:
        return ""
    steady_s = max(agent.hold_s, 2 * DEAD_PROBE_S)
    return "its programs answer again" if now_s - agent.spoke_since_s >= steady_s else ""


def confirmed(agent: Agent) -> bool:
    """Whether every agent that was asked could not reach its node either."""
    return bool(agent.asked) and all(one.name in agent.denied for one in agent.asked)
