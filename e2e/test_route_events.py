"""What is heard of a router: changes of its kernel, and UPDATEs that leave no trace there."""

from collections.abc import Iterator

import pytest

from e2e import labs
from e2e.bed import Bed, Broken
from e2e.route_events import RouteEvents, session
from e2e.speakers import PlainSpeaker, plain_speaker
from e2e.witness import Witness
from lab.options import Options

pytestmark = pytest.mark.lab

OURS, OTHER = "198.51.100.7/32", "198.51.100.8/32"
MANAGER = "192.0.2.10"
ROUTERS = {"router": "192.0.2.1", "router2": "192.0.2.2"}  # FRR and BIRD


@pytest.fixture(scope="module")
def lab() -> Iterator[Bed]:
    """Wires and two routers; nobody of the product speaks to them."""
    without = ("manager", "sidecar", "agents", "pods", "proxy", "api")
    with labs.standing(Options(name=labs.fresh(), routers=2, without=without)) as up:
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


@pytest.fixture(params=ROUTERS)
def spoken(lab: Bed, request: pytest.FixtureRequest) -> Iterator[tuple[Bed, str, PlainSpeaker]]:
    """A router, and a speaker that told it of one prefix."""
    machine = str(request.param)
    where = ("--source", MANAGER, "--neighbor", ROUTERS[machine])
    with plain_speaker(lab, "manager", *where) as speaker:
        speaker.hears(4)
        speaker.say(f"+{OURS}")
        lab.wait("the route", lambda: lab.gateways(OURS, machine=machine) == {MANAGER})
        yield lab, machine, speaker


def afterwards(lab: Bed, machine: str, speaker: PlainSpeaker) -> None:
    """Return when all said so far was heard: what was said next has come."""
    speaker.say(f"+{OTHER}")
    lab.wait("what came next", lambda: lab.gateways(OTHER, machine=machine))


def test_a_path_taken_away_and_brought_back_at_once(spoken: tuple[Bed, str, PlainSpeaker]) -> None:
    lab, machine, speaker = spoken
    with Witness(lab, machine=machine) as events:
        speaker.say(f"-{OURS}", f"+{OURS}")
        afterwards(lab, machine, speaker)
    assert lab.gateways(OURS, machine=machine) == {MANAGER}  # as before, to whoever looks
    if machine == "router":  # FRR comes to the route when it has read both
        assert events.kernel(OURS) == []
    first, *_, last = events.updates(OURS)
    assert events.withdrawn(OURS) == [first] != [last]
    assert set(events.updates(OURS)) <= set(events.about(OURS))


def test_an_update_that_says_what_was_known(spoken: tuple[Bed, str, PlainSpeaker]) -> None:
    lab, machine, speaker = spoken
    with Witness(lab, machine=machine) as events:
        speaker.say(f"+{OURS}")
        afterwards(lab, machine, speaker)
    assert events.kernel(OURS) == []
    assert len(events.updates(OURS)) == 1
    assert events.withdrawn(OURS) == []


def test_silence(spoken: tuple[Bed, str, PlainSpeaker]) -> None:
    lab, machine, speaker = spoken
    with Witness(lab, machine=machine) as events:
        afterwards(lab, machine, speaker)
    assert events.about(OURS) == []
    assert len(events.updates(OTHER)) == 1
    assert events.about("198.51.100.0/24") == events.about(OTHER)
