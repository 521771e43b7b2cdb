"""When routes came into the router's kernel, as netlink told it: nobody polls ten thousand of them.

Run as a program in the router's namespace it prints when the first route of the block came, and
when there were COUNT routes with HOPS next hops each; then it ends. `KernelRoutes` runs it so.
"""

import socket
import struct
import sys
import time
from collections.abc import Iterator
from typing import Final

from lab.handle import Lab
from tests.bench.router_program import LISTENING, RouterProgram

SO_RCVBUFFORCE: Final = 33  # asm-generic/socket.h; Python has no name for it
RTMGRP_IPV4_ROUTE: Final = 0x40  # linux/rtnetlink.h, as the rest
RTM_NEWROUTE, RTM_DELROUTE = 24, 25
RTA_DST, RTA_GATEWAY, RTA_MULTIPATH = 1, 5, 9
FIRST, ALL = "first", "all"
BLOCK: Final = bytes([198])  # of 198.18.0.0/15: nothing else in the lab begins so


def attributes(octets: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the attributes of a netlink message, each 4-aligned (linux/rtnetlink.h)."""
    while len(octets) >= 4:
        length, kind = struct.unpack_from("HH", octets)
        yield kind, octets[4:length]
        octets = octets[(length + 3) // 4 * 4 :]


def next_hops(octets: bytes) -> int:
    """Return how many next hops an RTA_MULTIPATH has."""
    found = 0
    while len(octets) >= 8:
        (length,) = struct.unpack_from("H", octets)
        found += 1
        octets = octets[(length + 3) // 4 * 4 :]
    return found


def watch(count: int, hops: int) -> None:
    """Print nanoseconds of the wall clock at the first route and at the last of *count*."""
    complete: set[bytes] = set()
    first = True
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as news:
        news.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 256 << 20)
        news.bind((0, RTMGRP_IPV4_ROUTE))
        print(LISTENING, flush=True)
        while len(complete) < count:
            data = news.recv(1 << 18)
            while len(data) >= 16:
                length, kind = struct.unpack_from("IH", data)
                if kind in (RTM_NEWROUTE, RTM_DELROUTE):
                    found = dict(attributes(data[28:length]))
                    prefix = found.get(RTA_DST, b"")
                    if prefix.startswith(BLOCK):
                        if first:
                            print(FIRST, time.time_ns(), flush=True)
                            first = False
                        single = int(RTA_GATEWAY in found)
                        there = (
                            next_hops(found[RTA_MULTIPATH]) if RTA_MULTIPATH in found else single
                        )
                        whole = kind == RTM_NEWROUTE and there == hops
                        (complete.add if whole else complete.discard)(prefix)
                data = data[(length + 3) // 4 * 4 :]
        print(ALL, time.time_ns(), flush=True)


class KernelRoutes(RouterProgram):
    """A context that hears of the routes of the router's kernel."""

    def __init__(self, lab: Lab, count: int, *, hops: int) -> None:
        super().__init__(lab, "tests.bench.kernel_routes", str(count), str(hops))

    def times_ns(self) -> tuple[int, int]:
        """Return when the first route came and when all were there; waits for that."""
        found = {}
        for word in (FIRST, ALL):
            text, at = self.lines.readline().split()
            assert text == word
            found[word] = int(at)
        return found[FIRST], found[ALL]


if __name__ == "__main__":
    watch(int(sys.argv[1]), int(sys.argv[2]))
