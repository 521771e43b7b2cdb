"""Two replicas on one network: who is quiet, who outbids, and that nobody does without need."""

from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network

import pytest

from manager.replicas.company import Company, Standing
from manager.replicas.reports import Way
from manager.replicas.timing import BEHIND_S, DOUBT_S, EXPIRED_S, REPORT_S, STEADY_S, UNHEARD_S
from manager.snapshot import Ingress, Observed, Service, Settings, Snapshot
from pointsman.model.replicas import BASE_MED, AmongReplicas
from pointsman.model.route import PathAttributes, PeerName, Route, RouteKey, SessionReport
from pointsman.wire.heartbeat import View

TOR, LEAF = PeerName("tor"), PeerName("leaf")
KEY = b"k" * 32
UP, DOWN = SessionReport("Established"), SessionReport("Active")
IP = ip_address("198.51.100.7")
QUIET_S = DOUBT_S + 2 * REPORT_S  # and a stale one is quiet


def routes(*nodes: int, med: int | None = None) -> dict[RouteKey, Route]:
    route = Route(PathAttributes(med=med), frozenset({TOR}))
    prefix = ip_network(f"{IP}/32")
    return {RouteKey(prefix, ip_address(f"192.0.2.1{node}")): route for node in nodes}


@dataclass
class Process:
    """One replica, and what it is asked for."""

    name: str
    view: View = View.FRESH
    reading: Observed = field(
        default_factory=lambda: Observed(routes=routes(1, 2), sessions={TOR: UP, LEAF: UP})
    )
    follows: int = 5
    runs: bool = True
    wakes: int = 0
    company: Company = field(init=False)

    def __post_init__(self) -> None:
        standing = Standing(
            view=lambda: self.view,
            readings=lambda: (self.reading,),
            follows=lambda: self.follows,
            version=lambda: 9,
        )
        self.company = Company(self.name, standing, wake=self._wake)

    def _wake(self) -> None:
        self.wakes += 1

    @property
    def among(self) -> AmongReplicas:
        return self.company.among


@dataclass
class Net:
    """Both, and what lies between them."""

    a: Process = field(default_factory=lambda: Process("a", View.FRESH | View.LEADS))
    b: Process = field(default_factory=lambda: Process("b"))
    now_s: float = 50.0
    cut: bool = False

    def __post_init__(self) -> None:
        for one, other in ((self.a, "b"), (self.b, "a")):
            one.company.enrol({other: Way((other, 7470), KEY)})

    def run(self, seconds: float) -> "Net":
        end_s = self.now_s + seconds
        while self.now_s < end_s:
            self.now_s += REPORT_S
            # Both judge before either hears what the other says of itself now.
            sent = [
                (other, [data for data, _ in one.company.due(self.now_s)])
                for one, other in ((self.a, self.b), (self.b, self.a))
                if one.runs
            ]
            for other, reports in sent:
                for data in reports if other.runs and not self.cut else ():
                    other.company.received(data, self.now_s)
        return self


@pytest.fixture
def net() -> Net:
    return Net().run(2 * STEADY_S)


def test_while_all_is_well_nobody_does_anything(net: Net) -> None:
    for one in (net.a, net.b):
        assert one.among == AmongReplicas()
    wakes = net.a.wakes, net.b.wakes
    net.run(10)
    assert (net.a.wakes, net.b.wakes) == wakes


def test_the_stale_one_goes_quiet_where_the_fresh_one_has_a_session(net: Net) -> None:
    net.a.reading = Observed(routes=routes(1, 2), sessions={TOR: UP, LEAF: DOWN})
    net.b.view = View(0)
    net.run(QUIET_S)
    assert net.b.among.quiet == {TOR}
    assert net.b.wakes
    assert net.a.among.quiet == frozenset()


@pytest.mark.parametrize("why", ["a dies", "its session ends", "its view is stale", "b is fresh"])
def test_it_speaks_again_when_it_is_needed(net: Net, why: str) -> None:
    net.b.view = View(0)
    net.run(QUIET_S)
    assert net.b.among.quiet
    match why:
        case "a dies":
            net.a.runs = False
        case "its session ends":
            net.a.reading = Observed(sessions={TOR: DOWN, LEAF: DOWN})
        case "its view is stale":
            net.a.view = View(0)
        case "b is fresh":
            net.b.view = View.FRESH
    net.run(UNHEARD_S + 2 * REPORT_S)
    assert net.b.among.quiet == frozenset()


def test_when_nobody_is_fresh_everybody_speaks(net: Net) -> None:
    net.a.view = net.b.view = View(0)
    net.run(60)
    assert net.a.among.quiet == net.b.among.quiet == frozenset()


@pytest.mark.parametrize("apart_s", [0.0, REPORT_S, 1.0, DOUBT_S, 5.0])
def test_never_are_all_quiet_when_the_api_is_lost_to_all_at_about_one_time(
    net: Net, apart_s: float
) -> None:
    """For a fifth of a second, say, in which neither knows yet that the other is stale, too."""
    net.a.view = View(0)
    net.run(apart_s)
    net.b.view = View(0)
    for _ in range(50):
        net.run(REPORT_S)
        assert not (net.a.among.quiet and net.b.among.quiet)
    assert net.a.among.quiet == net.b.among.quiet == frozenset()


