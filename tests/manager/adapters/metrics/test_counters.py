"""What is counted when it happens."""

from collections.abc import Iterable

import pytest
from prometheus_client import CollectorRegistry

from manager.adapters.metrics.counters import Counters
from manager.planner.desired import SpeakerSession
from manager.snapshot import Observed
from pointsman.model.route import Neighbor, PeerName, SessionReport

TOR = PeerName("tor")
FLAPS = "pointsman_bgp_session_flaps_total"
UP, UP_AGAIN = (SessionReport("Established", established_at_s=at) for at in (100, 200))
IDLE = SessionReport("Idle")


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def counters(registry: CollectorRegistry) -> Counters:
    return Counters(registry, replica="a")


def reading(report: SessionReport | None, *, configured: bool = True) -> Observed:
    neighbors = {TOR: Neighbor.__new__(Neighbor)} if configured else {}
    return Observed(neighbors=neighbors, sessions={} if report is None else {TOR: report})


@pytest.mark.parametrize(
    ("seen", "flaps"),
    [
        pytest.param([IDLE, IDLE, UP, UP], 0, id="it came up"),
        pytest.param([UP, IDLE, IDLE], 1, id="it went down and stays so"),
        pytest.param([UP, UP_AGAIN], 1, id="down and up between two looks"),
        pytest.param([UP, None, UP], 0, id="nobody knew for a while, and it was up all along"),
        pytest.param([UP, None, IDLE], 1, id="it ended while nobody knew"),
        pytest.param([UP, IDLE, UP_AGAIN, IDLE], 2, id="twice"),
    ],
)
def test_a_session_that_ended_is_a_flap(
    registry: CollectorRegistry,
    counters: Counters,
    seen: Iterable[SessionReport | None],
    flaps: int,
) -> None:
    for report in seen:
        counters.looked([reading(report)], {})
    labels = {"peer": "tor", "speaker": "a"}
    assert registry.get_sample_value(FLAPS, labels) == flaps


def test_a_daemon_that_died_with_its_session_is_a_flap(
    registry: CollectorRegistry, counters: Counters
) -> None:
    """The one that is started in its place knows no neighbor until it is given them."""
    planned = {TOR: [SpeakerSession(0)]}
    for seen in (reading(UP), reading(None), reading(None, configured=False), reading(UP_AGAIN)):
        counters.looked([seen], planned)
    assert registry.get_sample_value(FLAPS, {"peer": "tor", "speaker": "a"}) == 1


def test_each_speaker_counts_for_itself(registry: CollectorRegistry, counters: Counters) -> None:
    counters.looked([reading(UP), reading(UP)], {})
    counters.looked([reading(UP), reading(IDLE)], {})
    found = {
        name: registry.get_sample_value(FLAPS, {"peer": "tor", "speaker": name})
        for name in ("a", "a/1")
    }
    assert found == {"a": 0, "a/1": 1}


def test_a_peer_that_is_gone_leaves_no_series(
    registry: CollectorRegistry, counters: Counters
) -> None:
    counters.looked([reading(UP)], {})
    counters.looked([reading(None, configured=False)], {})
    assert registry.get_sample_value(FLAPS, {"peer": "tor", "speaker": "a"}) is None


def test_requests_and_times(registry: CollectorRegistry, counters: Counters) -> None:
    counters.requested("patch", 409)
    counters.requested("patch", 409)
    counters.requested("watch", None)
    counters.planned(0.02)
    counters.routed(0.5)
    value = registry.get_sample_value
    requests = "pointsman_api_requests_total"
    assert value(requests, {"verb": "patch", "code": "409"}) == 2
    assert value(requests, {"verb": "watch", "code": "none"}) == 1
    assert value("pointsman_plan_seconds_count") == 1
    assert value("pointsman_event_to_route_seconds_sum") == 0.5
