"""The metrics of the central responder: what the leader itself answered of ARP and NDP."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, Metric

from pointsman.responder.answer import ReplyKind
from pointsman.responder.counters import Counters
from pointsman.wire.frame_drops import FrameDrop


def central_metrics(counters: Counters) -> Iterator[Metric]:
    """Yield what *counters* hold; every kind and reason is there, most of them 0."""
    replies = CounterMetricFamily(
        "pointsman_l2_replies",
        "ARP and NDP answers that this replica sent for nodes, by the kind of question.",
        labels=("kind",),
    )
    for kind in ReplyKind:
        replies.add_metric((kind.value,), counters.replies[kind])
    yield replies
    dropped = CounterMetricFamily(
        "pointsman_l2_dropped",
        "Frames that nothing was done about, by why.",
        labels=("reason",),
    )
    for reason in FrameDrop:
        dropped.add_metric((reason.value,), counters.drops[reason])
    yield dropped
    yield CounterMetricFamily(
        "pointsman_l2_claims",
        "Frames in which somebody else than its node spoke for an address.",
        value=counters.claims,
    )
