"""Which ICMP message answers a connection instead, and who sends it: for a sentence.

"No route to host" is said of a host that isn't there, and of a packet that went in a circle.
Asked for by a connection of its own: a socket that keeps such messages ends by each of them.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import struct
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from lab.network import netns

# linux/in.h, linux/in6.h: keep what ICMP says of our packets.
IP_RECVERR: Final = 11
IPV6_RECVERR: Final = 25
# linux/errqueue.h, struct sock_extended_err: errno, origin, type, code, padding, info, data.
EXTENDED_ERR: Final = struct.Struct("@IBBBBII")
IPV4, IPV6 = 2, 3  # origins there: ICMP of which version
UNREACHABLE: Final = (errno.EHOSTUNREACH, errno.ENETUNREACH)
PATIENCE_S: Final = 2.0


def answering(namespace: str, address: str, port: int, *, own_port: int) -> str:
    """Return what a connection from *own_port* to *address* is answered, in brackets; "": nothing.

    From the same port it takes the same way.
    """
    family, level, option = socket.AF_INET, socket.IPPROTO_IP, IP_RECVERR
    if ":" in address:
        family, level, option = socket.AF_INET6, socket.IPPROTO_IPV6, IPV6_RECVERR
    with netns.entered(namespace):
        sock = socket.socket(family, socket.SOCK_STREAM)
    with sock, contextlib.suppress(OSError):
        sock.setsockopt(level, option, 1)
        sock.bind(("", own_port))
        sock.settimeout(PATIENCE_S)
        with contextlib.suppress(OSError):
            sock.connect((address, port))
        sock.settimeout(0)
        _, ancillary, _, _ = sock.recvmsg(0, 512, socket.MSG_ERRQUEUE)
        return next((words for _, _, data in ancillary if (words := message(data))), "")
    return ""


def message(data: bytes) -> str:
    """Return the words for a struct sock_extended_err and the address behind it; "": not ICMP."""
    if len(data) < EXTENDED_ERR.size + 8:
        return ""
    _, origin, kind, code, *_ = EXTENDED_ERR.unpack_from(data)
    rest = data[EXTENDED_ERR.size :]  # struct sockaddr_in or sockaddr_in6
    if origin == IPV4:
        return f" (ICMP type {kind}, code {code}, from {IPv4Address(rest[4:8])})"
    if origin == IPV6:
        return f" (ICMPv6 type {kind}, code {code}, from {IPv6Address(rest[8:24])})"
    return ""
