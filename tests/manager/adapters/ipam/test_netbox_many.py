"""Many Services at once, over the strict NetBox: how much it has under way, and that none is lost.

How much is counted by the NetBox. It holds up each answer a little, so what is sent side by side is
there side by side.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from typing import Final

import pytest
from aiohttp import web

from manager.adapters.ipam.netbox_codec import NetboxFields
from manager.ipam.driver import SourceDriver
from manager.ports import SOURCE_AT_ONCE
from pointsman.api.eipsource import OnRelease
from pointsman.model.ranges import read_union
from pointsman.model.reservation import AddressRequest, SourcePlan, SourceReading
from tests.conformance.ipam.driving import Driven, shell_of
from tests.conformance.ipam.worlds import NetboxWorld, fake_netbox
from tests.fakes.netbox import FakeNetbox
from tests.manager.beside import beside
from tests.manager.ipam.driven import Leader, ask, holder, key

BLOCK: Final = "198.51.100.0/26"
MANY: Final = 30
NAMES: Final = tuple(f"s{number}" for number in range(MANY))
SERVED: Final = 20  # reservations, before it says 429


@dataclass(slots=True)
class Busy:
    """A NetBox that holds up its answers, and says 429 to reservations once *served* is over."""

    fake: FakeNetbox = field(default_factory=FakeNetbox)
    served: int = 1 << 30
    refused: int = 0

    async def before(self, request: web.Request) -> web.StreamResponse | None:
        await asyncio.sleep(0.01)
        if request.method != "POST" or not request.path.endswith("/available-ips/"):
            return None
        self.served -= 1
        if self.served >= 0:
            return None
        self.refused += 1
        detail = {"detail": "too many requests"}
        return web.json_response(detail, status=429, headers={"Retry-After": "300"})


@dataclass(slots=True)
class Many:
    """A driver on a NetBox with a block that is large enough."""

    busy: Busy
    world: NetboxWorld
    driven: Driven
    counted: Counter[tuple[str, str]]
    leader: Leader

    async def all_of(self, plan: SourcePlan) -> SourceReading:
        """Hand *plan*, and return the first reading that has something for everybody."""
        self.busy.fake.most_under_way = 0
        await self.driven.until(plan, lambda reading: len(reading.reservations) == MANY)
        return self.driven.driver.reading


@asynccontextmanager
async def many(busy: Busy, *, on_release: OnRelease = OnRelease.DELETE) -> AsyncIterator[Many]:
    counted: Counter[tuple[str, str]] = Counter()
    async with fake_netbox(busy.fake) as world:
        prefix = await world.call("POST", "ipam/prefixes/", {"prefix": BLOCK, "vrf": world.vrf})
        fields = NetboxFields(
            prefix=str(prefix["id"]), owner_field=world.field, on_release=on_release
        )
        busy.fake.before = busy.before
        woken, leader = asyncio.Event(), Leader()
        shell = replace(
            shell_of(woken),
            leader=leader,
            counted=lambda _eip, kind, result: counted.update([(kind, result)]),
        )
        source = world.made(world.owner, fields)
        driver = SourceDriver(source, eip="public", quarantine_s=0.0, shell=shell)
        driven = Driven(driver, woken)
        async with beside(driver.run()):
            await driven.until(SourcePlan(), lambda reading: reading.blocks is not None)
            yield Many(busy, world, driven, counted, leader)


async def test_many_services_are_served_side_by_side_within_the_bound() -> None:
    async with many(Busy()) as made:
        reading = await made.all_of(ask(*NAMES))
        assert {one.key for one in reading.reservations} == {key(name) for name in NAMES}
        assert set((await made.world.written()).values()) == {1}
        assert made.counted["reserve", "done"] == MANY
        assert 1 < made.busy.fake.most_under_way <= SOURCE_AT_ONCE


async def test_of_a_limited_eip_no_two_try_the_same_address() -> None:
    async with many(Busy()) as made:
        limit = read_union((f"198.51.100.8-198.51.100.{8 + MANY - 1}",))
        plan = SourcePlan({key(name): AddressRequest(holder(name), within=limit) for name in NAMES})
        await made.all_of(plan)
        assert set((await made.world.written()).values()) == {1}
        assert made.counted["reserve", "refused"] == 0
        posts = [one for one in made.busy.fake.events if one[0] == "POST"]
        assert len([one for one in posts if one[1] == "/api/ipam/ip-addresses/"]) == MANY
        assert 1 < made.busy.fake.most_under_way <= SOURCE_AT_ONCE


@pytest.mark.parametrize("with_etags", [True, False], ids=["etags", "as before 4.6"])
async def test_what_is_set_aside_is_taken_by_one_each(with_etags: bool) -> None:
    busy = Busy(FakeNetbox(with_etags=with_etags))
    async with many(busy, on_release=OnRelease.RESERVE) as made:
        for number in range(MANY):
            body = {
                "address": f"198.51.100.{8 + number}/26", "vrf": made.world.vrf, "role": "vip",
                "status": "reserved", "custom_fields": {made.world.field: made.world.owner.text},
            }  # fmt: skip
            await made.world.call("POST", "ipam/ip-addresses/", body)
        reading = await made.all_of(ask(*NAMES))
        aside = {ip_address("198.51.100.8") + number for number in range(MANY)}
        assert {one.address for one in reading.reservations} == aside
        assert {one.key for one in reading.reservations} == {key(name) for name in NAMES}
        assert made.counted["reserve", "refused"] == 0
        assert 1 < made.busy.fake.most_under_way <= SOURCE_AT_ONCE


async def test_a_429_has_no_more_sent_than_was_under_way() -> None:
    async with many(Busy(served=SERVED)) as made:
        await made.driven.until(ask(*NAMES), lambda reading: "429" in reading.problem)
        while made.leader.under_way:  # those that were begun, each of some requests
            await asyncio.sleep(0.01)
        assert 1 <= made.busy.refused <= SOURCE_AT_ONCE
