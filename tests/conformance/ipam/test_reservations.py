"""What every IPAM behind the port does: reserve, show, hand over, quarantine, release."""

import pytest

from manager.ports import AddressSource, SourceRefused
from pointsman.model.address import Address, Family
from pointsman.model.ranges import read_address, read_union
from pointsman.model.reservation import (
    AddressRequest,
    Holder,
    Reservation,
    ReservationState,
    SourceReading,
)
from tests.conformance.ipam.worlds import FIRST, LAST, OUTSIDE, World, key

WEB = Holder.of(["red/web"], "web.example.com")
ANY = AddressRequest(WEB)


def this(address: Address) -> AddressRequest:
    return AddressRequest(WEB, address)


def held(reading: SourceReading) -> dict[Address, Reservation]:
    return {one.address: one for one in reading.reservations}


async def test_an_empty_block_is_read_as_what_may_be_given(source: AddressSource) -> None:
    reading = await source.observe()
    assert reading.blocks is not None
    near = (FIRST - 1, FIRST, LAST, LAST + 1)
    assert [address in reading.blocks for address in near] == [False, True, True, False]
    assert (reading.reservations, dict(reading.foreign), reading.problem) == ((), {}, "")


async def test_what_is_reserved_is_observed_as_it_was_written(source: AddressSource) -> None:
    made = await source.reserve(key("web"), ANY)
    assert (made.address, made.key, made.holder) == (FIRST, key("web"), WEB)
    assert made.state is ReservationState.HELD
    seen = (await source.observe()).reservations
    assert [(one.id, one.address, one.key, one.state, one.holder) for one in seen] == [
        (made.id, made.address, made.key, made.state, made.holder)
    ]


async def test_a_repeated_request_finds_its_first_answer(
    world: World, source: AddressSource
) -> None:
    first = await source.reserve(key("web"), ANY)
    assert (await source.reserve(key("web"), ANY)).id == first.id
    assert (await source.reserve(key("web"), this(first.address))).id == first.id
    assert (await world.source().reserve(key("web"), ANY)).id == first.id  # of a new process
    assert await world.written() == {FIRST: 1}


async def test_a_repeated_request_says_who_holds_it_now(source: AddressSource) -> None:
    first = await source.reserve(key("web"), ANY)
    now = Holder.of(["red/web", "red/web2"])
    again = await source.reserve(key("web"), AddressRequest(now))
    assert (again.id, again.holder) == (first.id, now)
    assert [one.holder for one in (await source.observe()).reservations] == [now]


async def test_each_service_and_each_block_has_its_own(world: World, source: AddressSource) -> None:
    one = await source.reserve(key("web"), ANY)
    other = await source.reserve(key("mail"), ANY)
    six = await world.source(family=Family.IPV6).reserve(key("web", Family.IPV6), ANY)
    assert (one.address, other.address) == (FIRST, FIRST + 1)
    assert six.address == read_address("2001:db8:16::1")


async def test_the_address_asked_for_is_reserved(source: AddressSource) -> None:
    made = await source.reserve(key("web"), this(LAST))
    assert made.address == LAST
    assert set(held(await source.observe())) == {LAST}


async def test_an_address_of_somebody_else_is_refused_and_shown(
    world: World, source: AddressSource
) -> None:
    await world.put(FIRST, "the printer")
    with pytest.raises(SourceRefused, match="the printer"):
        await source.reserve(key("web"), this(FIRST))
    reading = await source.observe()
    assert list(reading.foreign) == [FIRST]
    assert "the printer" in reading.foreign[FIRST]
    assert (await source.reserve(key("web"), ANY)).address == FIRST + 1


async def test_an_address_of_another_cluster_is_somebody_elses(world: World) -> None:
    ours, theirs = world.source(), world.other()
    made = await theirs.reserve(key("web"), ANY)
    with pytest.raises(SourceRefused, match=str(made.address)):
        await ours.reserve(key("web"), this(made.address))
    reading = await ours.observe()
    assert (reading.reservations, list(reading.foreign)) == ((), [made.address])


async def test_an_address_outside_is_refused(source: AddressSource) -> None:
    with pytest.raises(SourceRefused):
        await source.reserve(key("web"), this(OUTSIDE))


async def test_no_address_is_given_twice_and_the_last_is_refused_to_the_next(
    world: World, source: AddressSource
) -> None:
    made = [await source.reserve(key(f"web{number}"), ANY) for number in range(6)]
    assert {one.address for one in made} == {FIRST + number for number in range(6)}
    with pytest.raises(SourceRefused):
        await source.reserve(key("late"), ANY)
    assert len(await world.written()) == 6


