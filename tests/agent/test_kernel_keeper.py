"""An assignment in the kernel: put, renewed, swept, withheld; and nothing opened without need."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_interface

import pytest

from agent.kernel import HostAddress
from agent.kernel_keeper import NO_NET_ADMIN, KernelKeeper
from agent.ports import KernelHost
from agent.snapshot import Assignment, Link, LinkAddress, LinkIndex, Network
from pointsman.model.assignment import KERNEL_INTERFACE
from tests.agent.test_kernel import WIDE_4, WIDE_6, assignment
from tests.fakes.kernel import FakeKernelHost, discarded, host_address, passed_on, redistributed

pytestmark = pytest.mark.looptime
LEASE_S = 90
FOUR, SIX = "198.51.100.7", "2001:db8:100::7"
BARE = Network(links=(Link(LinkIndex(2), "eth0"),))


def with_ours(*addresses: str) -> Network:
    """Return a node's network with our interface, and those on it."""
    return Network(
        links=(*BARE.links, Link(LinkIndex(3), KERNEL_INTERFACE)),
        addresses=tuple(LinkAddress(LinkIndex(3), ip_interface(one)) for one in addresses),
    )


@dataclass
class Rig:
    host: FakeKernelHost
    keeper: KernelKeeper
    opened: int = 0
    wakes: list[float] = field(default_factory=list)

    def follow(
        self, wanted: Assignment, network: Network = BARE, *, confirmed: bool = True
    ) -> None:
        self.keeper.follow(wanted, network, confirmed=confirmed)

    async def held(self) -> set[object]:
        return set(await self.host.observe())


@asynccontextmanager
async def running(
    *, net_admin: bool = True, host: FakeKernelHost | None = None
) -> AsyncIterator[Rig]:
    now_s: Callable[[], float] = asyncio.get_running_loop().time
    made = host or FakeKernelHost(now_s)

    async def opened() -> KernelHost:
        rig.opened += 1
        return made

    rig = Rig(made, KernelKeeper(opened, net_admin, LEASE_S))
    task = asyncio.create_task(rig.keeper.run(lambda: rig.wakes.append(now_s())))
    await asyncio.sleep(0)
    try:
        yield rig
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


def numbered(generation: int, *addresses: str, **routes: bool) -> Assignment:
    wanted = assignment(*addresses, routes=routes)
    return Assignment(generation, kernel=wanted.kernel, unreachable=wanted.unreachable)


async def test_without_anything_to_hold_nothing_is_opened_and_all_is_executed() -> None:
    async with running() as rig:
        rig.follow(numbered(7))
        await asyncio.sleep(1000)
        assert (rig.opened, rig.keeper.executes, rig.keeper.withheld) == (0, 7, ())


async def test_what_is_assigned_is_put_at_once_and_said_with_its_generation() -> None:
    async with running() as rig:
        rig.follow(numbered(7, FOUR, SIX))
        await asyncio.sleep(1)
        assert await rig.held() == {host_address(FOUR), host_address(SIX)}
        assert (rig.keeper.executes, rig.opened, len(rig.wakes)) == (7, 1, 1)


async def test_leases_are_renewed_for_as_long_as_the_agent_lives_and_end_after_it() -> None:
    async with running() as rig:
        wanted = Assignment(
            1,
            kernel=frozenset({ip_address(FOUR), ip_address(SIX)}),
            unreachable=assignment(routes={WIDE_4: True, WIDE_6: True}).unreachable,
        )
        rig.follow(wanted)
        for _second in range(20 * LEASE_S):
            await asyncio.sleep(1)
            lefts = [one.left_s for one in (await rig.host.observe()).values() if one.left_s]
            assert len(lefts) == 4
            assert min(lefts) > LEASE_S / 3, "two renewals may fail"
        host = rig.host
    await asyncio.sleep(LEASE_S + 1)
    left = {discarded(WIDE_4), discarded(WIDE_6), passed_on(WIDE_4)}
    assert set(await host.observe()) == left


async def test_what_is_stopped_stays_for_the_next_agent_which_renews_it() -> None:
    async with running() as rig:
        rig.follow(numbered(1, FOUR))
        await asyncio.sleep(1)
        host = rig.host
    await asyncio.sleep(LEASE_S - 10)
    async with running(host=host) as after:
        await asyncio.sleep(5)
        assert await after.held() == {host_address(FOUR)}, "nothing is swept before it is known"
        after.follow(numbered(1, FOUR), with_ours(f"{FOUR}/32"))
        await asyncio.sleep(LEASE_S)
        assert await after.held() == {host_address(FOUR)}


