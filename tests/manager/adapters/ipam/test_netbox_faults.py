"""What happens in the middle of a reservation in NetBox: nothing comes twice, nothing moves."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace

import pytest
from aiohttp import web

from manager.adapters.ipam.calls import Access
from manager.adapters.ipam.netbox import LOOKS, NetboxSource
from manager.adapters.ipam.netbox_entries import SETTLE_S
from manager.ports import SourceRefused
from pointsman.api.eipsource import OnRelease
from pointsman.model.ranges import read_union
from pointsman.model.reservation import AddressRequest, Holder
from pointsman.runtime.target import Unavailable
from tests.conformance.ipam.worlds import FIRST, LAST, NetboxWorld, arranged, key
from tests.fakes.netbox import ADMIN, FakeNetbox, serving
from tests.fakes.netbox_users import LEAST, User

HOLDER = Holder.of(["red/web"])
ANY = AddressRequest(HOLDER)
THIS = AddressRequest(HOLDER, LAST)


@dataclass(slots=True)
class Bed:
    """A NetBox, its people's hands, and a source whose clock stands still between steps."""

    fake: FakeNetbox
    world: NetboxWorld
    url: str
    now: float = 0.0
    slept: list[float] = field(default_factory=list)
    on_sleep: Callable[[], Awaitable[None]] | None = None

    def source(self, token: str = ADMIN, **changes: object) -> NetboxSource:
        return NetboxSource(
            Access("NetBox", self.url, lambda: token),
            replace(self.world.fields(), **changes),  # type: ignore[arg-type]
            self.world.owner,
            monotonic=lambda: self.now,
            sleep=self._sleep,
        )

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if self.on_sleep is not None:
            await self.on_sleep()

    def asked(self, method: str) -> int:
        return sum(one == method for one, _ in self.fake.events)


@pytest.fixture
async def bed() -> AsyncIterator[Bed]:
    fake = FakeNetbox()
    async with serving(fake) as url, arranged(Access("NetBox", url, lambda: ADMIN)) as world:
        yield Bed(fake, world, url)


@pytest.fixture
async def source(bed: Bed) -> AsyncIterator[NetboxSource]:
    made = bed.source()
    yield made
    await made.close()


