"""The port ``Links``: what is seen, and that a wake comes with every change of it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass

import pytest

from agent.snapshot import Link, Network
from tests.conformance.links.kernel import KernelWorld
from tests.fakes.links import FakeLinks

World = FakeLinks | KernelWorld
MAC, OTHER_MAC = "02:00:00:00:00:11", "02:00:00:00:00:12"
PATIENCE_S = 60.0  # for a busy machine; milliseconds are usual
QUIET_S = 0.8  # longer than the second look after a change


@pytest.fixture(params=[FakeLinks, pytest.param(KernelWorld, marks=pytest.mark.lab)])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    made: World = request.param()
    yield made
    if isinstance(made, KernelWorld):
        made.close()


@dataclass
class Eyes:
    """Looks only when woken: what it sees, it saw because of a wake."""

    world: World
    woken: asyncio.Event
    wakes: int = 0

    def wake(self) -> None:
        self.wakes += 1
        self.woken.set()

    async def see(self, expected: Callable[[Network], bool]) -> Network:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                await self.woken.wait()
                self.woken.clear()
                seen = await self.world.observe()
                if expected(seen):
                    return seen

    async def rest(self) -> None:
        """Wait until the wakes of what was done before are over: the next has another cause."""
        before = -1
        while before != self.wakes:
            before = self.wakes
            await asyncio.sleep(QUIET_S if isinstance(self.world, KernelWorld) else 0)
        self.woken.clear()


@pytest.fixture
async def eyes(world: World) -> AsyncIterator[Eyes]:
    opened = Eyes(world, asyncio.Event())
    watching = asyncio.create_task(world.watch(opened.wake))
    await opened.see(lambda seen: True)
    yield opened
    watching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watching


def link(seen: Network, name: str) -> Link | None:
    return next((one for one in seen.links if one.name == name), None)


def addresses(seen: Network, name: str) -> set[str]:
    found = link(seen, name)
    return {
        str(address.interface)
        for address in seen.addresses
        if found and address.link == found.index and not address.interface.ip.is_link_local
    }


def gateways(seen: Network) -> set[str]:
    return {str(route.gateway) for route in seen.default_routes}


def is_up(seen: Network, name: str) -> bool:
    found = link(seen, name)
    return found is not None and found.up


async def test_a_link_appears_with_its_mac(world: World, eyes: Eyes) -> None:
    world.add_link("lan0", MAC)
    seen = await eyes.see(lambda seen: is_up(seen, "lan0"))
    found = link(seen, "lan0")
    assert found is not None
    assert (found.mac, found.kind, found.loopback, found.master) == (MAC, "veth", False, None)


@pytest.mark.parametrize("text", ["192.0.2.11/24", "2001:db8:2::11/64"])
async def test_an_address_of_either_family_comes_with_its_prefix_length(
    world: World, eyes: Eyes, text: str
) -> None:
    world.add_link("lan0", MAC)
    await eyes.rest()
    world.add_address("lan0", text)
    await eyes.see(lambda seen: addresses(seen, "lan0") == {text})


async def test_an_address_goes_and_its_default_route_with_it(world: World, eyes: Eyes) -> None:
    world.add_link("lan0", MAC)
    world.add_address("lan0", "192.0.2.11/24")
    world.set_default_route("lan0", "192.0.2.1")
    await eyes.see(lambda seen: gateways(seen) == {"192.0.2.1"})
    await eyes.rest()
    world.remove_address("lan0", "192.0.2.11/24")
    await eyes.see(lambda seen: not addresses(seen, "lan0") and not gateways(seen))


async def test_a_link_taken_down_is_down_and_loses_its_ipv4_route(world: World, eyes: Eyes) -> None:
    world.add_link("lan0", MAC)
    world.add_address("lan0", "192.0.2.11/24")
    world.set_default_route("lan0", "192.0.2.1")
    await eyes.see(lambda seen: is_up(seen, "lan0") and bool(gateways(seen)))
    await eyes.rest()
    world.set_up("lan0", False)
    seen = await eyes.see(lambda seen: not is_up(seen, "lan0") and not gateways(seen))
    assert addresses(seen, "lan0") == {"192.0.2.11/24"}


async def test_a_lost_carrier_is_down_and_keeps_its_addresses(world: World, eyes: Eyes) -> None:
    world.add_link("lan0", MAC)
    world.add_address("lan0", "192.0.2.11/24")
    await eyes.see(lambda seen: is_up(seen, "lan0"))
    await eyes.rest()
    world.set_carrier("lan0", False)
    seen = await eyes.see(lambda seen: not is_up(seen, "lan0"))
    assert addresses(seen, "lan0") == {"192.0.2.11/24"}
    world.set_carrier("lan0", True)
    await eyes.see(lambda seen: is_up(seen, "lan0"))


async def test_a_new_mac_is_seen(world: World, eyes: Eyes) -> None:
    world.add_link("lan0", MAC)
    await eyes.see(lambda seen: link(seen, "lan0") is not None)
    await eyes.rest()
    world.set_mac("lan0", OTHER_MAC)
    await eyes.see(lambda seen: any(one.mac == OTHER_MAC for one in seen.links))


async def test_a_renamed_link_keeps_index_and_addresses(world: World, eyes: Eyes) -> None:
    world.add_link("lan0", MAC)
    world.add_address("lan0", "192.0.2.11/24")
    before = link(await eyes.see(lambda seen: bool(addresses(seen, "lan0"))), "lan0")
    await eyes.rest()
    world.rename("lan0", "wan0")
    seen = await eyes.see(lambda seen: addresses(seen, "wan0") == {"192.0.2.11/24"})
    after = link(seen, "wan0")
    assert before is not None
    assert after is not None
    assert (after.index, link(seen, "lan0")) == (before.index, None)


async def test_a_port_names_its_master(world: World, eyes: Eyes) -> None:
    world.add_link("lan0", MAC)
    if isinstance(world, KernelWorld):
        world.ip("link add br0 type bridge")
    else:
        world.add_link("br0", OTHER_MAC)
    await eyes.rest()
    world.set_master("lan0", "br0")
    seen = await eyes.see(lambda seen: any(one.master for one in seen.links))
    port, master = link(seen, "lan0"), link(seen, "br0")
    assert port is not None
    assert master is not None
    assert port.master == master.index


async def test_a_deleted_link_takes_addresses_and_routes_along(world: World, eyes: Eyes) -> None:
    world.add_link("lan0", MAC)
    world.add_address("lan0", "2001:db8:2::11/64")
    world.set_default_route("lan0", "2001:db8:2::1")
    seen = await eyes.see(lambda seen: gateways(seen) == {"2001:db8:2::1"})
    gone = link(seen, "lan0")
    await eyes.rest()
    world.delete("lan0")
    seen = await eyes.see(lambda seen: link(seen, "lan0") is None and not gateways(seen))
    assert gone is not None
    assert all(address.link != gone.index for address in seen.addresses)


@pytest.mark.parametrize(
    ("address", "before", "after"),
    [("192.0.2.11/24", "192.0.2.1", "192.0.2.2"), ("2001:db8::11/64", "fe80::1", "fe80::2")],
    ids=["IPv4", "IPv6"],
)
async def test_a_replaced_default_route_shows_the_new_gateway(
    world: World, eyes: Eyes, address: str, before: str, after: str
) -> None:
    world.add_link("lan0", MAC)
    world.add_address("lan0", address)
    world.set_default_route("lan0", before)
    await eyes.see(lambda seen: gateways(seen) == {before})
    await eyes.rest()
    world.set_default_route("lan0", after)
    await eyes.see(lambda seen: gateways(seen) == {after})


async def test_nobody_is_woken_while_nothing_changes_or_for_other_routes(
    world: World, eyes: Eyes
) -> None:
    world.add_link("lan0", MAC)
    world.add_address("lan0", "192.0.2.11/24")
    for _ in range(3):  # the link-local address is tried for up to 2 s (RFC 4862 section 5.4)
        await eyes.rest()
    async with asyncio.timeout(PATIENCE_S):
        while any(one.tentative for one in (await world.observe()).addresses):
            await asyncio.sleep(0.05)
    await eyes.rest()
    quiet = eyes.wakes
    world.add_other_route("lan0", "198.51.100.0/24")
    await asyncio.sleep(QUIET_S)
    assert eyes.wakes == quiet
