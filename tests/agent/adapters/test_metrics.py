"""What the agent shows of itself."""

import asyncio

import pytest
from prometheus_client import generate_latest

from agent.adapters.metrics import STUCK_S, Counters, Sources, pages
from agent.adapters.totals import Totals
from agent.arriving import Counted

pytestmark = [pytest.mark.looptime]


async def test_it_is_ready_once_its_announcer_was_listed_and_well_while_steps_end() -> None:
    age_s: list[float | None] = [None]
    busy: list[float | None] = [None]
    counters, totals = Counters(), Totals(claims=3, gateway_asks=7, gateway_acks=6)
    totals.replies["arp_ucast"] += 5
    totals.drops["buffer_full"] += 1
    shown = pages(
        Sources(
            *("1.2", "node1"),
            busy_since=lambda: busy[0],
            watch_age_s=lambda: age_s[0],
            announced=lambda: 2,
            held=lambda: 5,
            withheld=lambda: 7,
            conflicts=lambda: 1,
            answers=lambda: totals,
            unacknowledged=lambda: 1,
            arriving=lambda: Counted(seen=12, lost=3000),
        ),
        counters,
    )
    assert shown.plan is None
    assert shown.unready() == "not in sync: the Announcer of node node1 was never listed yet"
    age_s[0] = 4.5
    assert shown.unready() == ""
    assert shown.unhealthy() == ""
    busy[0] = asyncio.get_running_loop().time()
    assert shown.unhealthy() == ""
    await asyncio.sleep(STUCK_S)
    assert shown.unhealthy() == "the step under way began 60 s ago and does not end"
    counters.requested("patch", 200)
    counters.requested("list", None)
    text = generate_latest(shown.registry()).decode()
    for line in (
        'pointsman_l2_announced{node="node1"} 2.0',
        'pointsman_withheld{node="node1"} 7.0',
        'pointsman_kernel_held{node="node1"} 5.0',
        'pointsman_l2_conflicts{node="node1"} 1.0',
        "process_resident_memory_bytes ",
        'pointsman_l2_replies_total{kind="arp_ucast"} 5.0',
        'pointsman_l2_replies_total{kind="dad"} 0.0',
        'pointsman_l2_dropped_total{reason="buffer_full"} 1.0',
        'pointsman_l2_dropped_total{reason="hop_limit"} 0.0',
        "pointsman_l2_claims_total 3.0",
        "pointsman_l2_gateway_asks_total 7.0",
        "pointsman_l2_gateway_acks_total 6.0",
        'pointsman_l2_unacknowledged{node="node1"} 1.0',
        'pointsman_arriving_flows_total{result="seen"} 12.0',
        'pointsman_arriving_flows_total{result="lost"} 3000.0',
        'pointsman_build_info{version="1.2"} 1.0',
        'pointsman_watch_age_seconds{kind="announcers"} 4.5',
        'pointsman_api_requests_total{code="200",verb="patch"} 1.0',
        'pointsman_api_requests_total{code="none",verb="list"} 1.0',
    ):
        assert line in text
