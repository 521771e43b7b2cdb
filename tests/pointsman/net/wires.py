"""A cable between two interfaces in a namespace of their own, for frames that go nowhere else."""

import contextlib
import fcntl
import itertools
import os
import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lab.network import netns
from pointsman.net.packet import PacketSocket, Program
from pointsman.wire.ethernet import ETH_P_ARP

EVERYTHING: Program = ((0x06, 0, 0, 0xFFFF_FFFF),)  # BPF_RET: the whole frame
NOTHING: Program = ((0x06, 0, 0, 0),)
# linux/filter.h: SKF_AD_OFF + SKF_AD_PKTTYPE; linux/if_packet.h: PACKET_OUTGOING is 4.
OTHERS_FRAMES: Program = (
    (0x30, 0, 0, 0xFFFF_F000 + 4),
    (0x15, 0, 1, 4),
    (0x06, 0, 0, 0),
    (0x06, 0, 0, 0xFFFF_FFFF),
)
SIOCGIFFLAGS, IFF_RUNNING = 0x8913, 0x40  # linux/sockios.h, linux/if.h
NEAR_MAC, FAR_MAC = bytes.fromhex("02000000000a"), bytes.fromhex("02000000000b")
_numbers = itertools.count()


@dataclass
class Cable:
    """`near` and `far`, up, with IPv6 on both."""

    namespace: str
    open: contextlib.ExitStack  # what is closed with it

    def ip(self, *commands: str) -> None:
        netns.ip(*commands, namespace=self.namespace)

    def packets(
        self, name: str, programs: tuple[Program, ...] = (OTHERS_FRAMES,), protocol: int = ETH_P_ARP
    ) -> PacketSocket:
        with netns.entered(self.namespace):
            made = PacketSocket(name, socket.if_nametoindex(name), protocol, programs)
        self.open.callback(made.close)
        return made

    def index(self, name: str) -> int:
        with netns.entered(self.namespace):
            return socket.if_nametoindex(name)

    def memberships(self, name: str) -> set[str]:
        """Return the IPv6 groups that the kernel lists for *name*, as 32 digits."""
        with netns.entered(self.namespace):
            lines = Path("/proc/thread-self/net/igmp6").read_text().splitlines()
        return {line.split()[2] for line in lines if line.split()[1] == name}


@contextlib.contextmanager
def cable() -> Iterator[Cable]:
    namespace = f"pmwires-{os.getpid()}-{next(_numbers)}"
    netns.ip(f"netns add {namespace}")
    try:
        quiet = "net.ipv6.conf.default.dad_transmits"
        netns.sysctl(namespace, {quiet: 0})
        plug(namespace)
        with contextlib.ExitStack() as open_sockets:
            yield Cable(namespace, open_sockets)
    finally:
        netns.remove([namespace])


def _wait_until_it_carries(namespace: str) -> None:
    """Wait for the kernel's own queue: what is sent in the first milliseconds is lost."""
    until = time.monotonic() + 60
    with netns.entered(namespace), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        for name in ("near", "far"):
            request = struct.pack("16sH14x", name.encode(), 0)
            while True:
                flags = struct.unpack_from("H", fcntl.ioctl(any_socket, SIOCGIFFLAGS, request), 16)
                if flags[0] & IFF_RUNNING:
                    break
                assert time.monotonic() < until, f"{name} never came up"
                time.sleep(0.01)


def plug(namespace: str) -> None:
    netns.ip(
        f"link add near address {NEAR_MAC.hex(':')} type veth peer name far",
        f"link set far address {FAR_MAC.hex(':')} up",
        "link set near up",
        namespace=namespace,
    )
    _wait_until_it_carries(namespace)
