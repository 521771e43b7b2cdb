"""One IPAM: what is asked of it and when, and what is never done."""

import asyncio
from dataclasses import replace
from ipaddress import ip_address

import pytest

from manager.ipam.driver import POLL_S
from manager.ipam.reading import DELETED, EDITED
from pointsman.model.reservation import RefusedRequest, SourcePlan
from tests.fakes.address_source import Book
from tests.manager.ipam.driven import STEP_S, Rig, ask, hold, holder, key, running, together

pytestmark = pytest.mark.looptime
NOTHING = SourcePlan()


async def test_an_address_is_reserved_and_read_back() -> None:
    async with running(Rig()) as rig:
        assert rig.held == {}
        wakes = rig.wakes
        assert await rig.converge(ask("web")) == ["reserve IPv4 web"]
        assert rig.held == {"192.0.2.0": "web"}
        assert rig.wakes > wakes
        assert await rig.converge(hold(web="192.0.2.0")) == []


async def test_a_repeated_plan_asks_for_nothing_twice() -> None:
    async with running(Rig()) as rig:
        await rig.converge(ask("web"))
        for _ in range(5):
            assert await rig.converge(ask("web")) == []


async def test_a_settled_ipam_is_only_read() -> None:
    async with running(Rig()) as rig:
        await rig.converge(ask("web"))
        rig.hand(hold(web="192.0.2.0"))
        await asyncio.sleep(STEP_S)
        rig.book.asked.clear()
        wakes = rig.wakes
        await asyncio.sleep(10 * POLL_S)
        assert set(rig.book.asked) == {"observe"}
        assert 9 <= len(rig.book.asked) <= 11
        assert rig.wakes == wakes


async def test_what_nobody_holds_is_quarantined_then_released() -> None:
    async with running(Rig()) as rig:
        await rig.converge(ask("web"))
        assert await rig.converge(NOTHING) == ["quarantine 192.0.2.0"]
        assert rig.held == {"192.0.2.0": "web (quarantine)"}
        assert await rig.converge(NOTHING, after_s=290) == []
        assert await rig.converge(NOTHING, after_s=20) == ["release 192.0.2.0"]
        assert rig.held == {}


async def test_without_a_quarantine_it_is_released_at_once() -> None:
    async with running(Rig(quarantine_s=0)) as rig:
        await rig.converge(ask("web"))
        assert await rig.converge(NOTHING) == ["release 192.0.2.0"]


async def test_of_an_eip_that_is_deleted_it_is_released_at_once() -> None:
    async with running(Rig()) as rig:
        await rig.converge(ask("a", "b"))
        assert await rig.converge(hold(a="192.0.2.0")) == ["quarantine 192.0.2.1"]
        going = SourcePlan(leaving=True)
        assert await rig.converge(going) == ["release 192.0.2.0", "release 192.0.2.1"]


async def test_who_comes_back_from_the_quarantine_is_described_anew() -> None:
    async with running(Rig()) as rig:
        await rig.converge(ask("web"))
        await rig.converge(NOTHING)
        assert await rig.converge(ask("web")) == ["describe 192.0.2.0 web"]
        assert await rig.converge(ask(other="192.0.2.0")) == ["describe 192.0.2.0 other"]
        assert rig.held == {"192.0.2.0": "other"}


async def test_a_quarantine_that_was_left_begins_anew() -> None:
    async with running(Rig()) as rig:
        await rig.converge(ask("web"))
        await rig.converge(NOTHING, after_s=200)
        await rig.converge(hold(web="192.0.2.0"))
        assert await rig.converge(NOTHING, after_s=200) == ["quarantine 192.0.2.0"]
        assert await rig.converge(NOTHING, after_s=120) == ["release 192.0.2.0"]


async def test_what_the_plan_did_not_know_of_is_not_released() -> None:
    async with running(Rig(quarantine_s=0)) as rig:
        rig.hand(NOTHING)
        late = ip_address("192.0.2.3")
        rig.book.entries[late] = "cluster/eip", rig.book.new(late, key("late"), holder("late"))
        await asyncio.sleep(3 * POLL_S)  # read again and again, and no step made a plan since
        assert rig.book.written() == []
        assert await rig.converge(NOTHING) == ["release 192.0.2.3"]


async def test_nothing_is_released_while_releases_are_paused() -> None:
    async with running(Rig()) as rig:
        await rig.converge(ask("web"))
        rig.releasing = False
        assert await rig.converge(NOTHING, after_s=600) == []
        assert await rig.converge(ask("new")) == ["reserve IPv4 new"]
        rig.releasing = True
        done = await rig.converge(NOTHING, after_s=5)
        assert done == ["quarantine 192.0.2.0", "quarantine 192.0.2.1"]


