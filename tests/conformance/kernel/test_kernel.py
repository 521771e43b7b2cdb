"""The port ``KernelHost``: put, renewed, ended, dropped; and nothing of anybody else's."""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from ipaddress import IPv4Address

import pytest
from pyroute2 import AsyncIPRoute
from pyroute2.netlink.exceptions import NetlinkDumpInterrupted

from agent.adapters.kernel_messages import ALIAS, FORWARDED, RULE_PRIORITY, SENT, UNFINISHED
from agent.kernel import ANCHOR, Bound, Held, HostAddress, KernelKey
from pointsman.model.assignment import KERNEL_INTERFACE
from pointsman.model.delta import Delta
from pointsman.runtime.target import Unavailable
from tests.conformance.kernel.world import KernelWorld
from tests.fakes.kernel import FakeKernelHost, discarded, host_address, passed_on, redistributed

World = FakeKernelHost | KernelWorld
LEASE_S = 6
PATIENCE_S = 60.0
FOUR, SIX = host_address("198.51.100.7"), host_address("2001:db8:100::7")
OTHER, ANCHORED = host_address("198.51.100.8"), HostAddress(ANCHOR)
WIDE_4, WIDE_6 = "198.51.100.0/24", "2001:db8:100::/64"
ALL: Mapping[KernelKey, Bound] = {
    FOUR: None,
    SIX: None,
    discarded(WIDE_4): None,
    discarded(WIDE_6): None,
    ANCHORED: None,
    passed_on(WIDE_4): None,
    redistributed(WIDE_4): ANCHOR,
    redistributed(WIDE_6): None,
}
REAL = pytest.param(KernelWorld, marks=pytest.mark.lab)


@pytest.fixture(params=[FakeKernelHost, REAL])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    if request.param is FakeKernelHost:
        yield FakeKernelHost(time.monotonic)
        return
    made = KernelWorld()
    yield made
    made.close()


@pytest.fixture
def kernel() -> Iterator[KernelWorld]:
    made = KernelWorld()
    yield made
    made.close()


async def put(world: World, wanted: Mapping[KernelKey, Bound]) -> Mapping[KernelKey, str]:
    return await world.apply(Delta(put=wanted, drop=frozenset()), lease_s=LEASE_S)


async def drop(world: World, *keys: KernelKey) -> None:
    await world.apply(Delta(put={}, drop=frozenset(keys)), lease_s=LEASE_S)


async def seen(
    world: World, expected: Callable[[Mapping[KernelKey, Held]], bool]
) -> Mapping[KernelKey, Held]:
    async with asyncio.timeout(PATIENCE_S):
        while not expected(found := await world.observe()):
            await asyncio.sleep(0.1)
        return found


async def test_what_is_put_is_there_with_a_lease_and_what_it_is_bound_to(world: World) -> None:
    assert await put(world, ALL) == {}
    found = await world.observe()
    assert {key: held.bound for key, held in found.items()} == ALL
    leased = {key for key, held in found.items() if held.left_s is not None}
    assert leased == {FOUR, SIX, ANCHORED, redistributed(WIDE_6)}
    assert all(0 < held.left_s <= LEASE_S for held in found.values() if held.left_s is not None)


async def test_a_lease_is_renewed_by_putting_it_again(world: World) -> None:
    leased: Mapping[KernelKey, Bound] = dict.fromkeys((FOUR, SIX, redistributed(WIDE_6)))
    await put(world, leased)

    def running_down(found: Mapping[KernelKey, Held]) -> bool:
        return all((found[key].left_s or 0) <= LEASE_S - 2 for key in leased)

    await seen(world, running_down)
    assert await put(world, leased) == {}
    assert not running_down(await world.observe())


async def test_what_nobody_renews_ends_and_an_ipv4_route_goes_with_its_address(
    world: World,
) -> None:
    await put(world, ALL)

    def ended(found: Mapping[KernelKey, Held]) -> bool:
        six = found.get(redistributed(WIDE_6))
        # The kernel sweeps ended routes twice a minute; it doesn't use them meanwhile.
        return not {FOUR, SIX, ANCHORED, redistributed(WIDE_4)} & set(found) and (
            six is None or (six.left_s or 1) <= 0
        )

    found = await seen(world, ended)
    assert {discarded(WIDE_4), discarded(WIDE_6)} <= set(found), "a discard has no lease"


