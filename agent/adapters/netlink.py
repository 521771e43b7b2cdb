"""The node's links, addresses and default routes, from the kernel. No capability needed.

Two sockets: one hears that something changed, one asks what is there. A notification is
only a reason to look: what is reported is always a whole dump, so a lost, repeated or
overrun notification can't leave a wrong picture, and there is no table here to go stale.
"""

import asyncio
import errno
import os
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress

from agent.adapters import rtnetlink as nl
from agent.adapters.arp_sysctls import arp_rules
from agent.snapshot import ArpRules, DefaultRoute, Link, LinkAddress, Network
from pointsman.net.packet import attach
from pointsman.runtime.target import Unavailable

RECEIVE_OCTETS = 1 << 16  # a dump comes in datagrams of 32 KiB at most
SETTLE_S = 0.5  # how long consequences may lag behind the notification of their cause
ROUNDS = 10  # a dump that is interrupted more often than that is a node in turmoil

Open = Callable[[], socket.socket]


def rtnetlink_socket() -> socket.socket:
    """Return a socket that belongs for ever to the caller's network namespace."""
    kind = socket.SOCK_RAW | socket.SOCK_NONBLOCK
    return socket.socket(socket.AF_NETLINK, kind, socket.NETLINK_ROUTE)


class KernelNetwork:
    """The port ``Links`` on a real kernel."""

    def __init__(self, open_socket: Open = rtnetlink_socket, *, dump_s: float = 5.0) -> None:
        self._open, self._dump_s = open_socket, dump_s

    async def watch(self, wake: Callable[[], None]) -> None:
        """Call *wake* once the subscription stands, then after every change, for ever."""
        with self._open() as heard:
            _ignore_other_routes(heard)
            heard.bind((0, nl.GROUPS))
            loop = asyncio.get_running_loop()
            readable = asyncio.Event()
            loop.add_reader(heard, readable.set)
            second_look_s: float | None = None
            try:
                wake()
                while True:
                    readable.clear()  # before emptying the socket: it may be set for nothing
                    if _drained(heard):
                        wake()
                        # An IPv4 route that falls with its address goes after the
                        # address was announced gone, and unannounced itself.
                        second_look_s = loop.time() + SETTLE_S
                    elif second_look_s is not None and loop.time() >= second_look_s:
                        wake()
                        second_look_s = None
                    with suppress(TimeoutError):
                        async with asyncio.timeout_at(second_look_s):
                            await readable.wait()
            finally:
                loop.remove_reader(heard)

    async def observe(self) -> Network:
        """Return what the kernel has now.

        Raises:
            Unavailable: it changed under every attempt, or didn't answer in time.
        """
        try:
            async with asyncio.timeout(self._dump_s):
                with self._open() as asked:
                    asked.bind((0, 0))
                    return await _whole(asked)
        except TimeoutError as error:
            raise Unavailable(f"the kernel listed no links within {self._dump_s:g} s") from error
        except OSError as error:
            if error.errno not in (errno.ENOBUFS, errno.ENOMEM, errno.EMFILE, errno.ENFILE):
                raise
            raise Unavailable(f"the kernel did not list links: {error.strerror}") from error


async def _whole(asked: socket.socket) -> Network:
    links: list[Link] = []
    addresses: list[LinkAddress] = []
    routes: list[DefaultRoute] = []
    sequence = 0
    # Routes last: an IPv4 default route goes with its link, and unannounced.
    for body in await _dump(asked, nl.RTM_GETLINK, sequence := sequence + ROUNDS):
        links.append(nl.link(body))
    for body in await _dump(asked, nl.RTM_GETADDR, sequence := sequence + ROUNDS):
        if found := nl.address(body):
            addresses.append(found)
    for family in (nl.AF_INET, nl.AF_INET6):
        sequence += ROUNDS
        for body in await _dump(asked, nl.RTM_GETROUTE, sequence, family=family):
            routes.extend(nl.default_routes(body))
    return Network(tuple(links), tuple(addresses), tuple(routes), _arp(links, addresses))


def _arp(links: list[Link], addresses: list[LinkAddress]) -> Mapping[str, ArpRules]:
    """Return how strict the kernel is on the interfaces with an IPv4 network: not on each Pod's."""
    at = {
        one.link
        for one in addresses
        if one.interface.version == 4 and one.interface.network.prefixlen < 32
    }
    return arp_rules(sorted(link.name for link in links if link.index in at and not link.loopback))


async def _dump(
    asked: socket.socket, kind: int, first_sequence: int, *, family: int = 0
) -> list[bytes]:
    """Return the bodies of one complete, uninterrupted dump."""
    loop = asyncio.get_running_loop()
    for sequence in range(first_sequence, first_sequence + ROUNDS):
        asked.send(nl.dump_request(kind, sequence, family=family))
        bodies: list[bytes] = []
        consistent, done = True, False
        while not done:
            datagram = await loop.sock_recv(asked, RECEIVE_OCTETS)
            for message in nl.messages(datagram):
                if message.sequence != sequence:
                    continue  # the rest of a dump we gave up
                consistent &= not message.flags & nl.NLM_F_DUMP_INTR
                if message.type in (nl.NLMSG_DONE, nl.NLMSG_ERROR):
                    if message.errno:
                        raise OSError(message.errno, os.strerror(message.errno))
                    done = True
                    break
                # A reply's type is its request's less two (rtnetlink(7)).
                if message.type == kind - 2:
                    bodies.append(message.body)
        if consistent:
            return bodies
    raise Unavailable(f"the node's network changed during each of {ROUNDS} listings")


def _drained(heard: socket.socket) -> bool:
    """Empty the socket; True if there was anything, an overrun included (netlink(7))."""
    any_news = False
    for _ in range(1000):  # then let others run; what is left makes it readable again
        try:
            heard.recv(1)  # the content doesn't matter
        except BlockingIOError:
            break
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise
            # Notifications were lost, the subscription wasn't: look again, that's all.
        any_news = True
    return any_news


def _ignore_other_routes(heard: socket.socket) -> None:
    """Let every notification through but those of routes that aren't default routes.

    A node that carries the Internet's table would be woken for each of its changes.
    Classic BPF loads big-endian, netlink is host-endian: hence htons.
    Source: linux/filter.h; offset 4 is the message's type, 17 the destination's length.
    """
    load_half, load_octet, if_equal, leave = 0x28, 0x30, 0x15, 0x06
    program = (
        (load_half, 0, 0, 4),
        (if_equal, 1, 0, socket.htons(nl.RTM_NEWROUTE)),
        (if_equal, 0, 2, socket.htons(nl.RTM_DELROUTE)),
        (load_octet, 0, 0, 17),
        (if_equal, 0, 1, 0),
        (leave, 0, 0, 0xFFFF_FFFF),
        (leave, 0, 0, 0),
    )
    attach(heard, program)
