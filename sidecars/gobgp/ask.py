"""Asking a router ourselves what gobgpd heard and does not tell.

Two questions, both rare: which NOTIFICATION refuses our OPEN (gobgpd reads past it where it
waits for an OPEN, 4.8), and whether anybody is at an address where connecting times out. A
session never comes of it: no KEEPALIVE is sent. It is asked while gobgpd's own session with
that router is switched off.
"""

from __future__ import annotations

import asyncio
import socket as sockets
import struct
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_address
from typing import Final

from pointsman.gobgp_api import gobgp_pb2 as pb

PATIENCE_S: Final = 3.0
DISCARD: Final = 9  # a port on which nobody listens: whoever is there refuses (RFC 863)
OPEN, NOTIFICATION = 1, 3  # RFC 4271 section 4.1
HEADER: Final = struct.Struct("!16sHB")
LARGEST: Final = 4096
AS_TRANS: Final = 23_456  # RFC 6793 section 9
CAPABILITIES: Final = 2  # optional parameter: RFC 5492 section 4
TCP_MD5SIG: Final = 14  # linux/tcp.h
IP_MINTTL, IPV6_MINHOPCOUNT = 21, 73  # linux/in.h, linux/in6.h


@dataclass(frozen=True, slots=True)
class Refusal:
    """A NOTIFICATION that came instead of an OPEN, or after one."""

    code: int
    subcode: int


async def answers(address: str) -> bool | None:
    """Return whether anybody is at *address*; None: nothing came back.

    Raises:
        OSError: it is known to be out of reach.
    """
    family = sockets.AF_INET6 if ":" in address else sockets.AF_INET
    with sockets.socket(family, sockets.SOCK_STREAM) as raw:  # asyncio's own may lose the errno
        raw.setblocking(False)
        try:
            async with asyncio.timeout(PATIENCE_S + 1):  # the kernel gives up on a link after 3 s
                await asyncio.get_running_loop().sock_connect(raw, (address, DISCARD))
        except TimeoutError:
            return None
        except ConnectionRefusedError:
            return True
    return True


async def refusal(peer: pb.Peer, *, asn: int, router_id: str) -> Refusal | None:
    """Return the NOTIFICATION with which a router answers our OPEN; None: none came."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await _refusal(peer, asn, router_id)
    except (OSError, TimeoutError, asyncio.IncompleteReadError, ValueError):
        return None


async def _refusal(peer: pb.Peer, asn: int, router_id: str) -> Refusal | None:
    ours = peer.conf.local_asn or asn
    with _socket(peer, ours) as raw:
        target = (peer.conf.neighbor_address, peer.transport.remote_port or 179)
        await asyncio.get_running_loop().sock_connect(raw, target)
        reader, writer = await asyncio.open_connection(sock=raw)
        try:
            writer.write(opening(peer, ours, router_id))
            while True:
                _, length, kind = HEADER.unpack(await reader.readexactly(HEADER.size))
                body = await reader.readexactly(min(length, LARGEST) - HEADER.size)
                if kind == NOTIFICATION:
                    return Refusal(body[0], body[1]) if len(body) >= 2 else None
                if kind != OPEN:
                    return None  # a KEEPALIVE: we would be welcome
        finally:
            writer.close()


def opening(peer: pb.Peer, ours: int, router_id: str) -> bytes:
    """Return an OPEN like gobgpd's: RFC 4271 section 4.2."""
    offered = b"".join(
        struct.pack("!BBHBB", 1, 4, one.config.family.afi, 0, one.config.family.safi)
        for one in peer.afi_safis
    )
    offered += struct.pack("!BB", 2, 0) + struct.pack("!BBI", 65, 4, ours)
    parameters = struct.pack("!BB", CAPABILITIES, len(offered)) + offered
    hold = peer.timers.config.hold_time
    short = ours if ours <= 0xFFFF else AS_TRANS
    identifier = IPv4Address(router_id).packed
    body = struct.pack("!BHH4sB", 4, short, hold, identifier, len(parameters)) + parameters
    return HEADER.pack(b"\xff" * 16, HEADER.size + len(body), OPEN) + body


def _socket(peer: pb.Peer, ours: int) -> sockets.socket:
    """Return a socket as gobgpd would dial from: source, password, hops."""
    there = ip_address(peer.conf.neighbor_address)
    six = there.version == 6
    made = sockets.socket(sockets.AF_INET6 if six else sockets.AF_INET, sockets.SOCK_STREAM)
    try:
        made.setblocking(False)
        ip, ttl, least = (
            (sockets.IPPROTO_IPV6, sockets.IPV6_UNICAST_HOPS, IPV6_MINHOPCOUNT)
            if six
            else (sockets.IPPROTO_IP, sockets.IP_TTL, IP_MINTTL)
        )
        if peer.ttl_security.enabled:
            made.setsockopt(ip, ttl, 255)
            made.setsockopt(ip, least, peer.ttl_security.ttl_min)
        elif peer.conf.peer_asn != ours:
            far = peer.ebgp_multihop.multihop_ttl if peer.ebgp_multihop.enabled else 1
            made.setsockopt(ip, ttl, far)
        if peer.conf.auth_password:
            made.setsockopt(
                sockets.IPPROTO_TCP,
                TCP_MD5SIG,
                md5_key(peer.conf.neighbor_address, peer.conf.auth_password),
            )
        source = peer.transport.local_address
        if source and not ip_address(source).is_unspecified:
            made.bind((source, 0))
    except BaseException:
        made.close()
        raise
    return made


def md5_key(address: str, password: str) -> bytes:
    """Return struct tcp_md5sig: linux/tcp.h."""
    there = ip_address(address)
    family = sockets.AF_INET6 if there.version == 6 else sockets.AF_INET
    # sockaddr_in has the address behind the port, sockaddr_in6 behind port and flow label.
    place = there.packed if there.version == 4 else bytes(4) + there.packed
    storage = struct.pack("=HH", family, 0) + place
    key = password.encode()
    return struct.pack("=128sBBHi80s", storage, 0, 0, len(key), 0, key)