async def test_an_eip_that_limits_is_given_what_it_allows(
    world: World, source: AddressSource
) -> None:
    await world.put(FIRST + 2, "the printer")
    within = read_union((f"{FIRST + 2}-{FIRST + 3}", "198.51.100.0/24", f"{LAST}"))
    request = AddressRequest(WEB, within=within)
    made = [(await source.reserve(key(name), request)).address for name in ("a", "b")]
    assert made == [FIRST + 3, LAST]
    with pytest.raises(SourceRefused):
        await source.reserve(key("c"), request)


async def test_an_entry_changes_hands(source: AddressSource) -> None:
    made = await source.reserve(key("web"), ANY)
    shared = Holder.of(["red/mail", "red/more"], "mail.example.com")
    given = await source.describe(made, key("mail"), shared)
    assert (given.id, given.key, given.holder) == (made.id, key("mail"), shared)
    seen = (await source.observe()).reservations
    assert [(one.key, one.holder) for one in seen] == [(key("mail"), shared)]
    with pytest.raises(SourceRefused):  # as it was before
        await source.describe(made, key("web"), WEB)


@pytest.mark.parametrize("count", [1, 3, 200])
async def test_whoever_shares_it_is_read_as_it_was_written(
    source: AddressSource, count: int
) -> None:
    holder = Holder.of(f"a-namespace-with-a-name/service-{number}" for number in range(count))
    made = await source.reserve(key("web"), AddressRequest(holder))
    assert made.holder == holder
    assert [one.holder for one in (await source.observe()).reservations] == [holder]


async def test_a_quarantined_address_is_nobodys_and_not_given(
    world: World, source: AddressSource
) -> None:
    made = await source.reserve(key("web"), ANY)
    await source.quarantine(made)
    (seen,) = (await source.observe()).reservations
    assert (seen.state, seen.key, seen.address) == (
        ReservationState.QUARANTINED,
        key("web"),
        FIRST,
    )
    assert seen.since
    await source.quarantine(seen)  # it began when it began
    assert [one.since for one in (await source.observe()).reservations] == [seen.since]
    assert (await source.reserve(key("mail"), ANY)).address == FIRST + 1
    assert (await world.other().reserve(key("mail"), ANY)).address == FIRST + 2


async def test_its_service_gets_it_back_out_of_quarantine(source: AddressSource) -> None:
    made = await source.reserve(key("web"), ANY)
    await source.quarantine(made)
    again = await source.reserve(key("web"), ANY)
    assert (again.id, again.state, again.holder) == (made.id, ReservationState.HELD, WEB)
    await source.quarantine(again)
    described = await source.describe(again, key("web"), WEB)
    assert described.state is ReservationState.HELD
    assert [one.state for one in (await source.observe()).reservations] == [ReservationState.HELD]


async def test_what_is_released_is_free_and_released_again_is_fine(
    world: World, source: AddressSource
) -> None:
    made = await source.reserve(key("web"), ANY)
    await source.quarantine(made)
    await source.release((await source.observe()).reservations[0])
    await source.release(made)
    assert await world.written() == {}
    assert (await source.observe()).reservations == ()
    assert (await source.reserve(key("mail"), ANY)).address == FIRST


async def test_what_somebody_deleted_is_put_back(world: World, source: AddressSource) -> None:
    made = await source.reserve(key("web"), ANY)
    await world.remove(made.address)
    assert (await source.observe()).reservations == ()
    await source.release(made)
    back = await source.reserve(key("web"), this(made.address))
    assert (back.address, back.key) == (made.address, key("web"))


async def test_what_somebody_made_his_own_is_not_touched(
    world: World, source: AddressSource
) -> None:
    made = await source.reserve(key("web"), ANY)
    await world.give_away(made.address)
    reading = await source.observe()
    assert (reading.reservations, list(reading.foreign)) == ((), [made.address])
    for refused in (
        source.release(made),
        source.quarantine(made),
        source.describe(made, key("web"), WEB),
        source.reserve(key("web"), this(made.address)),
    ):
        with pytest.raises(SourceRefused):
            await refused
    assert await world.written() == {made.address: 1}


async def test_another_clusters_reservation_is_not_released(world: World) -> None:
    ours, theirs = world.source(), world.other()
    made = await theirs.reserve(key("web"), ANY)
    with pytest.raises(SourceRefused):
        await ours.release(made)
    assert await world.written() == {made.address: 1}
