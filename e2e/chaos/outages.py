"""What a fault cost, from the probes that were sent around it. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Probe:
    """One probe of a target; *took_s* is None when no answer came."""

    target: str
    sent: float
    took_s: float | None
    reset: bool = False  # lost, because somebody knew nothing of the connection


@dataclass(frozen=True, slots=True)
class Trial:
    """One time that a fault was made: from when to when its effects count."""

    fault: str
    began: float
    ended: float
    events: int  # of routes that have nothing to do with what failed


@dataclass(frozen=True, slots=True)
class Cost:
    """What all trials of one fault cost together."""

    fault: str
    times: int
    sent: int
    lost: int
    outages_ms: tuple[float, ...]  # of each trial, sorted
    events: int
    resets: int = 0  # of those that were lost

    def outage_ms(self, share: float) -> float:
        """Return the outage that this share of the trials did not exceed (nearest rank)."""
        rank = max(1, -(-len(self.outages_ms) * int(share * 1000) // 1000))
        return self.outages_ms[rank - 1]


def read(lines: Iterable[str]) -> list[Probe]:
    return [Probe(*json.loads(line)) for line in lines if line.endswith("]\n")]


def outage_ms(probes: Sequence[Probe], trial: Trial) -> float:
    """Return the longest time, over the targets, from the first loss to the last one."""
    worst = 0.0
    for target in {probe.target for probe in probes}:
        lost = [one.sent for one in _during(probes, trial) if _is_loss(one, target)]
        if lost:
            worst = max(worst, (max(lost) - min(lost)) * 1000)
    return worst


def costs(probes: Sequence[Probe], trials: Sequence[Trial]) -> list[Cost]:
    """Return the cost of each fault, by name."""
    found = []
    for fault in sorted({trial.fault for trial in trials}):
        own = [trial for trial in trials if trial.fault == fault]
        during = [one for trial in own for one in _during(probes, trial)]
        found.append(
            Cost(
                fault=fault,
                times=len(own),
                sent=len(during),
                lost=sum(one.took_s is None for one in during),
                outages_ms=tuple(sorted(outage_ms(probes, trial) for trial in own)),
                events=sum(trial.events for trial in own),
                resets=sum(one.reset for one in during),
            )
        )
    return found


def table(found: Sequence[Cost]) -> str:
    """Return the costs as a table of Markdown."""
    lines = [
        "| fault | times | p50 ms | p99 ms | max ms | lost of sent | events elsewhere |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {one.fault} | {one.times} | {one.outage_ms(0.5):.0f} | {one.outage_ms(0.99):.0f} | "
        f"{one.outages_ms[-1]:.0f} | {one.lost} of {one.sent} | {one.events} |"
        for one in found
    ]
    return "\n".join(lines)


def _during(probes: Sequence[Probe], trial: Trial) -> list[Probe]:
    return [one for one in probes if trial.began <= one.sent <= trial.ended]


def _is_loss(probe: Probe, target: str) -> bool:
    return probe.target == target and probe.took_s is None