def lost(method: str) -> Callable[[web.Request, web.StreamResponse], Awaitable[web.StreamResponse]]:
    """Return a fault that carries out *method*, and cuts its answer off."""

    async def fault(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
        if request.method == method and request.transport is not None:
            request.transport.abort()
        return response

    return fault


@pytest.mark.parametrize("request_", [ANY, THIS])
async def test_an_answer_that_was_lost_is_found_and_nothing_is_reserved_twice(
    bed: Bed, source: NetboxSource, request_: AddressRequest
) -> None:
    bed.fake.after = lost("POST")
    with pytest.raises(Unavailable, match="no answer"):
        await source.reserve(key("web"), request_)
    bed.fake.after = None
    made = await source.reserve(key("web"), request_)
    assert await bed.world.written() == {made.address: 1}


async def test_a_request_that_works_on_is_waited_for(bed: Bed, source: NetboxSource) -> None:
    """A proxy gave up; NetBox goes on and makes the entry a minute later."""

    async def gives_up(request: web.Request) -> web.StreamResponse | None:
        return web.Response(status=504) if request.method == "POST" else None

    bed.fake.before = gives_up
    with pytest.raises(Unavailable, match="504"):
        await source.reserve(key("web"), ANY)
    bed.fake.before = None
    posts = bed.asked("POST")
    bed.now += SETTLE_S - 1
    with pytest.raises(SourceRefused, match="may yet make it; in 1 s it is asked again"):
        await source.reserve(key("web"), ANY)
    other = await source.reserve(key("mail"), ANY)  # others don't wait for it
    assert bed.asked("POST") == posts + 1
    owner = {bed.world.field: bed.world.owner.entry(key("web"))}
    await bed.world.put(LAST, "Kubernetes: red/web", role="vip", custom_fields=owner)
    assert (await source.reserve(key("web"), ANY)).address == LAST
    assert await bed.world.written() == {other.address: 1, LAST: 1}


async def test_when_it_must_have_ended_it_is_asked_again(bed: Bed, source: NetboxSource) -> None:
    async def gives_up(request: web.Request) -> web.StreamResponse | None:
        return web.Response(status=502) if request.method == "POST" else None

    bed.fake.before = gives_up
    with pytest.raises(Unavailable):
        await source.reserve(key("web"), ANY)
    bed.fake.before = None
    bed.now += SETTLE_S
    assert (await source.reserve(key("web"), ANY)).address == FIRST
    await source.release(await source.reserve(key("web"), ANY))
    assert (await source.reserve(key("web"), ANY)).address == FIRST  # it is forgotten


@pytest.mark.parametrize("status", [500, 503, 429])
async def test_an_answer_that_was_none_of_a_proxys_is_not_waited_for(
    bed: Bed, source: NetboxSource, status: int
) -> None:
    async def refuses(request: web.Request) -> web.StreamResponse | None:
        return web.json_response({}, status=status) if request.method == "POST" else None

    bed.fake.before = refuses
    with pytest.raises(Unavailable):
        await source.reserve(key("web"), ANY)
    bed.fake.before = None
    assert (await source.reserve(key("web"), ANY)).address == FIRST


@pytest.mark.parametrize("deed", ["describe", "quarantine", "release", "give back"])
async def test_what_somebody_changed_between_reading_and_writing_stays_as_he_left_it(
    bed: Bed, deed: str
) -> None:
    keeps = OnRelease.RESERVE if deed == "give back" else OnRelease.DELETE
    source = bed.source(on_release=keeps)
    made = await source.reserve(key("web"), ANY)

    async def edited_just_now(request: web.Request) -> web.StreamResponse | None:
        if request.method in ("PATCH", "DELETE"):
            bed.fake.before = None
            row = bed.fake.store.rows[int(made.id)]
            bed.fake.store.change(row, {"description": "hands off"})
        return None

    bed.fake.before = edited_just_now
    deeds = {
        "describe": lambda: source.describe(made, key("web"), Holder.of(["red/other"])),
        "quarantine": lambda: source.quarantine(made),
    }
    with pytest.raises(SourceRefused, match="somebody changed entry"):
        await deeds.get(deed, lambda: source.release(made))()
    (entry,) = await bed.world.entries()
    assert (entry["description"], entry["status"]["value"]) == ("hands off", "active")
    await source.close()


async def test_a_netbox_without_versions_is_written_all_the_same(
    bed: Bed, source: NetboxSource
) -> None:
    bed.fake.with_etags = False
    made = await source.reserve(key("web"), ANY)
    await source.describe(made, key("web"), Holder.of(["red/other"]))
    await source.release(made)
    assert await bed.world.written() == {}


async def appears(bed: Bed, number: int) -> None:
    """Somebody's entry of the address that was just made appears, with *number* as its own."""
    row = bed.fake.store.create({"address": f"{LAST}/29", "vrf": bed.world.vrf, "role": "vip"})
    del bed.fake.store.rows[row.id]
    row.id = number
    bed.fake.store.rows[number] = row


async def test_who_finds_a_lower_number_at_his_address_takes_his_back(
    bed: Bed, source: NetboxSource
) -> None:
    async def second(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
        if request.method == "POST":
            bed.fake.after = None
            await appears(bed, 1)
        return response

    bed.fake.after = second
    with pytest.raises(SourceRefused, match=f"{LAST} was taken in NetBox by"):
        await source.reserve(key("web"), THIS)
    assert [one["id"] for one in await bed.world.entries()] == [1]
    assert bed.slept == []


@pytest.mark.parametrize("leaves", [True, False])
async def test_who_has_the_lowest_number_waits_for_the_other_to_leave_and_not_for_ever(
    bed: Bed, source: NetboxSource, leaves: bool
) -> None:
    """One that came to see itself alone before this one was there has the address, and stays."""

    async def second(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
        if request.method == "POST":
            bed.fake.after = None
            await appears(bed, 1000)
        return response

    async def left() -> None:
        if leaves and len(bed.slept) == 2:
            del bed.fake.store.rows[1000]

    bed.fake.after, bed.on_sleep = second, left
    if leaves:
        made = await source.reserve(key("web"), THIS)
        assert [str(one["id"]) for one in await bed.world.entries()] == [made.id]
        assert len(bed.slept) == 2
    else:
        with pytest.raises(SourceRefused):
            await source.reserve(key("web"), THIS)
        assert [one["id"] for one in await bed.world.entries()] == [1000]
        assert len(bed.slept) == LOOKS - 1


async def test_a_limited_eip_tries_the_next_address_when_one_was_taken_meanwhile(
    bed: Bed, source: NetboxSource
) -> None:
    await source.observe()
    await bed.world.put(FIRST + 1, "the printer")  # since the reading
    within = read_union((f"{FIRST + 1}-{LAST}",))
    made = await source.reserve(key("web"), AddressRequest(HOLDER, within=within))
    assert made.address == FIRST + 2


async def test_pages_are_read_to_the_end_whatever_comes_and_goes_meanwhile(
    bed: Bed, source: NetboxSource
) -> None:
    bed.fake.max_page_size = 2
    made = [await source.reserve(key(f"web{number}"), ANY) for number in range(6)]

    async def deletes(request: web.Request) -> web.StreamResponse | None:
        if "id__gt" in request.query:
            bed.fake.store.rows.pop(int(made[0].id), None)
        return None

    bed.fake.before = deletes
    seen = {one.id for one in (await source.observe()).reservations}
    assert seen >= {one.id for one in made[1:]}


async def test_the_least_permissions_suffice_and_each_one_that_is_missing_is_said(
    bed: Bed,
) -> None:
    owns = (bed.world.field, f"{bed.world.owner.cluster_uid}/")
    bed.fake.users["least"] = User(LEAST, owns)
    source = bed.source("least", on_release=OnRelease.RESERVE)
    made = await source.reserve(key("web"), ANY)
    await source.describe(made, key("web"), Holder.of(["red/other"]))
    await source.quarantine(made)
    assert len((await source.observe()).reservations) == 1
    await source.release(made)
    bed.fake.users["least"] = User(LEAST - {"add ipaddress"}, owns)
    with pytest.raises(Unavailable, match="permission"):
        await source.reserve(key("web"), THIS)
    for missing in ("view ipaddress", "view prefix"):
        bed.fake.users["least"] = User(LEAST - {missing}, owns)
        with pytest.raises(Unavailable, match="permission"):
            await source.observe()
    await source.close()


async def test_what_was_cut_off_by_a_stop_is_finished_by_the_next_manager(
    bed: Bed, source: NetboxSource
) -> None:
    reached = asyncio.Event()

    async def hangs(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
        if request.method == "POST":
            reached.set()
            await asyncio.Event().wait()
        return response

    bed.fake.after = hangs
    task = asyncio.ensure_future(source.reserve(key("web"), ANY))
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    bed.fake.after = None
    next_one = bed.source()
    made = await next_one.reserve(key("web"), ANY)
    assert await bed.world.written() == {made.address: 1}
    await next_one.close()
