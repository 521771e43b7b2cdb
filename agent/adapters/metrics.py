"""What the agent answers over HTTP: whether it works, and a few metrics.

Imported only where `--http` asks for it: on most nodes nobody does, and it weighs some MiB.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry, Counter, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from agent.adapters.totals import BUFFER_FULL, Totals
from agent.arriving import Counted
from pointsman.responder.answer import ReplyKind
from pointsman.runtime.http_server import Pages
from pointsman.wire.frame_drops import FrameDrop

STUCK_S: Final = 60.0  # a step asks the kernel and sends one request, which has a time limit


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the agent's facts are. Each is asked on the event loop, and doesn't wait."""

    version: str
    node: str
    busy_since: Callable[[], float | None]
    watch_age_s: Callable[[], float | None]  # None: its Announcer was never listed
    announced: Callable[[], int]  # addresses that are answered for
    held: Callable[[], int]  # addresses and routes in the kernel
    withheld: Callable[[], int]  # addresses that are neither answered for nor in it, as reported
    conflicts: Callable[[], int]  # addresses that somebody else claims, as reported
    answers: Callable[[], Totals]
    unacknowledged: Callable[[], int]  # addresses that a gateway does not acknowledge
    arriving: Callable[[], Counted]  # while the node drains


class Counters:
    """What is counted when it happens."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._requests = Counter(
            "pointsman_api_requests",
            "Requests to the API server by verb, and HTTP status; code none: no answer.",
            ("verb", "code"),
            registry=self.registry,
        )

    def requested(self, verb: str, code: int | None) -> None:
        """Note a request to the API server; no *code*: it was not answered."""
        self._requests.labels(verb, "none" if code is None else str(code)).inc()


def pages(sources: Sources, counters: Counters) -> Pages:
    """Return what is answered about *sources*."""
    return Pages(
        unhealthy=lambda: _unhealthy(sources.busy_since()),
        unready=lambda: _unready(sources),
        registry=lambda: _registry(sources, counters),
    )


def _unhealthy(busy_since: float | None) -> str:
    if busy_since is None:
        return ""
    busy_s = asyncio.get_running_loop().time() - busy_since
    return f"the step under way began {busy_s:.0f} s ago and does not end" * (busy_s >= STUCK_S)


def _unready(sources: Sources) -> str:
    if sources.watch_age_s() is None:
        return f"not in sync: the Announcer of node {sources.node} was never listed yet"
    return ""


def _registry(sources: Sources, counters: Counters) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(counters.registry)
    registry.register(_Facts(sources.version, sources.watch_age_s()))
    registry.register(_Answers(sources))
    return registry


class _Facts(Collector):
    def __init__(self, version: str, watch_age_s: float | None) -> None:
        self._version, self._watch_age_s = version, watch_age_s

    def collect(self) -> Iterator[Metric]:
        yield InfoMetricFamily(
            "pointsman_build", "Which version runs.", value={"version": self._version}
        )
        ages = GaugeMetricFamily(
            "pointsman_watch_age_seconds",
            "How long ago the watch of a kind said anything, a bookmark included.",
            labels=("kind",),
        )
        if self._watch_age_s is not None:
            ages.add_metric(("announcers",), self._watch_age_s)
        yield ages


class _Answers(Collector):
    def __init__(self, sources: Sources) -> None:
        unacknowledged = sources.unacknowledged()
        self._gauges = (
            ("l2_announced", "Addresses that this node answers for.", sources.announced()),
            ("withheld", "Addresses assigned to this node that are withheld.", sources.withheld()),
            ("l2_conflicts", "Addresses of this node that others claim.", sources.conflicts()),
            ("l2_unacknowledged", "Addresses that a gateway does not know.", unacknowledged),
            ("kernel_held", "Addresses and routes that are kept in the kernel.", sources.held()),
        )
        self._node, self._totals = sources.node, sources.answers()
        self._arriving = sources.arriving()

    def collect(self) -> Iterator[Metric]:
        for name, text, value in self._gauges:
            gauge = GaugeMetricFamily(f"pointsman_{name}", text, labels=("node",))
            gauge.add_metric((self._node,), value)
            yield gauge
        replies = CounterMetricFamily(
            "pointsman_l2_replies",
            "ARP and NDP answers sent, by the kind of question.",
            labels=("kind",),
        )
        for kind in map(str, ReplyKind):
            replies.add_metric((kind,), self._totals.replies[kind])
        yield replies
        dropped = CounterMetricFamily(
            "pointsman_l2_dropped",
            "Frames that nothing was done about, by why.",
            labels=("reason",),
        )
        for reason in (*map(str, FrameDrop), BUFFER_FULL):
            dropped.add_metric((reason,), self._totals.drops[reason])
        yield dropped
        yield CounterMetricFamily(
            "pointsman_l2_claims",
            "Frames in which somebody else spoke for an address of this node.",
            value=self._totals.claims,
        )
        yield CounterMetricFamily(
            "pointsman_l2_gateway_asks",
            "Questions to gateways in the name of an address that was taken over.",
            value=self._totals.gateway_asks,
        )
        yield CounterMetricFamily(
            "pointsman_l2_gateway_acks",
            "Answers of gateways to these: packets for the address come to this node.",
            value=self._totals.gateway_acks,
        )
        arriving = CounterMetricFamily(
            "pointsman_arriving_flows",
            "New flows that came to our addresses while the node drained.",
            labels=("result",),
        )
        arriving.add_metric(("seen",), self._arriving.seen)
        arriving.add_metric(("lost",), self._arriving.lost)
        yield arriving