async def test_a_route_is_bound_to_another_address_before_the_first_goes(world: World) -> None:
    wide = redistributed(WIDE_4)
    before = IPv4Address("198.51.100.8")
    await put(world, {ANCHORED: None, OTHER: None, wide: before})
    work: Delta[KernelKey, Bound] = Delta({wide: ANCHOR}, frozenset({OTHER}))
    assert await world.apply(work, lease_s=LEASE_S) == {}
    found = await world.observe()
    assert {key: held.bound for key, held in found.items()} == {ANCHORED: None, wide: ANCHOR}


@pytest.mark.parametrize("wide", [WIDE_4, WIDE_6])
async def test_a_route_of_another_stays_and_ours_is_refused(world: World, wide: str) -> None:
    bound = None if ":" in wide else ANCHOR
    world.add_foreign_route(wide)
    refused = await put(world, {ANCHORED: None, redistributed(wide): bound})
    assert list(refused) == [redistributed(wide)]
    assert "not Pointsman's" in refused[redistributed(wide)]
    assert set(await world.observe()) == {ANCHORED}


async def test_an_interface_of_another_with_our_name_is_left_alone(world: World) -> None:
    world.add_foreign_interface()
    refused = await put(world, ALL)
    assert set(refused) == set(ALL)
    assert all("did not make" in reason for reason in refused.values())
    assert await world.observe() == {}


async def test_what_somebody_took_away_is_seen_to_be_gone(world: World) -> None:
    await put(world, {FOUR: None, OTHER: None})
    world.remove(FOUR)
    assert set(await world.observe()) == {OTHER}
    await drop(world, FOUR)  # it is gone already, and that is fine
    assert set(await world.observe()) == {OTHER}


async def test_what_ended_by_itself_leaves_nothing_once_nothing_is_to_be_held(
    world: World,
) -> None:
    await put(world, {FOUR: None})
    world.remove(FOUR)  # as when its lease ends, without an agent
    assert world.has_interface
    await drop(world)
    assert not world.has_interface


async def test_beside_an_interface_of_another_what_is_ours_is_dropped_all_the_same(
    world: World,
) -> None:
    await put(world, {discarded(WIDE_4): None})
    if isinstance(world, KernelWorld):
        world.ip(f"link delete {KERNEL_INTERFACE}")
    world.add_foreign_interface()
    gone: frozenset[KernelKey] = frozenset({discarded(WIDE_4)})
    assert list(await world.apply(Delta({FOUR: None}, gone), lease_s=LEASE_S)) == [FOUR]
    assert await world.observe() == {}


# --- of a real kernel alone ---


@pytest.mark.lab
async def test_after_the_last_is_dropped_all_is_as_it_was_and_others_was_never_touched(
    kernel: KernelWorld,
) -> None:
    kernel.ip(
        "link add kube-ipvs0 type bridge",
        "address add 198.51.100.7/32 dev kube-ipvs0",
        "route add 203.0.113.0/24 via 192.0.2.1 proto 171 table 99",
        "route add unreachable 192.0.2.128/25 proto 172 table 99",
        f"route add unreachable 203.0.113.128/25 proto static table {FORWARDED}",
        "rule add pref 30170 lookup 99",
        f"rule add pref {RULE_PRIORITY} lookup 99",
        f"rule add pref {RULE_PRIORITY} iif lo lookup {SENT}",
        "route add unreachable 198.18.0.0/15 proto 172",
    )
    before = kernel.everything()
    await put(kernel, ALL)
    assert kernel.everything() != before
    await drop(kernel, *ALL)
    assert kernel.everything() == before


