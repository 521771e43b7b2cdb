"""Two clusters, or two managers of one, on the same block at the same time."""

import asyncio
from collections import Counter

import pytest

from manager.ports import AddressSource, SourceRefused
from pointsman.model.reservation import AddressRequest, Holder, Reservation
from tests.conformance.ipam.worlds import FIRST, LAST, World, key

HOLDER = Holder.of(["red/web"])
ANY = AddressRequest(HOLDER)


async def outcome(source: AddressSource, name: str, request: AddressRequest) -> Reservation | None:
    """Return what was reserved for *name*, or None where it was refused."""
    try:
        return await source.reserve(key(name), request)
    except SourceRefused:
        return None


async def granted(source: AddressSource) -> list[Reservation]:
    """Return what a planner may grant: what is ours alone."""
    reading = await source.observe()
    return [one for one in reading.reservations if one.address not in reading.foreign]


async def test_two_clusters_never_get_one_address(world: World) -> None:
    ours, theirs = world.source(), world.other()
    made = await asyncio.gather(
        *(outcome(source, f"web{number}", ANY) for number in range(4) for source in (ours, theirs))
    )
    addresses = [one.address for one in made if one is not None]
    assert sorted(addresses) == [FIRST + number for number in range(6)]  # and two were refused
    assert await world.written() == dict.fromkeys(addresses, 1)


@pytest.mark.parametrize("count", [2, 5])
async def test_of_those_who_ask_for_one_address_at_once_one_has_it(
    world: World, count: int
) -> None:
    sources = [world.source(), *(world.other() for _ in range(count - 1))]
    asked = AddressRequest(HOLDER, LAST)
    made = await asyncio.gather(*(outcome(source, "web", asked) for source in sources))
    assert sum(one is not None for one in made) <= 1
    seen = [one for source in sources for one in await granted(source)]
    assert len(seen) == sum(one is not None for one in made)
    later = [await outcome(source, "web", asked) for source in sources]
    assert sum(one is not None for one in later) == 1
    assert await world.written() == {LAST: 1}


async def test_the_next_free_one_and_the_same_one_asked_for_do_not_meet(world: World) -> None:
    ours, theirs = world.source(), world.other()
    asked = AddressRequest(HOLDER, FIRST)
    for number in range(3):
        made = await asyncio.gather(
            outcome(ours, f"any{number}", ANY), outcome(theirs, f"this{number}", asked)
        )
        addresses = Counter(one.address for one in made if one is not None)
        assert set(addresses.values()) <= {1}
        assert all(count == 1 for count in (await world.written()).values())
        for source, one in zip((ours, theirs), made, strict=True):
            if one is not None:
                await source.release(one)


async def test_two_managers_of_one_cluster_reserve_for_a_service_what_one_can_put_right(
    world: World,
) -> None:
    one, other = world.source(), world.source()
    await asyncio.gather(outcome(one, "web", ANY), outcome(other, "web", ANY))
    seen = (await one.observe()).reservations
    assert {reservation.key for reservation in seen} == {key("web")}
    first, *more = seen
    for surplus in more:
        await one.release(surplus)
    assert (await one.reserve(key("web"), ANY)).id == first.id
    assert list(await world.written()) == [first.address]
