"""UPDATEs as they reach the router's interface, each with the kernel's own timestamp.

Run as a program in the router's namespace it prints one line for each path that an UPDATE
of the manager's announces or withdraws; `Updates` runs it so and keeps what it says. It
understands IPv4 unicast with ADD-PATH, and segments that come in order, as they do between
namespaces; what it cannot put together it passes over until a message begins a segment.
"""

import socket
import struct
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from ipaddress import IPv4Address
from typing import Final, Self

from e2e.cluster import MANAGER
from lab.handle import Lab
from tests.bench.router_program import LISTENING, RouterProgram

ETH_P_IP: Final = 0x0800
SO_TIMESTAMPNS: Final = 35  # linux/asm-generic/socket.h; Python has no name for it
SO_RCVBUFFORCE: Final = 33  # asm-generic/socket.h
MARKER: Final = b"\xff" * 16  # RFC 4271 section 4.1
HEADER: Final = 19
UPDATE: Final = 2
PATIENCE_S: Final = 60.0


def changes(message: bytes) -> Iterator[tuple[str, str]]:
    """Yield ("+" or "-", prefix) for what an UPDATE says (RFC 4271 section 4.3)."""
    (withdrawn,) = struct.unpack_from("!H", message, 19)
    (attributes,) = struct.unpack_from("!H", message, 21 + withdrawn)
    for prefix in _prefixes(message[21 : 21 + withdrawn]):
        yield "-", prefix
    for prefix in _prefixes(message[23 + withdrawn + attributes :]):
        yield "+", prefix


class Stream:
    """The BGP messages of one TCP connection, segment by segment."""

    def __init__(self) -> None:
        self._rest = b""
        self._expected: int | None = None  # sequence number of the next segment

    def messages(self, number: int, payload: bytes) -> Iterator[bytes]:
        """Yield the messages that *payload* completes; *number*: its first octet's (RFC 9293)."""
        if number != self._expected:
            self._rest = b""  # something was lost, or sent again
        self._expected = (number + len(payload)) % 2**32
        payload = self._rest + payload
        while payload.startswith(MARKER) and len(payload) >= HEADER:
            (length,) = struct.unpack_from("!H", payload, 16)
            if len(payload) < length:
                break
            yield payload[:length]
            payload = payload[length:]
        self._rest = payload if payload.startswith(MARKER[: len(payload)]) else b""


def _prefixes(octets: bytes) -> Iterator[str]:
    while octets:
        bits = octets[4]  # after the path identifier, RFC 7911 section 3
        size = (bits + 7) // 8
        address = IPv4Address(octets[5 : 5 + size].ljust(4, b"\0"))
        yield f"{address}/{bits}"
        octets = octets[5 + size :]


def watch(speaker: str) -> None:
    """Print what UPDATEs of *speaker* say, until killed: nanoseconds, verb, prefix."""
    source = IPv4Address(speaker).packed
    streams: defaultdict[bytes, Stream] = defaultdict(Stream)
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_IP)) as wire:
        wire.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        wire.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 256 << 20)
        print(LISTENING, flush=True)
        while True:
            frame, ancillary, _, _ = wire.recvmsg(1 << 18, 64)
            packet = frame[14:]
            if packet[9] != socket.IPPROTO_TCP or packet[12:16] != source:
                continue
            segment = packet[4 * (packet[0] & 15) : int.from_bytes(packet[2:4])]
            payload = segment[4 * (segment[12] >> 4) :]
            if not payload:
                continue
            seconds, nanoseconds = struct.unpack("qq", ancillary[0][2])
            stream = streams[packet[16:20] + segment[:4]]
            lines = [
                f"{seconds * 10**9 + nanoseconds} {verb} {prefix}"
                for message in stream.messages(int.from_bytes(segment[4:8]), payload)
                if message[18] == UPDATE
                for verb, prefix in changes(message)
            ]
            if lines:
                print(*lines, sep="\n", flush=True)


class Updates(RouterProgram):
    """A context that hears the manager's UPDATEs at the router."""

    def __init__(self, lab: Lab) -> None:
        super().__init__(lab, "tests.bench.updates", MANAGER)
        self._heard: dict[tuple[str, str], list[int]] = {}
        self._times: defaultdict[str, list[int]] = defaultdict(list)
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> Self:
        super().__enter__()
        self._reader.start()
        return self

    def _ended(self) -> None:
        self._reader.join()

    def first(self, verb: str, prefix: str, *, since_ns: int) -> int:
        """Return when *prefix* was first announced ("+") or withdrawn ("-") after *since_ns*.

        Raises:
            TimeoutError: it was not.
        """
        until = time.monotonic() + PATIENCE_S
        with self._news:
            while True:
                for at in self._heard.get((verb, prefix), ()):
                    if at >= since_ns:
                        return at
                if not self._news.wait(until - time.monotonic()):
                    raise TimeoutError(f"no UPDATE {verb}{prefix} within {PATIENCE_S:g} s")

    def nth(self, verb: str, count: int) -> int:
        """Return when the last of *count* paths was announced or withdrawn since `forget`.

        Raises:
            TimeoutError: so many were not.
        """
        until = time.monotonic() + PATIENCE_S
        with self._news:
            while len(self._times[verb]) < count:
                if not self._news.wait(until - time.monotonic()):
                    raise TimeoutError(f"{len(self._times[verb])} paths {verb}, not {count}")
            return self._times[verb][count - 1]

    def forget(self) -> None:
        """Forget what was heard so far: what comes is found the sooner."""
        with self._news:
            self._heard.clear()
            self._times.clear()

    def _read(self) -> None:
        for line in self.lines:
            at, verb, prefix = line.split()
            with self._news:
                self._heard.setdefault((verb, prefix), []).append(int(at))
                self._times[verb].append(int(at))
                self._news.notify_all()


if __name__ == "__main__":
    watch(sys.argv[1])
