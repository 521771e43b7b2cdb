"""An IPAM that is away, refuses everything, or loses answers: who waits, and what is said."""

import asyncio
from ipaddress import IPv4Address

import pytest

from manager.ipam.driver import POLL_S
from pointsman.model.reservation import SourcePlan
from tests.manager.ipam.driven import Rig, ask, hold, running, together

pytestmark = pytest.mark.looptime
NOTHING = SourcePlan()


async def test_nothing_is_written_before_it_was_read() -> None:
    rig = Rig()
    rig.book.away = "it is away"
    async with running(rig):
        assert await rig.converge(ask("web"), after_s=120) == []
        rig.book.away = ""
        assert await rig.converge(ask("web"), after_s=60) == ["reserve IPv4 web"]


async def test_an_ipam_that_is_away_is_said_with_since_when_and_asked_less_and_less() -> None:
    async with running(Rig()) as rig:
        await rig.converge(ask("web"))
        rig.hand(hold(web="192.0.2.0"))
        rig.book.away = "no answer within 5 s"
        await asyncio.sleep(60)
        reading = rig.driver.reading
        assert (reading.problem, reading.since[:16]) == ("no answer within 5 s", "2026-11-22T12:00")
        assert rig.held == {"192.0.2.0": "web"}
        rig.book.asked.clear()
        wakes = rig.wakes
        await asyncio.sleep(600)
        assert len(rig.book.asked) < 40
        assert rig.driver.reading is reading
        assert rig.wakes == wakes
        rig.book.away = ""
        await asyncio.sleep(40)
        assert rig.driver.reading.problem == ""


async def test_retry_after_is_heeded_whatever_is_handed_meanwhile() -> None:
    async with running(Rig()) as rig:
        rig.book.away, rig.book.retry_after_s = "429: too many requests", 120.0
        await asyncio.sleep(POLL_S + 1)
        rig.book.asked.clear()
        for number in range(100):
            rig.hand(ask(f"s{number}"))
            await asyncio.sleep(1)
        assert rig.book.asked == []


async def test_one_that_always_fails_keeps_no_other_waiting() -> None:
    async with running(Rig()) as rig:
        rig.source.poisoned = "bad"
        await rig.converge(ask("bad", "a", "b"), after_s=30)
        assert sorted(rig.held.values()) == ["a", "b"]


async def test_a_token_that_may_not_write_is_said_and_tried_again() -> None:
    async with running(Rig()) as rig:
        rig.book.forbids = frozenset({"reserve"})
        await rig.converge(ask("a", "b", "c"), after_s=100)
        since = rig.driver.reading.since
        assert rig.driver.reading.problem == "403: no right to reserve"
        await asyncio.sleep(300)
        assert rig.driver.reading.since == since
        assert len(rig.book.written()) < 40
        rig.book.forbids = frozenset()
        await asyncio.sleep(61)
        assert sorted(rig.held.values()) == ["a", "b", "c"]
        assert rig.driver.reading.problem == ""


async def test_a_token_that_may_not_delete_keeps_no_new_address_waiting() -> None:
    async with running(Rig(quarantine_s=0)) as rig:
        rig.book.forbids = frozenset({"release"})
        await rig.converge(ask("a", "b", "c"))
        await rig.converge(NOTHING, after_s=100)
        reading = rig.driver.reading
        assert (reading.problem, reading.unreleased) == ("", ("403: no right to release",))
        assert reading.withheld[:16] == "2026-11-22T12:00"
        assert await rig.converge(ask("new"), after_s=1) == ["reserve IPv4 new"]
        await asyncio.sleep(600)
        assert len(rig.book.written()) < 40


async def test_one_that_it_does_not_take_back_is_said_and_keeps_no_other_there() -> None:
    async with running(Rig(quarantine_s=0)) as rig:
        await rig.converge(ask("a", "b"))
        protected = IPv4Address("192.0.2.0")
        rig.book.refuses[protected] = "a rule of protection"
        await rig.converge(NOTHING, after_s=10)
        assert rig.book.entries.keys() == {protected}
        reading = rig.driver.reading
        clause = "192.0.2.0 is not taken back: a rule of protection"
        assert (reading.problem, reading.unreleased) == ("", (clause,))
        rig.book.written()
        await asyncio.sleep(600)
        assert len(rig.book.written()) < 40
        rig.book.refuses.clear()
        await asyncio.sleep(61)
        reading = rig.driver.reading
        assert (rig.book.entries, reading.unreleased, reading.withheld) == ({}, (), "")


def used(rig: Rig) -> SourcePlan:
    """Return a plan in which everybody has what was reserved for him."""
    return hold(**{uid: address for address, uid in rig.held.items()})


async def test_of_many_that_it_does_not_take_back_the_same_are_named_all_the_time() -> None:
    async with running(Rig(quarantine_s=0)) as rig:
        for last in (5, 1, 4, 3, 2, 0):  # in the order of entries, and not of addresses
            await rig.converge(together(ask(**{f"s{last}": f"192.0.2.{last}"}), used(rig)))
        for last in (5, 1, 4, 3, 2):
            rig.book.refuses[IPv4Address(f"192.0.2.{last}")] = f"rule {last}"
        await rig.converge(NOTHING, after_s=10)
        named = rig.driver.reading.unreleased
        assert named == (
            *(f"192.0.2.{last} is not taken back: rule {last}" for last in (1, 2, 3)),
            "nor are 2 more",
        )
        since, seen = rig.driver.reading.withheld, set[tuple[str, ...]]()
        for _ in range(3000):
            await asyncio.sleep(0.1)
            seen.add(rig.driver.reading.unreleased)
        assert seen == {named}
        rig.book.written()
        assert await rig.converge(ask("new"), after_s=1) == ["reserve IPv4 new"]
        del rig.book.refuses[IPv4Address("192.0.2.1")]
        rig.hand(NOTHING)
        await asyncio.sleep(61)
        reading = rig.driver.reading
        assert (reading.unreleased[-1], reading.withheld) == ("nor is one more", since)


async def test_an_answer_that_was_lost_reserves_nothing_twice() -> None:
    async with running(Rig()) as rig:
        rig.book.lost = True
        await rig.converge(ask("web"), after_s=10)
        rig.book.lost = False
        await asyncio.sleep(60)
        assert rig.held == {"192.0.2.0": "web"}
        assert len(rig.book.entries) == 1


async def test_requests_are_counted_by_how_they_end() -> None:
    async with running(Rig()) as rig:
        rig.book.take("192.0.2.5")
        await rig.converge(ask("web", wish="192.0.2.5"))
        rig.book.away = "it is away"
        await asyncio.sleep(POLL_S)
        assert {
            ("public", "observe", "done"),
            ("public", "reserve", "done"),
            ("public", "reserve", "refused"),
            ("public", "observe", "failed"),
        } <= set(rig.counted)
