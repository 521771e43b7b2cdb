"""Sums over interfaces, in the words of the metrics."""

from agent.adapters.totals import BUFFER_FULL, Totals
from pointsman.responder.answer import ReplyKind
from pointsman.responder.counters import Counters
from pointsman.wire.frame_drops import FrameDrop


def test_interfaces_that_are_gone_count_with_those_that_are_there() -> None:
    counters = Counters()
    counters.replies[ReplyKind.ARP_UNICAST] += 2
    counters.drops[FrameDrop.OWN] += 1
    counters.claims = 3
    gone, total = Totals(), Totals()
    gone.count(counters, lost=5)
    total.add(gone)
    total.count(counters, lost=1)
    assert total.replies[str(ReplyKind.ARP_UNICAST)] == 4
    assert (total.drops[str(FrameDrop.OWN)], total.drops[BUFFER_FULL]) == (2, 6)
    assert total.claims == 6
