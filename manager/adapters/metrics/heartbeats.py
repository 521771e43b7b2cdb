"""The metrics of heartbeats: what was heard and dropped, and what is said of nodes."""

from collections import Counter
from collections.abc import Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from manager.snapshot import Snapshot
from pointsman.model.liveness import Liveness


def heartbeat_metrics(results: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(
        "pointsman_heartbeats",
        "Datagrams on the heartbeat's port: counted, or why they count for nothing.",
        labels=("result",),
    )
    for result, number in results.items():
        family.add_metric((result,), number)
    return family


def node_metrics(snapshot: Snapshot) -> Iterator[Metric]:
    """Yield how many nodes have which verdict, and how many domains are frozen."""
    counted = Counter(snapshot.liveness.get(name, Liveness.Unknown) for name in snapshot.nodes)
    nodes = GaugeMetricFamily(
        "pointsman_nodes", "Nodes by what heartbeats and probes say.", labels=("liveness",)
    )
    for verdict in Liveness:
        nodes.add_metric((verdict.value,), counted[verdict])
    yield nodes
    yield GaugeMetricFamily(
        "pointsman_frozen",
        "Failure domains of which nothing is withdrawn for their agents' silence.",
        value=float(len(snapshot.frozen)),
    )
