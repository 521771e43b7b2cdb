"""Clusters that ask for the same addresses in every order: never do two of them have one.

Each grants itself what it observed as its own alone, as a planner does, and never gives that up
because of what it sees later. NetBox answers in an order by chance, from a seed; one of before 4.6
shows entries in another order than it numbered them.
"""

import asyncio
import random
from collections import Counter
from contextlib import AsyncExitStack, suppress

import pytest
from aiohttp import web

from manager.adapters.ipam.calls import Access
from manager.adapters.ipam.netbox import NetboxSource
from manager.ports import SourceRefused
from pointsman.model.address import Address
from pointsman.model.ranges import read_union
from pointsman.model.reservation import AddressRequest, Holder, SourceOwner
from tests.conformance.ipam.worlds import FIRST, NetboxWorld, arranged, key
from tests.fakes.netbox import ADMIN, FakeNetbox, serving

HOLDER = Holder.of(["red/web"])
CLUSTERS, ROUNDS = 4, 6
LATEST_S = 0.01  # an answer; by chance, so that each order comes


class Cluster:
    """One cluster: asks, observes, grants; *grants* are never taken back."""

    def __init__(self, source: NetboxSource, chance: random.Random) -> None:
        self.source, self._chance = source, chance
        self.grants: dict[str, Address] = {}

    async def round(self, number: int) -> None:
        """Ask for the address of this round, as all do, or for any; grant what may be granted.

        Half of them stop in the middle of it, and begin anew by observing.
        """
        wanted = self._chance.choice([None, *[FIRST + number] * 5])
        stops_s = self._chance.choice([60.0, self._chance.uniform(2, 8) * LATEST_S])
        with suppress(SourceRefused, TimeoutError):
            async with asyncio.timeout(stops_s):
                await self.source.reserve(key(f"{number}"), AddressRequest(HOLDER, wanted))
        await self.grant()

    async def release(self) -> None:
        """Give back what was not granted, as a driver does with what no plan knows of."""
        for one in (await self.source.observe()).reservations:
            if one.key is None or self.grants.get(one.key.service_uid) != one.address:
                await self.source.release(one)

    async def grant(self) -> None:
        reading = await self.source.observe()
        for one in reading.reservations:
            if one.key is None or one.address in reading.foreign:
                continue
            self.grants.setdefault(one.key.service_uid, one.address)
        shown = {one.address for one in reading.reservations}
        assert set(self.grants.values()) <= shown, "an entry of a granted address went away"


@pytest.mark.parametrize("locked", [True, False], ids=["locked", "as before 4.6"])
@pytest.mark.parametrize("seed", range(4))
async def test_no_address_is_granted_twice_whatever_the_order(seed: int, locked: bool) -> None:
    chance = random.Random(seed)

    async def late() -> None:
        await asyncio.sleep(chance.uniform(0, LATEST_S))

    async def before(_request: web.Request) -> web.StreamResponse | None:
        await late()
        return None

    fake = FakeNetbox(before=before, commits=None if locked else late)
    async with (
        AsyncExitStack() as stack,
        serving(fake) as url,
        arranged(Access("NetBox", url, lambda: ADMIN)) as world,
    ):
        clusters = [_cluster(url, world, f"c{number}", chance) for number in range(CLUSTERS)]
        for one in clusters:
            stack.push_async_callback(one.source.close)
        for number in range(ROUNDS):
            await asyncio.gather(*(one.round(number) for one in clusters))
        for one in clusters:
            await one.grant()
            await one.release()
        given = Counter(address for one in clusters for address in one.grants.values())
        assert given
        assert set(given.values()) == {1}
        assert await world.written() == given


def _cluster(url: str, world: NetboxWorld, name: str, chance: random.Random) -> Cluster:
    owner = SourceOwner(name, "public")
    access = Access("NetBox", url, lambda: ADMIN, timeout_s=60.0)

    async def soon(_seconds: float) -> None:
        await asyncio.sleep(LATEST_S)

    return Cluster(NetboxSource(access, world.fields(), owner, sleep=soon), chance)


async def test_of_a_limited_eip_no_address_is_tried_again_that_was_just_given() -> None:
    fake = FakeNetbox()
    limited = AddressRequest(HOLDER, within=read_union((f"{FIRST}-{FIRST + 3}",)))
    async with serving(fake) as url, arranged(Access("NetBox", url, lambda: ADMIN)) as world:
        cluster = _cluster(url, world, "c", random.Random(0))
        await cluster.source.observe()
        counts = []
        for number in range(4):
            before = len(fake.events)
            made = await cluster.source.reserve(key(f"{number}"), limited)
            assert made.address == FIRST + number
            counts.append(len(fake.events) - before)
        await cluster.source.close()
    assert len(set(counts)) == 1
