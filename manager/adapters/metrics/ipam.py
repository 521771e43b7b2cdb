"""The metrics of the IPAMs that Eips' addresses come from, or are written into."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric

from manager.ipam.work import source_work
from manager.planner.desired import Finished


def ipam_metrics(finished: Finished) -> Iterator[Metric]:
    """Yield whether each IPAM answers, and what it lacks of what is in use, as it was read."""
    up = GaugeMetricFamily(
        "pointsman_ipam_up",
        "Whether the IPAM of an Eip answers, and reserves what it is asked for.",
        labels=("eip",),
    )
    drift = GaugeMetricFamily(
        "pointsman_ipam_drift",
        "Addresses in use whose entry in the IPAM is missing, or says something else.",
        labels=("eip",),
    )
    waiting = GaugeMetricFamily(
        "pointsman_ipam_waiting",
        "Addresses that are asked of the IPAM and not reserved yet.",
        labels=("eip",),
    )
    for name, reading in sorted(finished.snapshot.sources.items()):
        known = reading.blocks is not None
        up.add_metric((name,), float(known and not reading.problem))
        plan = finished.plan.sources.get(name)
        if plan is None:
            continue
        puts = source_work(plan, reading, planned_from=reading).puts
        if known:  # of one that was never read, nothing is known to be missing
            drift.add_metric((name,), sum(one.held for one in puts))
        waiting.add_metric((name,), sum(not one.held for one in puts))
    yield from (up, drift, waiting)
