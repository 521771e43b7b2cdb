"""What is assigned is executed on what the kernel says, and on what it said while it is away."""

import logging
from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest

from agent.duties import Duties
from agent.snapshot import Assignment, Duty, NodeName
from pointsman.runtime.target import Unavailable
from tests.fakes.announcer import FakeAnnouncer
from tests.fakes.arrivals import FakeArrivals
from tests.fakes.kernel import FakeKernel
from tests.fakes.links import FakeLinks
from tests.fakes.responders import FakeResponders

ONE, TWO = Assignment(1), Assignment(2)


def saying(assignment: Assignment | None) -> FakeAnnouncer:
    announcer = FakeAnnouncer(NodeName("node1"))
    if assignment is not None:
        announcer.assign(assignment)
    return announcer


def made(announcer: FakeAnnouncer) -> tuple[Duties, FakeLinks, FakeResponders]:
    links, responders = FakeLinks(), FakeResponders()
    links.add_link("eth0", "02:00:00:00:00:11")
    return Duties(announcer, links, responders, FakeKernel(), FakeArrivals()), links, responders


async def test_an_assignment_is_executed_without_another_look_at_the_network() -> None:
    announcer = saying(ONE)
    duties, links, responders = made(announcer)
    await duties.step()
    announcer.assign(TWO)
    await duties.step()
    assert [(one, confirmed) for one, _, confirmed in responders.followed] == [
        (ONE, True),
        (TWO, True),
    ]
    assert links.observed == 1
    duties.network_changed()
    await duties.step()
    assert links.observed == 2


async def test_what_came_and_went_is_a_line_and_what_stays_is_none(
    caplog: pytest.LogCaptureFixture,
) -> None:
    one, two = (ip_address(f"198.51.100.{n}") for n in (1, 2))
    first = Assignment(1, duties=(Duty("eth0", "Node", frozenset({one})),), kernel=frozenset({two}))
    announcer = saying(first)
    duties, _, _ = made(announcer)
    with caplog.at_level(logging.INFO):
        await duties.step()
        await duties.step()
        announcer.assign(replace(first, generation=2))
        await duties.step()
        announcer.assign(Assignment(3, duties=(Duty("eth0", "Node", frozenset({two})),)))
        await duties.step()
    assert caplog.messages == [
        "addresses to answer for: 1 put, 0 dropped",
        "addresses of the kernel: 1 put, 0 dropped",
        "addresses to answer for: 1 put, 1 dropped",
        "addresses of the kernel: 0 put, 1 dropped",
    ]


async def test_without_an_announcer_nothing_is_answered_for_or_held() -> None:
    duties, _, responders = made(saying(None))
    await duties.step()
    assert [one for one, _, _ in responders.followed] == [Assignment()]
    assert isinstance(duties.kernel, FakeKernel)
    assert [one for one, _, _ in duties.kernel.followed] == [Assignment()]


async def test_a_kernel_that_lists_nothing_delays_no_revocation() -> None:
    announcer = saying(ONE)
    duties, links, responders = made(announcer)
    await duties.step()
    links.away = True
    duties.network_changed()
    announcer.assign(TWO)
    await duties.step()
    assert [one for one, _, _ in responders.followed] == [ONE, TWO]
    links.away = False
    await duties.step()
    assert links.observed == 3, "it is asked again"


async def test_nothing_is_done_on_a_network_that_was_never_seen() -> None:
    duties, links, responders = made(saying(ONE))
    links.away = True
    with pytest.raises(Unavailable):
        await duties.step()
    assert responders.followed == []


async def test_what_is_watched_is_looked_for_from_the_same_step_on() -> None:
    announcer, links, arrivals = saying(ONE), FakeLinks(), FakeArrivals()
    links.add_link("eth0", "02:00:00:00:00:11")
    duties = Duties(announcer, links, FakeResponders(), FakeKernel(), arrivals)
    await duties.step()
    drained = Assignment(2, watched=(ip_network("198.51.100.0/24"),))
    announcer.assign(drained)
    await duties.step()
    assert [one for one, _ in arrivals.followed] == [ONE, drained]
    assert [link.name for link in arrivals.followed[-1][1].links] == ["eth0"]
