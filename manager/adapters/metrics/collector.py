"""The metrics that a finished plan and the last readings hold, worked out when somebody asks.

Pure but for the library's value classes: `Facts` are noted on the event loop, and the rest may
run in a thread, because nothing in them changes. No step of the manager pays for a metric.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from manager.adapters.metrics.central import central_metrics
from manager.adapters.metrics.heartbeats import heartbeat_metrics, node_metrics
from manager.adapters.metrics.ipam import ipam_metrics
from manager.adapters.metrics.replicas import replica_metrics
from manager.planner.bgp.session_entries import entry_name
from manager.planner.desired import Counts, Finished, Plan
from manager.snapshot import Observed
from pointsman.model.delta import delta
from pointsman.model.route import PeerName
from pointsman.model.verdicts.address import InternalError
from pointsman.model.verdicts.announcement import (
    AddressConflict,
    NoEligibleNode,
    NoNodeOnSubnet,
    NoPeer,
    NoServingEndpoint,
    NoSession,
    NotAnnounced,
    OnNodeNetwork,
)
from pointsman.responder.counters import Counters

# Why a Service with an address is not announced: all of these are there, most of them 0.
REASONS: Final = (
    *(AddressConflict, NoEligibleNode, NoNodeOnSubnet, NoPeer, NoServingEndpoint, NoSession),
    *(NotAnnounced, OnNodeNetwork, InternalError),
)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is so at one moment. *finished*: None before the first plan."""

    version: str
    replica: str
    leading: bool
    finished: Finished | None = None
    readings: tuple[Observed, ...] = ()
    held_back: int = 0  # objects whose write failed and is due later
    events_dropped: int = 0  # since the start
    watch_ages: Mapping[str, float] = field(default_factory=dict)  # seconds, by kind
    per_service: bool = False
    heartbeats: Mapping[str, int] = field(default_factory=dict)  # datagrams by result
    central: Counters = field(default_factory=Counters)  # of what the leader answers itself


