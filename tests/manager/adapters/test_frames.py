"""The manager's packet sockets on a real kernel: what is read of the host, and what is answered."""

import asyncio
import ctypes
import os
import subprocess
from collections.abc import Callable, Iterator
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

import pytest

from lab.network import netns
from lab.parts import tool
from manager.adapters.frames import NO_RIGHT, HostFrames
from manager.central.driver import CentralDriver
from manager.ports import HostInterface
from pointsman.model.address import Address
from pointsman.net.packet import PacketSocket
from pointsman.runtime.target import Unavailable
from pointsman.wire.ethernet import ETH_P_ARP, ETH_P_IPV6
from tests.pointsman.net.wires import EVERYTHING, FAR_MAC, NEAR_MAC, Cable, cable
from tests.pointsman.responder.bench import BOTH, LOWER, V4, V6, parsed, question, says

pytestmark = pytest.mark.lab
NODE = LOWER
WAIT_S = 60.0


class Leads:
    """A leader whose lease says so."""

    leading = True

    async def confirm(self) -> bool:
        return True


@pytest.fixture
def wires() -> Iterator[Cable]:
    with cable() as made:
        made.ip("addr add 192.0.2.3/24 dev near", "addr add 2001:db8::3/64 dev near")
        yield made


def read(wires: Cable) -> list[HostInterface]:
    with netns.entered(wires.namespace):
        return list(HostFrames().interfaces())


def test_interfaces_come_with_their_address_and_subnets(wires: Cable) -> None:
    (near,) = read(wires)
    assert (near.name, near.index, near.mac) == ("near", wires.index("near"), NEAR_MAC)
    assert set(near.subnets) == {IPv4Network("192.0.2.0/24"), IPv6Network("2001:db8::/64")}
    wires.ip("route add 198.51.100.0/24 via 192.0.2.1", "route add default via 192.0.2.1")
    assert read(wires) == [near]  # behind a gateway nobody asks by ARP
    wires.ip("addr add 10.9.0.1/22 dev near", "addr del 2001:db8::3/64 dev near")
    assert set(read(wires)[0].subnets) == {IPv4Network("192.0.2.0/24"), IPv4Network("10.9.0.0/22")}


def test_an_interface_whose_name_is_no_text_hides_no_other(wires: Cable) -> None:
    """A kernel takes any octets; nobody can bind to these by name."""
    add = "link", "add", "n\udce9\udcff", "type", "bridge"
    up = "link", "set", add[2], "up"
    addresses = [("addr", "add", one, "dev", add[2]) for one in ("10.9.0.1/24", "2001:db8:9::1/64")]
    with netns.entered(wires.namespace):
        for words in (add, up, *addresses):
            subprocess.run([tool("ip", "iproute2"), *words], check=True)
    assert [one.name for one in read(wires)] == ["near"]


def heard_by(sock: PacketSocket, wanted: Callable[[bytes], bool]) -> Callable[[], list[bytes]]:
    def look() -> list[bytes]:
        return [frame for frame in sock.drain().frames if wanted(frame)]

    return look


async def eventually(look: Callable[[], list[bytes]], ask: Callable[[], object]) -> list[bytes]:
    """Ask until something is heard: a group is joined a moment after the socket is there."""
    async with asyncio.timeout(WAIT_S):
        while True:
            ask()
            for _ in range(20):
                await asyncio.sleep(0.01)
                if found := look():
                    return found


@pytest.mark.parametrize("address", BOTH)
def test_a_question_on_the_wire_is_answered_with_the_nodes_address(
    wires: Cable, address: Address
) -> None:
    protocol = ETH_P_ARP if address.version == 4 else ETH_P_IPV6
    far = wires.packets("far", (EVERYTHING,), protocol)

    def is_answer(frame: bytes) -> bool:
        return frame[:12] == FAR_MAC + NEAR_MAC

    async def scene() -> bytes:
        loop = asyncio.get_running_loop()
        with netns.entered(wires.namespace):
            driver = CentralDriver(HostFrames(), Leads(), now_s=loop.time)
            driver.follow(dict.fromkeys((V4, V6), NODE))
            task = asyncio.create_task(driver.run())
            frames = await eventually(
                heard_by(far, is_answer), lambda: far.send(question(address, mac=FAR_MAC))
            )
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        return frames[0]

    answer = asyncio.run(scene())
    assert says(answer) == ("reply", address, NODE)
    assert parsed(answer).source == NEAR_MAC


def test_the_solicited_group_is_joined_and_left(wires: Cable) -> None:
    group = "ff0200000000000000000001ff000100"

    async def scene() -> list[bool]:
        with netns.entered(wires.namespace):
            (near,) = HostFrames().interfaces()
            sock = HostFrames().open(near, lambda _: [])
            seen = []
            for addresses in (frozenset({V6}), frozenset[Address]()):
                sock.listen(addresses)
                seen.append(group in wires.memberships("near"))
            sock.close()
        return seen

    assert asyncio.run(scene()) == [True, False]


def test_an_interface_that_is_deleted_is_noticed(wires: Cable) -> None:
    async def scene() -> None:
        with netns.entered(wires.namespace):
            (near,) = HostFrames().interfaces()
            sock = HostFrames().open(near, lambda _: [])
            wires.ip("link del near")
            async with asyncio.timeout(WAIT_S):
                while not sock.broken:
                    await asyncio.sleep(0.01)
            sock.close()
            with pytest.raises(Unavailable, match="interface near of this host"):
                HostFrames().open(near, lambda _: [])

    asyncio.run(scene())


def test_without_the_capability_the_sentence_says_what_to_do(wires: Cable) -> None:
    """In a child process: capabilities that were given away don't come back."""

    async def scene(report: int) -> None:
        with netns.entered(wires.namespace):
            (near,) = HostFrames().interfaces()
            drop_all_capabilities()
            try:
                HostFrames().open(near, lambda _: [])
            except Unavailable as error:
                os.write(report, str(error).encode())
            os._exit(0)  # back to its namespace it could not go

    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            asyncio.run(scene(writer))
        finally:
            os._exit(1)
    os.close(writer)
    with os.fdopen(reader) as found:
        assert found.read() == NO_RIGHT
    assert os.waitpid(child, 0)[1] == 0
    assert Path("deploy/patches/central.yaml").exists()


def drop_all_capabilities() -> None:
    """Give up every capability of this thread (capset(2), version 3)."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    nothing = (ctypes.c_uint32 * 6)()
    assert libc.capset(header, nothing) == 0, os.strerror(ctypes.get_errno())