async def test_what_an_agent_before_left_is_swept() -> None:
    host = FakeKernelHost(asyncio.get_running_loop().time)
    host.add_address("198.51.100.9", 80)
    async with running(host=host) as rig:
        rig.follow(numbered(3), with_ours("198.51.100.9/32"))
        await asyncio.sleep(1)
        assert await rig.held() == set()
        assert rig.keeper.executes == 3


async def test_an_interface_on_which_all_leases_ended_goes_with_the_next_agent() -> None:
    host = FakeKernelHost(asyncio.get_running_loop().time)
    host.add_address("198.51.100.9", 80)
    await asyncio.sleep(81)
    async with running(host=host) as rig:
        rig.follow(numbered(3), with_ours())
        await asyncio.sleep(1)
        assert (host.has_interface, rig.keeper.executes) == (False, 3)


async def test_what_is_revoked_goes_and_what_is_moved_is_put_first() -> None:
    async with running() as rig:
        rig.follow(numbered(1, FOUR))
        await asyncio.sleep(1)
        rig.follow(numbered(2, SIX), with_ours(f"{FOUR}/32"))
        await asyncio.sleep(1)
        assert await rig.held() == {host_address(SIX)}
        assert rig.keeper.executes == 2
        (_first, second) = rig.host.applied
        assert (set(second.put), second.drop) == ({host_address(SIX)}, {host_address(FOUR)})


async def test_what_somebody_takes_away_is_put_again_at_once() -> None:
    async with running() as rig:
        rig.follow(numbered(1, FOUR))
        await asyncio.sleep(1)
        rig.host.remove(HostAddress(ip_address(FOUR)))
        rig.follow(numbered(1, FOUR), with_ours())
        await asyncio.sleep(1)
        assert await rig.held() == {host_address(FOUR)}


async def test_a_kernel_that_does_not_answer_is_asked_again_before_a_lease_ends() -> None:
    async with running() as rig:
        rig.follow(numbered(1, FOUR))
        await asyncio.sleep(1)
        rig.host.away = True
        await asyncio.sleep(LEASE_S - 20)
        rig.host.away = False
        await asyncio.sleep(LEASE_S / 6 + 1)
        assert (await rig.host.observe())[host_address(FOUR)].left_s > LEASE_S / 2  # type: ignore[operator]


async def test_without_the_capability_all_is_withheld_with_a_sentence() -> None:
    async with running(net_admin=False) as rig:
        rig.follow(numbered(4, FOUR, **{WIDE_4: False}))
        await asyncio.sleep(1)
        assert rig.opened == 0
        found = {str(one.address): one.reason for one in rig.keeper.withheld}
        assert found == {FOUR: NO_NET_ADMIN, "198.51.100.0": NO_NET_ADMIN}
        assert (rig.keeper.net_admin, rig.keeper.executes) == (False, 4)
        assert rig.keeper.held == 0


async def test_what_is_refused_is_said_and_tried_again() -> None:
    async with running() as rig:
        rig.host.add_foreign_route(WIDE_4)
        rig.follow(numbered(1, FOUR, **{WIDE_4: True}))
        await asyncio.sleep(1)
        (withheld,) = rig.keeper.withheld
        assert "not Pointsman's" in withheld.reason
        assert redistributed(WIDE_4) not in await rig.held()
        assert {host_address(FOUR), discarded(WIDE_4)} < await rig.held()
        refused = rig.keeper.held
        rig.host._routes_of_others.clear()
        await asyncio.sleep(LEASE_S / 3 + 1)
        assert redistributed(WIDE_4) in await rig.held()
        assert rig.keeper.withheld == ()
        assert rig.keeper.held > refused > 0


async def test_what_the_api_has_not_confirmed_is_held_and_not_said_to_be_executed() -> None:
    async with running() as rig:
        rig.follow(numbered(5, FOUR), confirmed=False)
        await asyncio.sleep(1)
        assert (await rig.held(), rig.keeper.executes) == ({host_address(FOUR)}, 0)
        rig.follow(numbered(5, FOUR), with_ours(f"{FOUR}/32"))
        await asyncio.sleep(1)
        assert rig.keeper.executes == 5