class FactsCollector(Collector):
    """Yields the metrics of *facts*."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts

    def collect(self) -> Iterator[Metric]:
        facts = self._facts
        yield InfoMetricFamily(
            "pointsman_build", "Which version runs.", value={"version": facts.version}
        )
        yield _gauge("is_leader", "Whether this replica writes to the API.", float(facts.leading))
        yield _gauge(
            "api_held_back",
            "Objects whose write failed; it is tried again later.",
            facts.held_back,
        )
        yield CounterMetricFamily(
            "pointsman_events_dropped",
            "Kubernetes Events that could not be written soon; the conditions say the same.",
            value=facts.events_dropped,
        )
        ages = _labelled(
            "watch_age_seconds",
            "How long ago the watch of a kind said anything, a bookmark included.",
            ("kind",),
        )
        for kind, age_s in sorted(facts.watch_ages.items()):
            ages.add_metric((kind,), age_s)
        yield ages
        yield heartbeat_metrics(facts.heartbeats)
        yield from central_metrics(facts.central)
        if facts.finished is not None:
            yield from _sessions(facts, facts.finished.plan)
            yield _pools(facts.finished.plan)
            yield from _services(facts.finished.plan)
            yield _verdicts(facts.finished.plan)
            yield from node_metrics(facts.finished.snapshot)
            yield from replica_metrics(facts.finished)
            yield from ipam_metrics(facts.finished)
            if facts.per_service:
                yield _each_service(facts.finished.plan)


def _sessions(facts: Facts, plan: Plan) -> Iterator[Metric]:
    up = _labelled("bgp_session_up", "Whether a session with a router is up.", ("peer", "speaker"))
    advertised = _labelled(
        "bgp_advertised_paths",
        "Paths that this replica's speakers told a router, read back from them.",
        ("peer",),
    )
    drift = _labelled(
        "drift_paths",
        "Paths that this replica's speakers lack, or have too much, of what is planned.",
        ("peer",),
    )
    differing = _differing(plan, facts.readings)
    for peer, sessions in sorted(plan.sessions.items()):
        paths = 0
        for session in sessions:
            reading = facts.readings[session.speaker]
            report = reading.sessions.get(peer)
            name = entry_name(facts.replica, session.speaker)
            up.add_metric((peer, name), float(report is not None and report.live))
            paths += report.advertised_paths if report is not None else 0
        advertised.add_metric((peer,), paths)
        drift.add_metric((peer,), differing[peer])
    yield from (up, advertised, drift)


def _differing(plan: Plan, readings: tuple[Observed, ...]) -> Mapping[PeerName, int]:
    counted: Counter[PeerName] = Counter()
    for speaker, reading in zip(plan.speakers, readings, strict=True):
        if speaker.identity is None:
            continue  # no BgpConf: it keeps what it has
        work = delta(speaker.routes, reading.routes)
        for key, route in work.put.items():
            observed = reading.routes.get(key)
            counted.update(route.peers | (observed.peers if observed else frozenset()))
        for key in work.drop:
            counted.update(reading.routes[key].peers)
    return counted


def _pools(plan: Plan) -> Metric:
    pools = _labelled(
        "pool_addresses",
        "Addresses of an Eip: what it holds, what Services have, what may be given out.",
        ("eip", "family", "state"),
    )
    for name, usage in sorted(plan.allocations.eips.items()):
        states: tuple[tuple[str, Counts], ...] = (
            ("capacity", usage.capacity),
            ("allocated", usage.allocated),
            ("available", usage.available),
        )
        for state, counts in states:
            pools.add_metric((name, "ipv4", state), counts.ipv4)
            pools.add_metric((name, "ipv6", state), counts.ipv6)
    return pools


def _services(plan: Plan) -> Iterator[Metric]:
    states = dict.fromkeys(("announced", "pending", "unannounced"), 0)
    reasons = {verdict.__name__: 0 for verdict in REASONS}
    for key, announcement in plan.announcements.items():
        verdict = announcement.verdict
        if verdict.ok:
            states["announced"] += 1
        elif not plan.allocations.services[key].grants:
            states["pending"] += 1
        else:
            states["unannounced"] += 1
            reasons[verdict.reason] = reasons.get(verdict.reason, 0) + 1
    services = _labelled(
        "services",
        "Services of ours: announced, pending (no address), unannounced (with an address).",
        ("state",),
    )
    for state, number in states.items():
        services.add_metric((state,), number)
    unannounced = _labelled(
        "unannounced_services",
        "Services with an address that is not announced, by reason.",
        ("reason",),
    )
    for reason, number in sorted(reasons.items()):
        unannounced.add_metric((reason,), number)
    yield from (services, unannounced)


def _verdicts(plan: Plan) -> Metric:
    counted: Counter[tuple[str, str]] = Counter()
    for allocation in plan.allocations.services.values():
        counted["Service", allocation.verdict.reason] += 1
    for announcement in plan.announcements.values():
        counted["Service", announcement.verdict.reason] += 1
    for key, record in plan.statuses.items():
        for condition in record.conditions.values():
            counted[key.kind, condition.reason] += 1
    verdicts = _labelled(
        "verdicts", "Conditions as the last plan has them, by reason.", ("kind", "reason")
    )
    for labels, number in sorted(counted.items()):
        verdicts.add_metric(labels, number)
    return verdicts


def _each_service(plan: Plan) -> Metric:
    services = _labelled(
        "service_announced",
        "Whether a Service is announced; only with --metrics-per-service.",
        ("namespace", "service"),
    )
    for key, announcement in plan.announcements.items():
        namespace, _, name = key.partition("/")
        services.add_metric((namespace, name), float(announcement.verdict.ok))
    return services


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"pointsman_{name}", text, value=value)


def _labelled(name: str, text: str, labels: tuple[str, ...]) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"pointsman_{name}", text, labels=labels)
