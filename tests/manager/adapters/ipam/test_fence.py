"""A replica that does not lead any more changes nothing in an IPAM, not even half-way."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from manager.adapters.ipam.calls import Access
from manager.adapters.ipam.webhook import WebhookSource
from manager.ports import AddressSource, NotLeading
from pointsman.model.reservation import AddressRequest, Holder
from tests.conformance.ipam.worlds import LAST, World, fake_netbox, key, webhook
from tests.fakes import ipam_webhook

WEB = Holder.of(["red/web"])


class Lease:
    """The fence: it lets so many checks through."""

    def __init__(self) -> None:
        self.left = 1000

    def check(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise NotLeading("this replica does not lead; nothing was written")


@asynccontextmanager
async def of_netbox(lease: Lease) -> AsyncIterator[tuple[World, AddressSource]]:
    async with fake_netbox() as world:
        yield world, world.made(world.owner, world.fields(), check=lease.check)


@asynccontextmanager
async def of_webhook(lease: Lease) -> AsyncIterator[tuple[World, AddressSource]]:
    async with webhook() as world:
        access = Access("the IPAM", world.url, lambda: ipam_webhook.TOKEN, check=lease.check)
        source = WebhookSource(access, world.owner)
        yield world, source
        await source.close()


@pytest.mark.parametrize("opening", [of_netbox, of_webhook])
async def test_nothing_is_changed_without_the_lease(opening: Callable[..., object]) -> None:
    lease = Lease()
    async with opening(lease) as (world, source):  # type: ignore[attr-defined]
        made = await source.reserve(key("web"), AddressRequest(WEB))
        there = await world.written()
        lease.left = 0
        assert await source.observe()  # reading is everybody's
        deeds: tuple[Callable[[], Awaitable[object]], ...] = (
            lambda: source.reserve(key("other"), AddressRequest(WEB)),
            lambda: source.reserve(key("other"), AddressRequest(WEB, LAST)),
            lambda: source.describe(made, key("other"), WEB),
            lambda: source.quarantine(made),
            lambda: source.release(made),
        )
        for deed in deeds:
            with pytest.raises(NotLeading):
                await deed()
        assert await world.written() == there
        (held,) = (await source.observe()).reservations
        assert (held.key, held.state) == (made.key, made.state)