@pytest.mark.parametrize(
    ("change", "words", "mended"),
    [
        pytest.param("deleted", DELETED, "reserve 192.0.2.0 web", id="deleted: written again"),
        pytest.param("edited", EDITED, "describe 192.0.2.0 web", id="edited: put right"),
    ],
)
async def test_what_somebody_changes_is_seen_within_a_minute_and_repaired(
    change: str, words: str, mended: str
) -> None:
    async with running(Rig()) as rig:
        await rig.converge(ask("web"))
        rig.hand(hold(web="192.0.2.0"))
        address = ip_address("192.0.2.0")
        owner, entry = rig.book.entries.pop(address)
        if change == "edited":
            rig.book.entries[address] = owner, replace(entry, key=None)
        rig.book.refuses[address] = rig.book.refuses[key("web")] = "not now"
        await asyncio.sleep(60)
        assert rig.driver.reading.changed == {address: words}
        rig.book.refuses.clear()
        rig.book.written()
        await asyncio.sleep(60)
        assert rig.book.written() == [mended]
        assert rig.driver.reading.changed == {}
        assert rig.held == {"192.0.2.0": "web"}


async def test_an_address_that_somebody_else_took_is_said_and_nothing_moves() -> None:
    async with running(Rig()) as rig:
        await rig.converge(ask("web"))
        rig.hand(hold(web="192.0.2.0"))
        rig.book.take("192.0.2.0")
        await asyncio.sleep(60)
        reading = rig.driver.reading
        assert reading.changed == {ip_address("192.0.2.0"): EDITED}
        assert reading.foreign == {ip_address("192.0.2.0"): "somebody else"}
        assert "belongs to somebody else" in reading.refusals[key("web")].why
        assert {line.split()[1] for line in rig.book.written()} == {"192.0.2.0"}


async def test_who_does_not_lead_writes_nothing_and_it_is_no_trouble_of_the_ipam() -> None:
    async with running(Rig()) as rig:
        rig.leader.leads = False
        assert await rig.converge(ask("web"), after_s=120) == []
        assert rig.driver.reading.problem == ""
        rig.leader.leads = True
        assert await rig.converge(ask("web"), after_s=2) == ["reserve IPv4 web"]


async def test_a_leader_that_is_fenced_in_the_middle_writes_nothing_more() -> None:
    async with running(Rig()) as rig:
        rig.book.slow_s = 2.0
        rig.hand(ask("a", "b", "c"))
        await asyncio.sleep(1)
        rig.leader.leads = False
        await asyncio.sleep(60)
        assert rig.book.written() == ["reserve IPv4 a"]


async def test_what_an_earlier_term_planned_is_not_done_in_a_later_one() -> None:
    async with running(Rig()) as rig:
        rig.book.slow_s = 2.0
        rig.hand(ask("a", "b"))
        await asyncio.sleep(1)
        rig.leader.term += 1
        await asyncio.sleep(60)
        assert rig.book.written() == ["reserve IPv4 a"]
        assert await rig.converge(ask("a", "b"), after_s=5) == ["reserve IPv4 b"]


async def test_one_that_is_refused_waits_alone() -> None:
    async with running(Rig()) as rig:
        rig.book.take("192.0.2.5")
        wish = ip_address("192.0.2.5")
        plan = together(ask("web"), ask(wish="192.0.2.5"))
        assert "reserve IPv4 web" in await rig.converge(plan)
        refusal = rig.driver.reading.refusals[key("wish")]
        assert refusal == RefusedRequest("192.0.2.5 belongs to somebody else", wish)
        assert rig.driver.reading.problem == ""
        rig.book.written()
        await asyncio.sleep(300)
        assert 3 < len(rig.book.written()) < 12
        del rig.book.entries[ip_address("192.0.2.5")]
        await asyncio.sleep(61)
        assert rig.held == {"192.0.2.0": "web", "192.0.2.5": "wish"}
        assert rig.driver.reading.refusals == {}


async def test_an_ipam_that_is_only_told_of_addresses_was_read_all_the_same() -> None:
    async with running(Rig(book=Book(None))) as rig:
        assert rig.driver.reading.blocks is not None
        assert await rig.converge(hold(web="192.0.2.1")) == ["reserve 192.0.2.1 web"]
        assert await rig.converge(NOTHING) == ["quarantine 192.0.2.1"]


async def test_it_closes_what_it_asked() -> None:
    rig = Rig()
    async with running(rig):
        assert not rig.source.closed
    assert rig.source.closed
