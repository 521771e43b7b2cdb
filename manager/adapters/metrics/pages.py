"""What the manager answers over HTTP, from what its parts hold anyway.

Healthy: no step hangs. Ready: it does its work, and its sessions with routers had their chance
to come up: a rollout takes the next replica away as soon as this one is ready.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry

from manager.adapters.metrics.collector import Facts, FactsCollector
from manager.planner.desired import Finished
from manager.planner.plan_json import plan_json
from manager.snapshot import Observed
from pointsman.model.route import PeerName
from pointsman.responder.counters import Counters
from pointsman.runtime.http_server import Pages, Text

STUCK_S: Final = 60.0  # no step takes so long, in whatever cluster
SESSIONS_S: Final = 30.0  # a router that is away keeps no rollout waiting for longer
NO_PLAN: Final = b'{"error": "no plan was made yet; see /readyz"}\n'


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the manager's facts are. Each is asked on the event loop, and doesn't wait."""

    version: str
    replica: str
    per_service: bool
    registry: CollectorRegistry  # of what is counted
    finished: Callable[[], Finished | None]
    readings: Callable[[], tuple[Observed, ...]]
    leading: Callable[[], bool]
    held_back: Callable[[], int]
    watch_ages: Callable[[], Mapping[str, float]]
    unlisted: Callable[[], tuple[str, ...]]
    busy_since: Callable[[], float | None]
    heartbeats: Callable[[], Mapping[str, int]] = dict
    central: Callable[[], Counters] = Counters
    events_dropped: Callable[[], int] = int


def pages(sources: Sources) -> Pages:
    """Return what is answered about *sources*."""
    return Pages(
        unhealthy=lambda: _unhealthy(sources.busy_since()),
        unready=_Readiness(sources).unready,
        registry=lambda: _registry(sources),
        plan=lambda: _plan(sources.finished()),
    )


def _unhealthy(busy_since: float | None) -> str:
    if busy_since is None or (busy_s := _now() - busy_since) < STUCK_S:
        return ""
    return f"the step under way began {busy_s:.0f} s ago and does not end"


class _Readiness:
    """Whether a replica does its work; once it did, it does."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._planned_at: float | None = None  # when a plan was first seen
        self._had_sessions = False

    def unready(self) -> str:
        """Return why it is not ready, "" when it is."""
        unlisted = self._sources.unlisted()
        if unlisted:
            return f"not in sync: never listed yet: {', '.join(sorted(unlisted))}"
        finished = self._sources.finished()
        if finished is None:
            return "no plan was made yet"
        if self._planned_at is None:
            self._planned_at = _now()
        missing = () if self._had_sessions else _missing(finished, self._sources.readings())
        if missing and _now() - self._planned_at < SESSIONS_S:
            return f"no session yet with {', '.join(missing)}"
        self._had_sessions = True
        return ""


def _missing(finished: Finished, readings: tuple[Observed, ...]) -> tuple[PeerName, ...]:
    """Return the BgpPeers with which a session is not up."""
    return tuple(
        peer
        for peer, sessions in sorted(finished.plan.sessions.items())
        for session in sessions
        if not _live(readings[session.speaker], peer)
    )


def _live(reading: Observed, peer: PeerName) -> bool:
    report = reading.sessions.get(peer)
    return report is not None and report.live


def _registry(sources: Sources) -> CollectorRegistry:
    facts = Facts(
        version=sources.version,
        replica=sources.replica,
        per_service=sources.per_service,
        leading=sources.leading(),
        finished=sources.finished(),
        readings=sources.readings(),
        held_back=sources.held_back(),
        watch_ages=sources.watch_ages(),
        heartbeats=sources.heartbeats(),
        central=sources.central(),
        events_dropped=sources.events_dropped(),
    )
    registry = CollectorRegistry()
    registry.register(sources.registry)  # a registry yields what it holds, as a collector does
    registry.register(FactsCollector(facts))
    return registry


def _plan(finished: Finished | None) -> Text:
    if finished is None:
        return lambda: NO_PLAN
    shape = finished
    return lambda: f"{json.dumps(_shape(shape), indent=2, sort_keys=True)}\n".encode()


def _shape(finished: Finished) -> Mapping[str, object]:
    return plan_json(finished.snapshot, finished.plan)


def _now() -> float:
    return asyncio.get_running_loop().time()
