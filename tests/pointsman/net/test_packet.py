"""Packet sockets on a real kernel: what is queued, what is refused, and what a link does."""

import errno
import select
import time
from collections.abc import Iterator

import pytest

from lab.network import netns
from pointsman.net.packet import AT_ONCE, GONE, PacketSocket, Program
from pointsman.wire.ethernet import ETH_P_IPV6
from tests.pointsman.net.wires import (
    EVERYTHING,
    FAR_MAC,
    NEAR_MAC,
    NOTHING,
    OTHERS_FRAMES,
    Cable,
    cable,
    plug,
)

pytestmark = pytest.mark.lab
FRAME = NEAR_MAC + FAR_MAC + b"\x08\x06" + b"a question".ljust(28, b"\0")
TOO_LONG: Program = ((0x06, 0, 0, 0xFFFF_FFFF),) * 5000  # BPF_MAXINSNS is 4096


@pytest.fixture
def wires() -> Iterator[Cable]:
    with cable() as made:
        yield made


def arrived(sock: PacketSocket, *, within_s: float = 5.0) -> list[bytes]:
    select.select([sock], [], [], within_s)
    return sock.drain().frames


def test_a_frame_arrives_whole_and_so_does_the_answer(wires: Cable) -> None:
    near, far = wires.packets("near"), wires.packets("far")
    assert far.send(FRAME)
    assert arrived(near) == [FRAME]
    answer = FAR_MAC + NEAR_MAC + FRAME[12:]
    assert near.send(answer)
    assert arrived(far) == [answer]


def test_another_protocol_is_not_heard(wires: Cable) -> None:
    near, far = wires.packets("near", (EVERYTHING,), ETH_P_IPV6), wires.packets("far")
    other = wires.packets("near")
    assert far.send(FRAME)
    assert arrived(other) == [FRAME]
    assert [frame for frame in near.drain().frames if frame == FRAME] == []


def test_a_filter_is_replaced_and_one_that_is_refused_leaves_it(wires: Cable) -> None:
    near, far = wires.packets("near", (NOTHING,)), wires.packets("far")
    assert far.send(FRAME)
    assert near.filter((TOO_LONG, OTHERS_FRAMES)) == 1, "the second is the first that fits"
    assert far.send(FRAME)
    assert arrived(near) == [FRAME], "the one before it was filtered"
    with pytest.raises(OSError) as refused:
        near.filter((TOO_LONG,))
    assert refused.value.errno in (errno.EINVAL, errno.ENOMEM)
    assert far.send(FRAME)
    assert arrived(near) == [FRAME]


def test_one_wake_reads_so_many_and_leaves_the_rest(wires: Cable) -> None:
    near, far = wires.packets("near"), wires.packets("far")
    for _ in range(AT_ONCE + 3):
        assert far.send(FRAME)
    select.select([near], [], [], 5)
    first = near.drain()
    assert (len(first.frames), first.more) == (AT_ONCE, True)
    second = near.drain()
    assert (len(second.frames), second.more) == (3, False)


def test_frames_that_find_the_buffer_full_are_counted(wires: Cable) -> None:
    near, far = wires.packets("near"), wires.packets("far")
    sent = 0
    while near.dropped == 0 and sent < 100_000:
        for _ in range(1000):
            sent += far.send(FRAME)
    before = near.dropped
    assert before > 0
    assert near.dropped == before, "the kernel's counter starts again, ours does not"


def test_a_link_that_went_down_is_said_and_the_socket_lives_on(wires: Cable) -> None:
    near, far = wires.packets("near"), wires.packets("far")
    wires.ip("link set near down")
    select.select([near], [], [], 5)
    assert near.drain().down
    assert near.send(FRAME) is False
    wires.ip("link set near up", "link set near address 02:00:00:00:00:0c")
    until = time.monotonic() + 5
    while not (got := arrived(near, within_s=0.2)) and time.monotonic() < until:
        far.send(FRAME)
    assert got[0] == FRAME


def test_a_link_that_is_gone_is_an_error_and_its_successor_needs_another_socket(
    wires: Cable,
) -> None:
    near = wires.packets("near")
    wires.ip("link del near")
    plug(wires.namespace)
    with pytest.raises(OSError) as gone:
        near.send(FRAME)
    assert gone.value.errno in GONE
    again, far = wires.packets("near"), wires.packets("far")
    assert again.index != near.index
    assert far.send(FRAME)
    assert arrived(again) == [FRAME]


def test_a_name_that_belongs_to_another_interface_by_now_is_refused(wires: Cable) -> None:
    wires.ip("link set near name before")
    index = wires.index("before")
    with pytest.raises(OSError) as refused, netns.entered(wires.namespace):
        PacketSocket("far", index, ETH_P_IPV6, (EVERYTHING,))
    assert refused.value.errno == errno.ENODEV
