"""The manager's driver on each IPAM, in real time: what its fake in memory promises holds there."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from manager.ipam.driver import SourceDriver
from pointsman.model.address import Address
from pointsman.model.reservation import SourcePlan, SourceReading
from tests.conformance.ipam.driving import Driven, shell_of
from tests.conformance.ipam.worlds import FIRST, LAST, World
from tests.manager.beside import beside
from tests.manager.ipam.driven import ask, hold, together

NOTHING = SourcePlan()


@asynccontextmanager
async def driven(world: World) -> AsyncIterator[Driven]:
    woken = asyncio.Event()
    driver = SourceDriver(world.source(), eip="public", quarantine_s=0.0, shell=shell_of(woken))
    made = Driven(driver, woken)
    async with beside(driver.run()):
        await made.until(NOTHING, lambda reading: reading.blocks is not None)
        yield made


def holders(reading: SourceReading) -> dict[Address, str]:
    return {one.address: one.key.service_uid if one.key else "" for one in reading.reservations}


async def test_what_is_planned_comes_to_be_and_what_is_not_any_more_goes(world: World) -> None:
    async with driven(world) as made:
        plan = together(ask("web"), ask(mail=str(LAST)))
        wanted = {FIRST: "web", LAST: "mail"}
        await made.until(plan, lambda reading: holders(reading) == wanted)
        await made.until(hold(web=str(FIRST)), lambda reading: holders(reading) == {FIRST: "web"})
        assert await world.written() == {FIRST: 1}
        await made.until(NOTHING, lambda reading: not reading.reservations)
        assert await world.written() == {}


async def test_an_entry_that_somebody_deleted_is_said_and_put_back(world: World) -> None:
    async with driven(world) as made:
        await made.until(ask("web"), lambda reading: FIRST in holders(reading))
        await made.until(hold(web=str(FIRST)), lambda reading: not reading.problem)
        await world.remove(FIRST)
        made.driver.look_now()
        await made.until(hold(web=str(FIRST)), lambda reading: FIRST in reading.changed)
        await made.until(
            hold(web=str(FIRST)),
            lambda reading: FIRST in holders(reading) and not reading.changed,
        )
        assert await world.written() == {FIRST: 1}


async def test_an_address_of_somebody_else_is_refused_to_who_asks_for_it(world: World) -> None:
    await world.put(LAST, "the printer")
    async with driven(world) as made:
        plan = together(ask(mail=str(LAST)), ask("web"))
        await made.until(
            plan, lambda reading: holders(reading) == {FIRST: "web"} and bool(reading.refusals)
        )
        assert [refusal.address for refusal in made.driver.reading.refusals.values()] == [LAST]
