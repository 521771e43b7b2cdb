"""The metrics of how this replica behaves to routers because of the other replicas."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric

from manager.planner.desired import Finished


def replica_metrics(finished: Finished) -> Iterator[Metric]:
    """Yield towards which routers this replica is quiet, and whether it outbids another."""
    among = finished.snapshot.among
    quiet = GaugeMetricFamily(
        "pointsman_bgp_quiet",
        "Whether this replica tells a router nothing: its view is old, and another one serves it.",
        labels=("peer",),
    )
    for peer in sorted(finished.plan.sessions):
        quiet.add_metric((peer,), float(peer in among.quiet))
    yield quiet
    yield GaugeMetricFamily(
        "pointsman_bgp_outbids",
        "Whether this replica outbids another that it does not hear, where their paths differ.",
        value=float(bool(among.unheard)),
    )