def test_whoever_leads_is_never_quiet(net: Net) -> None:
    """It suspects itself, and is not fresh; but conditions are written by what it has."""
    net.a.view = View.LEADS
    net.run(10)
    assert net.a.among.quiet == frozenset()


def test_one_that_is_missed_may_say_what_stood_here_before_it_fell_silent(net: Net) -> None:
    before = net.b.reading.routes
    net.a.runs = False
    net.run(0.4)  # the node that it ran on is found dead sooner than it is missed
    net.b.reading = Observed(routes=routes(2), sessions={TOR: UP})
    net.run(UNHEARD_S)
    assert net.b.among.unheard == (before,)
    net.b.reading = Observed(routes=routes(), sessions={TOR: UP})
    net.run(60)
    assert net.b.among.unheard == (before,)


def test_it_is_believed_to_say_so_until_it_is_in_step_again(net: Net) -> None:
    net.cut = True
    net.run(2)
    assert net.a.among.unheard
    assert net.b.among.unheard
    net.cut = False
    net.a.view = View(0)
    net.run(2)
    assert net.b.among.unheard
    assert not net.a.among.unheard
    net.a.view = View.FRESH
    net.run(2)
    assert not net.b.among.unheard


def test_what_changed_a_moment_before_it_died_may_not_have_reached_it(net: Net) -> None:
    before = net.b.reading.routes
    net.b.reading = Observed(routes=routes(1, 2, 3), sessions={TOR: UP})
    net.run(BEHIND_S / 2)
    net.a.runs = False
    net.run(2)
    assert net.b.among.unheard == (before,)


@pytest.mark.parametrize("spoke_s", [0.0, REPORT_S, BEHIND_S, 1.5 * BEHIND_S, 3 * BEHIND_S])
def test_what_a_quiet_one_holds_says_nothing_of_the_other(net: Net, spoke_s: float) -> None:
    """Its own paths are gone, the other's are not: it dies so long after the quiet one's return."""
    full = net.b.reading
    net.b.view = View(0)
    net.run(QUIET_S)
    assert net.b.among.quiet == {TOR, LEAF}
    net.b.reading = Observed(routes=routes(), sessions=full.sessions)
    net.run(5)
    if spoke_s:
        net.b.view = View.FRESH
        net.run(2 * REPORT_S)  # until its speakers hold them again
        net.b.reading = full
        net.run(spoke_s)
    net.a.runs = False
    net.run(UNHEARD_S + REPORT_S)
    assert net.b.among.unheard == (full.routes,)


def test_one_that_was_never_heard_may_say_what_our_speaker_held_at_the_start() -> None:
    net = Net()
    net.a.runs = False
    net.run(1)
    assert net.b.among.unheard == (net.b.reading.routes,)


def test_one_whose_lease_is_gone_is_missed_until_its_paths_must_have_expired(net: Net) -> None:
    net.a.runs = False
    net.run(2)
    net.b.company.enrol({})
    net.run(EXPIRED_S - 10)
    assert net.b.among.unheard
    net.run(10)
    assert net.b.among.unheard == ()


def test_one_that_is_heard_until_it_is_named_no_more_is_missed_then(net: Net) -> None:
    net.b.company.enrol({})
    net.run(1)
    assert net.b.among.unheard


def test_before_the_speakers_are_read_nothing_is_known_of_anybody() -> None:
    net = Net()
    net.b.reading = Observed(known=False)
    net.a.runs = False
    net.run(10)
    assert net.b.among.unheard == ()


def test_the_base_stays_once_it_was_needed(net: Net) -> None:
    world = Snapshot()
    assert net.a.company.seen(world, net.now_s).among.bids
    net.a.company.enrol({})
    assert net.a.company.seen(world, net.now_s).among.bids


def test_one_replica_alone_needs_no_base_but_keeps_one_that_its_speaker_says() -> None:
    alone, adopting = Process("a"), Process("a")
    adopting.reading = Observed(routes=routes(1, med=BASE_MED))
    assert not alone.company.seen(Snapshot(), 1.0).among.bids
    assert adopting.company.seen(Snapshot(), 1.0).among.bids


def test_who_is_said_to_run_alone_needs_none(net: Net) -> None:
    world = Snapshot(settings=Settings(replicas=1))
    assert not net.a.company.seen(world, net.now_s).among.bids


def test_an_address_is_nobodys_until_the_other_follows(net: Net) -> None:
    held = Service("shop", "web", ingress=(Ingress(str(IP)),))
    net.a.company.seen(Snapshot(services={held.key: held}), net.now_s)
    assert net.a.company.seen(Snapshot(), net.now_s).among.released == {IP}
    net.run(2)
    assert net.a.among.released == {IP}
    net.b.follows = 9
    wakes = net.a.wakes
    net.run(1)
    assert net.a.among.released == frozenset()
    assert net.a.wakes == wakes + 1


def test_a_replica_that_is_gone_holds_no_address(net: Net) -> None:
    held = Service("shop", "web", ingress=(Ingress(str(IP)),))
    net.a.company.seen(Snapshot(services={held.key: held}), net.now_s)
    net.a.company.seen(Snapshot(), net.now_s)
    net.b.runs = False
    net.run(6)
    assert net.a.among.released == frozenset()