@pytest.mark.lab
async def test_neither_family_is_a_source_and_no_route_leads_to_the_interface(
    kernel: KernelWorld,
) -> None:
    kernel.ip("route add default via 192.0.2.1", "route add default via 2001:db8:2::1")
    await put(kernel, {FOUR: None, SIX: None})
    assert "src 192.0.2.11" in kernel.shown("route", "get", "203.0.113.10")
    assert "src 2001:db8:2::b" in kernel.shown("route", "get", "2001:db8:3::10")
    # Nor where an interface has no address of its own, and the kernel looks at all others.
    kernel.ip("address flush dev lan0", "route replace default dev lan0")
    assert " src " not in kernel.shown("route", "get", "203.0.113.10")
    four, six = kernel.flags("198.51.100.7"), kernel.flags("2001:db8:100::7")
    assert (four["scope"], four["deprecated"], four["prefixlen"]) == ("host", True, 32)
    assert (six["nodad"], six["deprecated"], six["prefixlen"]) == (True, True, 128)
    assert KERNEL_INTERFACE not in kernel.shown("-4", "route") + kernel.shown("-6", "route")


@pytest.mark.lab
async def test_only_what_is_forwarded_is_refused(kernel: KernelWorld) -> None:
    kernel.ip("route add default via 192.0.2.1", "route add default via 2001:db8:2::1")
    kernel.ip("route add 203.0.113.0/24 dev lan0", "route add 2001:db8:3::/64 dev lan0")
    await put(kernel, ALL)
    for address, source in (("198.51.100.9", "203.0.113.10"), ("2001:db8:100::9", "2001:db8:3::a")):
        sent = kernel.shown("route", "get", address)
        assert f"dev {KERNEL_INTERFACE}" in sent, "what the node sends meets its service proxy"
        assert "src 192.0.2.11" in sent or "src 2001:db8:2::b" in sent
        with pytest.raises(Exception, match="returned non-zero"):
            kernel.shown("route", "get", address, "from", source, "iif", "lan0")


@pytest.mark.lab
async def test_another_agent_without_memory_finds_all_of_it(kernel: KernelWorld) -> None:
    await put(kernel, ALL)
    from agent.adapters.kernel_host import NetlinkHost

    after = NetlinkHost(namespace=kernel.namespace)
    assert set(await after.observe()) == set(ALL)


@pytest.mark.lab
async def test_a_rule_that_somebody_took_away_is_missed_and_put_back(kernel: KernelWorld) -> None:
    await put(kernel, ALL)
    for family in ("-4", "-6"):
        kernel.shown(family, "rule", "delete", "pref", str(RULE_PRIORITY), "table", str(FORWARDED))
    broken = {key for key, held in (await kernel.observe()).items() if not held.whole}
    assert broken == {discarded(WIDE_4), discarded(WIDE_6)}
    await put(kernel, dict.fromkeys(broken))
    assert all(held.whole for held in (await kernel.observe()).values())
    assert str(FORWARDED) in kernel.shown("-4", "rule")


@pytest.mark.lab
async def test_an_interface_that_somebody_took_down_is_up_again(kernel: KernelWorld) -> None:
    await put(kernel, {FOUR: None})
    kernel.ip(f"link set {KERNEL_INTERFACE} down")
    assert FOUR not in await kernel.observe(), "it is listed, and leads nowhere"
    await put(kernel, {FOUR: None})
    assert FOUR in await kernel.observe()
    assert "local" in kernel.shown("route", "get", "198.51.100.7")


@pytest.mark.lab
@pytest.mark.parametrize("listed", ["get_addr", "get_rules"])
async def test_a_list_that_changed_while_it_was_read_is_read_again(
    kernel: KernelWorld, monkeypatch: pytest.MonkeyPatch, listed: str
) -> None:
    await put(kernel, {FOUR: None})

    async def interrupted(*_: object, **_words: object) -> None:
        raise NetlinkDumpInterrupted

    monkeypatch.setattr(AsyncIPRoute, listed, interrupted)
    with pytest.raises(Unavailable, match="they changed while they were listed"):
        await put(kernel, ALL)


@pytest.mark.lab
async def test_an_interface_whose_agent_was_killed_as_it_made_it_is_taken_over(
    kernel: KernelWorld,
) -> None:
    kernel.ip(f"link add {KERNEL_INTERFACE} group {UNFINISHED} type bridge")
    assert await put(kernel, ALL) == {}
    shown = kernel.shown("-d", "link", "show", KERNEL_INTERFACE)
    assert ALIAS in shown
    assert "group default" in shown
    assert "addrgenmode none" in shown
