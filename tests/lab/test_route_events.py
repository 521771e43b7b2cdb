import pytest

from lab.errors import Broken
from lab.handle import Lab
from lab.route_events import RouteEvents, established_since, session

pytestmark = pytest.mark.lab


def test_what_comes_and_goes_is_heard(lab: Lab) -> None:
    def route(verb: str, prefix: str) -> None:
        lab.exec("router", "ip", "route", verb, "blackhole", prefix)

    with RouteEvents(lab) as events:
        for verb in ("add", "del"):
            route(verb, "198.18.7.1/32")
            route(verb, "2001:db8:7::1/128")
    assert len(events.about("198.18.7.0/24")) == 2
    assert len(events.about("2001:db8:7::/64")) == 2
    assert events.about("198.18.8.0/24") == []


def test_silence_is_heard_too(lab: Lab) -> None:
    with RouteEvents(lab) as events:
        pass
    assert events.lines == []


def test_a_session_that_is_down_has_no_age(lab: Lab) -> None:
    with pytest.raises(Broken, match=r"192\.0\.2\.10 is (Active|Connect|Idle)"):
        established_since(lab, "192.0.2.10")
    with pytest.raises(Broken, match=r"192\.0\.2\.10 is (Active|Connect|Idle)"):
        session(lab, "192.0.2.10")
