"""The sockets to an API server: when a silent one is given up, and when one is not read."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import aiohttp


def watchful(info: tuple[Any, ...]) -> socket.socket:
    """Return a socket whose peer's silent death shows within half a minute, idle or not."""
    opened = socket.socket(*info[:3])  # family, kind, protocol
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 10)
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5)
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 25_000)
    return opened


@contextmanager
def unread(response: aiohttp.ClientResponse) -> Iterator[None]:
    """Leave what comes meanwhile to the kernel: each segment that we are told of wakes us."""
    transport = response.connection.transport if response.connection else None
    if transport is None:  # the server has ended it
        yield
        return
    transport.pause_reading()
    try:
        yield
    finally:
        transport.resume_reading()
