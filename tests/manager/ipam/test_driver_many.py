"""Many requests of one Eip: side by side, but never two of one key, and none into a trouble."""

import asyncio

import pytest

from manager.ports import SOURCE_AT_ONCE
from pointsman.model.ranges import read_disjoint
from pointsman.model.reservation import SourcePlan
from tests.fakes.address_source import Book
from tests.manager.ipam.driven import Rig, ask, hold, key, running, together

pytestmark = pytest.mark.looptime
MANY = 200
NAMES = tuple(f"s{number}" for number in range(MANY))


def wide() -> Rig:
    return Rig(book=Book(read_disjoint(("198.51.100.0/24",))))


async def test_many_are_reserved_side_by_side_and_no_more_than_the_bound() -> None:
    async with running(wide()) as rig:
        await rig.converge(ask(*NAMES), after_s=10)
        assert sorted(rig.held.values()) == sorted(NAMES)
        assert rig.source.most_under_way == SOURCE_AT_ONCE


async def test_two_addresses_of_one_key_are_put_back_one_after_the_other() -> None:
    """The fake refuses two requests of a key at once."""
    async with running(wide()) as rig:
        plan = hold(**{name: f"198.51.100.{number}" for number, name in enumerate(NAMES[:20])})
        more = {address: key(NAMES[0]) for address in plan.owners}
        await rig.converge(SourcePlan(held=plan.held, owners=more), after_s=10)
        assert list(rig.held.values()) == [NAMES[0]] * 20
        assert rig.source.most_under_way == 1


async def test_nobody_is_given_what_another_has_and_is_missing_there() -> None:
    """All that is in use is put back before the first free address is asked for."""
    async with running(wide()) as rig:
        rig.book.slow_s = 1.0
        used = hold(**{f"u{number}": f"198.51.100.{number}" for number in range(20)})
        await rig.converge(together(ask(*NAMES[:20]), used), after_s=60)
        assert rig.driver.reading.refusals == {}
        assert rig.held == {
            **{f"198.51.100.{number}": f"u{number}" for number in range(20)},
            **{f"198.51.100.{20 + number}": name for number, name in enumerate(NAMES[:20])},
        }


async def test_a_429_stops_the_others_and_its_pause_is_kept() -> None:
    async with running(wide()) as rig:
        rig.hand(ask(*NAMES))
        while rig.source.most_under_way < SOURCE_AT_ONCE:
            await asyncio.sleep(0.001)
        rig.book.away, rig.book.retry_after_s = "429: too many requests", 120.0
        before = len(rig.book.asked)
        await asyncio.sleep(110)
        # Those under way when it began, and one more at most that followed an answer before it.
        assert len(rig.book.asked) - before <= SOURCE_AT_ONCE
        rig.book.away = ""
        await asyncio.sleep(30)
        assert sorted(rig.held.values()) == sorted(NAMES)
        assert rig.driver.reading.problem == ""


async def test_while_it_does_not_answer_they_are_sent_one_by_one() -> None:
    async with running(wide()) as rig:
        rig.book.forbids = frozenset({"reserve"})
        await rig.converge(ask(*NAMES), after_s=300)
        assert rig.source.most_under_way == 1
        assert rig.driver.reading.problem == "403: no right to reserve"


async def test_what_passes_beside_one_that_fails_does_not_bring_that_one_forward() -> None:
    async with running(wide()) as rig:
        rig.source.poisoned = "bad"
        rig.hand(ask(*NAMES[:50], "bad", *NAMES[50:]))
        await asyncio.sleep(60)
        assert sorted(rig.held.values()) == sorted(NAMES)
        whose = [one.split()[-1] for one in rig.book.written()]
        first = whose.index("bad")
        again = whose.index("bad", first + 1)
        assert set(whose[:again]) == {*NAMES, "bad"}
