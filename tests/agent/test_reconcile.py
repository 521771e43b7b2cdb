"""The agent's loop on fakes and the virtual clock: true, prompt, and quiet."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from ipaddress import ip_address

import pytest

from agent.adapters.proxy import ProbedProxy, UnaskedProxy
from agent.arriving import Found
from agent.planner.desired import Report
from agent.reconcile import Agent
from agent.snapshot import Assignment, NodeName, ProxyHealth, Settings
from pointsman.model.assignment import Arriving, Quiet
from pointsman.model.heartbeats import ManagerEndpoint
from pointsman.runtime.loop import Loop
from pointsman.runtime.target import Unavailable
from tests.fakes.announcer import FakeAnnouncer
from tests.fakes.arrivals import FakeArrivals
from tests.fakes.heartbeats import FakeHeartbeats, FakePaths
from tests.fakes.kernel import FakeKernel
from tests.fakes.links import FakeLinks
from tests.fakes.responders import FakeResponders

pytestmark = pytest.mark.looptime
NODE = NodeName("node1")


@dataclass
class Rig:
    """One agent with all of its outside."""

    links: FakeLinks
    announcer: FakeAnnouncer
    heartbeats: FakeHeartbeats = field(default_factory=FakeHeartbeats)
    proxy_works: bool = True

    async def ask(self) -> bool:
        return self.proxy_works

    @property
    def report(self) -> Report:
        assert self.announcer.report is not None
        return self.announcer.report


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    made = Rig(FakeLinks(), FakeAnnouncer(NODE))
    made.links.add_link("eth0", "02:00:00:00:00:11")
    made.links.add_address("eth0", "192.0.2.11/24")
    proxy = ProbedProxy(made.ask)
    settings = Settings(NODE, "1", "http://127.0.0.1:10256/healthz")
    agent = Agent(
        settings,
        links=made.links,
        proxy=proxy,
        announcer=made.announcer,
        heartbeats=made.heartbeats,
        paths=FakePaths(),
        responders=FakeResponders(),
        kernel=FakeKernel(),
        arrivals=FakeArrivals(),
    )
    loop = Loop(agent.step)

    async def run() -> None:
        async with asyncio.TaskGroup() as tasks:
            for part in (made.links, proxy, made.announcer, made.heartbeats):
                tasks.create_task(part.watch(loop.wake))
            tasks.create_task(loop.run())

    running = asyncio.create_task(run())
    yield made
    running.cancel()


async def test_it_waits_for_its_announcer_and_reports_within_the_interval(rig: Rig) -> None:
    await asyncio.sleep(100)
    assert rig.announcer.writes == 0
    rig.announcer.create()
    await asyncio.sleep(0.2)
    assert [one.name for one in rig.report.interfaces] == ["eth0"]
    assert rig.report.proxy is ProxyHealth.HEALTHY


async def test_hours_of_idling_cost_no_write(rig: Rig) -> None:
    rig.announcer.create()
    await asyncio.sleep(3 * 3600)
    assert rig.announcer.writes == 1
    assert 30 < rig.links.observed < 60  # the resync still looks


async def test_a_change_is_one_write(rig: Rig) -> None:
    rig.announcer.create()
    await asyncio.sleep(10)
    rig.links.add_address("eth0", "2001:db8:2::11/64")
    await asyncio.sleep(0.2)
    assert len(rig.report.interfaces[0].addresses) == 2
    assert rig.announcer.writes == 2


async def test_a_storm_of_changes_ends_true_and_cheap(rig: Rig) -> None:
    rig.announcer.create()
    await asyncio.sleep(10)
    before = rig.links.observed
    for number in range(1000):
        rig.links.set_carrier("eth0", bool(number % 2))
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.2)
    assert rig.report.interfaces[0].up is True
    assert rig.links.observed - before < 20


async def test_a_proxy_that_fails_is_reported_and_taken_back(rig: Rig) -> None:
    rig.announcer.create()
    await asyncio.sleep(10)
    rig.proxy_works = False
    await asyncio.sleep(4.2)
    during = rig.report.proxy
    rig.proxy_works = True
    await asyncio.sleep(2.2)
    assert (during, rig.report.proxy) == (ProxyHealth.UNHEALTHY, ProxyHealth.HEALTHY)
    assert rig.announcer.writes == 3


@pytest.mark.parametrize("damage", [None, Report("1")], ids=["wiped", "emptied"])
async def test_a_status_changed_by_someone_else_is_restored(
    rig: Rig, damage: Report | None
) -> None:
    rig.announcer.create()
    await asyncio.sleep(10)
    good = rig.report
    rig.announcer.put_by_someone_else(damage)
    await asyncio.sleep(0.2)
    assert rig.report == good
    assert rig.announcer.writes == 2


async def test_an_announcer_made_again_is_reported_to_again(rig: Rig) -> None:
    rig.announcer.create()
    await asyncio.sleep(10)
    rig.announcer.delete()
    await asyncio.sleep(1000)
    rig.announcer.create()
    await asyncio.sleep(0.2)
    assert rig.report.interfaces
    assert rig.announcer.writes == 2


async def test_an_api_that_comes_back_hears_the_present(rig: Rig) -> None:
    rig.announcer.create()
    await asyncio.sleep(10)
    rig.announcer.away = True
    rig.links.add_address("eth0", "192.0.2.12/24")
    await asyncio.sleep(30)
    rig.links.remove_address("eth0", "192.0.2.11/24")
    await asyncio.sleep(30)
    rig.announcer.away = False
    await asyncio.sleep(61)  # the longest pause between two tries
    assert [str(one) for one in rig.report.interfaces[0].addresses] == ["192.0.2.12/24"]


async def test_a_kernel_that_lists_nothing_is_not_a_node_without_addresses(rig: Rig) -> None:
    rig.announcer.create()
    await asyncio.sleep(10)
    good = rig.report
    rig.links.away = True
    rig.links.set_mac("eth0", "02:00:00:00:00:99")
    await asyncio.sleep(100)
    assert rig.report == good
    rig.links.away = False
    await asyncio.sleep(61)
    assert rig.report.interfaces[0].mac == "02:00:00:00:00:99"


async def test_nothing_is_reported_before_the_proxy_was_judged() -> None:
    links, announcer = FakeLinks(), FakeAnnouncer(NODE)
    announcer.create()

    async def never() -> bool:
        return False

    proxy = ProbedProxy(never)
    agent = Agent(
        Settings(NODE, "1", "x"),
        links=links,
        proxy=proxy,
        announcer=announcer,
        heartbeats=FakeHeartbeats(),
        paths=FakePaths(),
        responders=FakeResponders(),
        kernel=FakeKernel(),
        arrivals=FakeArrivals(),
    )
    loop = Loop(agent.step)
    running = asyncio.gather(proxy.watch(loop.wake), loop.run())
    await asyncio.sleep(1.9)
    assert announcer.writes == 0
    await asyncio.sleep(0.3)
    assert announcer.report is not None
    assert announcer.report.proxy is ProxyHealth.UNHEALTHY
    running.cancel()


async def test_the_managers_of_the_spec_are_followed_and_their_silence_is_reported(
    rig: Rig,
) -> None:
    manager = ManagerEndpoint("manager-a", ip_address("192.0.2.10"), 7470, bytes(32))
    rig.announcer.assigned = Assignment(3, (manager,))
    rig.announcer.create()
    await asyncio.sleep(10)
    assert rig.heartbeats.followed[-1] == (rig.announcer.assigned, ProxyHealth.HEALTHY)
    heard = rig.report.conditions["HeartbeatsHeard"].reason
    rig.heartbeats.silence("manager-a")
    await asyncio.sleep(0.2)
    unheard = rig.report.conditions["HeartbeatsHeard"].reason
    assert (heard, unheard) == ("HeartbeatsAcknowledged", "HeartbeatsUnanswered")


async def test_a_node_whose_proxy_never_spoke_beats_all_the_same() -> None:
    announcer, heartbeats = FakeAnnouncer(NODE), FakeHeartbeats()
    announcer.create()

    async def hangs() -> bool:
        await asyncio.Event().wait()
        return False

    agent = Agent(
        Settings(NODE, "1", "x"),
        links=FakeLinks(),
        proxy=ProbedProxy(hangs),
        announcer=announcer,
        heartbeats=heartbeats,
        paths=FakePaths(),
        responders=FakeResponders(),
        kernel=FakeKernel(),
        arrivals=FakeArrivals(),
    )
    with pytest.raises(Unavailable, match="service proxy"):
        await agent.step()
    assert heartbeats.followed == [(Assignment(), ProxyHealth.UNKNOWN)]


async def test_what_still_arrives_is_reported() -> None:
    links, announcer, arrivals = FakeLinks(), FakeAnnouncer(NODE), FakeArrivals()
    announcer.create()
    agent = Agent(
        Settings(NODE, "1"),
        links=links,
        proxy=UnaskedProxy(),
        announcer=announcer,
        heartbeats=FakeHeartbeats(),
        paths=FakePaths(),
        responders=FakeResponders(),
        kernel=FakeKernel(),
        arrivals=arrivals,
    )
    one = Arriving(ip_address("198.51.100.1"), ip_address("203.0.113.10"), "2026-11-23T09:00:00Z")
    quiet = Quiet(3, "2026-11-23T09:00:00Z", "2026-11-23T09:00:01Z")
    arrivals.find(Found((one,), quiet, "it may hide"))
    await agent.step()
    report = announcer.report
    assert report is not None
    assert (report.arriving, report.quiet) == ((one,), quiet)
    assert report.arriving_unmeasured == "it may hide"
    arrivals.find(Found())
    await agent.step()
    report = announcer.report
    assert report is not None
    assert (report.arriving, report.quiet, report.arriving_unmeasured) == ((), None, "")
