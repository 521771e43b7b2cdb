from collections.abc import Iterator

import pytest

from e2e import labs
from e2e.bed import Bed, Broken
from e2e.route_events import RouteEvents, session
from lab.options import Options

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def lab() -> Iterator[Bed]:
    """Wires and a router; nobody speaks to it."""
    without = ("manager", "sidecar", "agents", "pods", "proxy")
    with labs.standing(Options(name=labs.fresh(), without=without)) as up:
        yield up


def test_what_comes_and_goes_is_heard(lab: Bed) -> None:
    def route(verb: str, prefix: str) -> None:
        lab.exec("router", "ip", "route", verb, "blackhole", prefix)

    with RouteEvents(lab) as events:
        for verb in ("add", "del"):
            route(verb, "198.18.7.1/32")
            route(verb, "2001:db8:7::1/128")
    assert len(events.about("198.18.7.0/24")) == 2
    assert len(events.about("2001:db8:7::/64")) == 2
    assert events.about("198.18.8.0/24") == []


def test_silence_is_heard_too(lab: Bed) -> None:
    with RouteEvents(lab) as events:
        pass
    assert events.lines == []


def test_a_session_that_is_down_is_none(lab: Bed) -> None:
    with pytest.raises(Broken, match=r"192\.0\.2\.10 is (Active|Connect|Idle)"):
        session(lab, "192.0.2.10")
