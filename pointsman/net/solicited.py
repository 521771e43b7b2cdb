"""Solicited-node groups of one interface, joined so that switches with MLD snooping know it.

IPV6_JOIN_GROUP sends an MLD report and opens the interface's own filter; a packet socket's
membership does the second only, and then multicast solicitations do not arrive (measured).
A group keeps the low 24 bits of an address, so addresses share it: it is left with the last.
Needs no capability. Refuses to know what is received: nothing is ever read here.
"""

import errno
import socket
import struct
from collections import Counter
from collections.abc import Iterable
from ipaddress import IPv6Address
from typing import Final

from pointsman.wire.ndp import solicited_node_group

# One socket takes 2,340 groups, or 365 where optmem_max is small (measured); then another does.
FULL: Final = frozenset({errno.ENOMEM, errno.ENOBUFS})
_MEMBERSHIP: Final = struct.Struct("@16sI")  # struct ipv6_mreq: group, interface index


class SolicitedNodeGroups:
    """The groups joined on the interface of *index*."""

    def __init__(self, index: int) -> None:
        self._index = index
        self.sockets: list[socket.socket] = []
        self._joined: dict[IPv6Address, socket.socket] = {}  # by group
        self._addresses: frozenset[IPv6Address] = frozenset()

    @property
    def joined(self) -> frozenset[IPv6Address]:
        """Return the groups that are joined now."""
        return frozenset(self._joined)

    def follow(self, addresses: Iterable[IPv6Address]) -> OSError | None:
        """Be in the groups of *addresses*, and in no other; return what the last refusal was.

        None: all are joined. What was refused is tried again by the next call.
        """
        wanted = Counter(map(solicited_node_group, addresses))
        for group in self._joined.keys() - wanted.keys():
            self._leave(group)
        refused: OSError | None = None
        for group in wanted.keys() - self._joined.keys():
            try:
                self._joined[group] = self._join(group)
            except OSError as error:
                refused = error
        return refused

    def close(self) -> None:
        """Leave all: the kernel does it for sockets that close."""
        for sock in self.sockets:
            sock.close()
        self.sockets.clear()
        self._joined.clear()

    def _join(self, group: IPv6Address) -> socket.socket:
        membership = _MEMBERSHIP.pack(group.packed, self._index)
        for sock in reversed(self.sockets):
            try:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, membership)
            except OSError as error:
                if error.errno not in FULL:
                    raise
            else:
                return sock
        made = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        try:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, membership)
        except OSError:
            made.close()
            raise
        self.sockets.append(made)
        return made

    def _leave(self, group: IPv6Address) -> None:
        sock = self._joined.pop(group)
        membership = _MEMBERSHIP.pack(group.packed, self._index)
        try:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_LEAVE_GROUP, membership)
        except OSError as error:
            # It went with the interface, or with IPv6 on it.
            if error.errno not in (errno.EADDRNOTAVAIL, errno.ENODEV, errno.ENXIO):
                raise
