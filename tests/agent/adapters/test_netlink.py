"""What only a real kernel does: overruns, duplicate addresses, big dumps, foreign tables."""

import asyncio
import os
import socket
from collections.abc import Iterator

import pytest

from agent.adapters.netlink import SETTLE_S, KernelNetwork, rtnetlink_socket
from lab.network import netns
from tests.conformance.links.kernel import KernelWorld

pytestmark = pytest.mark.lab
MAC = "02:00:00:00:00:11"
PATIENCE_S = 60.0
SET_FOR = ("all", "default")


@pytest.fixture
def links() -> Iterator[KernelWorld]:
    made = KernelWorld()
    yield made
    made.close()


class Deaf(KernelNetwork):
    """Hears through a socket so small that a burst overruns it."""

    def __init__(self, links: KernelWorld) -> None:
        super().__init__(self._small_socket)
        self._namespace = links.namespace

    def _small_socket(self) -> socket.socket:
        with netns.entered(self._namespace):
            small = rtnetlink_socket()
        small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)  # the kernel's least
        return small


async def test_an_overrun_is_one_more_reason_to_look(links: KernelWorld) -> None:
    links.add_link("lan0", MAC)
    woken = asyncio.Event()
    deaf = Deaf(links)
    watching = asyncio.create_task(deaf.watch(woken.set))
    await woken.wait()
    for _ in range(3):  # the subscription outlives each overrun
        await asyncio.sleep(1.2)
        woken.clear()
        burst = [f"address add 198.18.0.{n}/32 dev lan0" for n in range(1, 251)]
        links.ip(*burst)  # this loop hears nothing meanwhile: all of it waits in the socket
        async with asyncio.timeout(PATIENCE_S):
            await woken.wait()
        assert len((await links.observe()).addresses) >= 250
        links.ip("address flush dev lan0 to 198.18.0.0/24")
    watching.cancel()


async def test_every_change_is_looked_at_twice_and_then_no_more(links: KernelWorld) -> None:
    # Nothing else may happen meanwhile, such as the end of a link-local address's check.
    netns.sysctl(links.namespace, {f"net.ipv6.conf.{who}.disable_ipv6": 1 for who in SET_FOR})
    links.add_link("lan0", MAC)
    clock, wakes = asyncio.get_running_loop().time, list[float]()
    watching = asyncio.create_task(links.watch(lambda: wakes.append(clock())))

    async def quiet(least: int) -> None:
        """Wait until there were *least* wakes, and then no more for long."""
        async with asyncio.timeout(PATIENCE_S):
            while len(wakes) < least or clock() - wakes[-1] < 3 * SETTLE_S:
                await asyncio.sleep(0.05)

    await quiet(1)  # the one at the start, and what came of the link
    before = len(wakes)
    started = clock()
    links.add_address("lan0", "192.0.2.11/24")
    await quiet(before + 2)
    first, *_others, last = wakes[before:]
    assert last - first >= SETTLE_S - 0.05
    assert last - started >= SETTLE_S
    watching.cancel()


async def test_an_address_someone_else_has_is_marked(links: KernelWorld) -> None:
    other = f"pmagent-dup-{os.getpid()}"
    netns.ip(f"netns add {other}")
    try:
        links.ip(
            "link add lan0 type veth peer name lan0 netns " + other,
            "link set lan0 up",
        )
        netns.ip("link set lan0 up", namespace=other)
        netns.ip("address add 2001:db8::5/64 dev lan0 nodad", namespace=other)
        links.ip("address add 2001:db8::5/64 dev lan0")
        async with asyncio.timeout(PATIENCE_S):
            while True:
                seen = (await links.observe()).addresses
                ours = [one for one in seen if str(one.interface) == "2001:db8::5/64"]
                assert all(one.tentative or one.duplicate for one in ours)
                if any(one.duplicate for one in ours):
                    break
                await asyncio.sleep(0.05)
    finally:
        netns.remove([other])


async def test_default_routes_of_other_tables_and_kinds_are_not_the_nodes(
    links: KernelWorld,
) -> None:
    links.add_link("lan0", MAC)
    links.add_address("lan0", "192.0.2.11/24")
    links.ip(
        "route add default via 192.0.2.3 table 100",
        "route add default via 192.0.2.4 table 1000",
        "route add unreachable default metric 4000",
        "route add default metric 50 nexthop via 192.0.2.1 nexthop via 192.0.2.2",
        "route add default via inet6 fe80::1 dev lan0 metric 70",
    )
    seen = sorted((r.metric, str(r.gateway)) for r in (await links.observe()).default_routes)
    assert seen == [(50, "192.0.2.1"), (50, "192.0.2.2"), (70, "fe80::1")]


async def test_a_dump_of_many_datagrams_is_whole(links: KernelWorld) -> None:
    links.add_link("lan0", MAC)
    links.ip(*(f"address add 198.18.{n // 250}.{n % 250 + 1}/32 dev lan0" for n in range(1000)))
    links.ip(*(f"route add 203.0.113.{n}/32 dev lan0" for n in range(200)))
    links.ip("route add default dev lan0")
    seen = await links.observe()
    assert len({str(a.interface) for a in seen.addresses if a.interface.version == 4}) >= 1000
    assert [(r.gateway, r.metric) for r in seen.default_routes] == [(None, 0)]
