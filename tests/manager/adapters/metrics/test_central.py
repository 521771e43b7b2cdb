"""What the central responder is shown as."""

from manager.adapters.metrics.central import central_metrics
from pointsman.responder.answer import ReplyKind
from pointsman.responder.counters import Counters
from pointsman.wire.frame_drops import FrameDrop


def test_every_kind_and_reason_is_there_from_the_start() -> None:
    counters = Counters(claims=3)
    counters.replies[ReplyKind.ARP_BROADCAST] += 2
    replies, dropped, claims = central_metrics(counters)
    values = {sample.labels["kind"]: sample.value for sample in replies.samples}
    assert values == dict.fromkeys(ReplyKind, 0) | {"arp_bcast": 2}
    assert {sample.labels["reason"] for sample in dropped.samples} == set(FrameDrop)
    assert [sample.value for sample in claims.samples] == [3]
