"""UPDATEs as they reach the router's interface, each with the kernel's own timestamp.

Run as a program in the router's namespace it prints one line for each prefix that an UPDATE
of the manager's announces or withdraws; `Updates` runs it so and keeps what it says. It
understands IPv4 unicast with ADD-PATH, messages that begin a segment or follow each other
in it, and no more: a few changes at a time, not a whole table.
"""

import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from ipaddress import IPv4Address
from types import TracebackType
from typing import Final, Self

from e2e.cluster import MANAGER
from lab.handle import Lab

ETH_P_IP: Final = 0x0800
SO_TIMESTAMPNS: Final = 35  # linux/asm-generic/socket.h; Python has no name for it
MARKER: Final = b"\xff" * 16  # RFC 4271 section 4.1
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


def messages(payload: bytes) -> Iterator[bytes]:
    """Yield the whole BGP messages in one TCP segment."""
    while payload.startswith(MARKER):
        (length,) = struct.unpack_from("!H", payload, 16)
        if len(payload) < length:
            return
        yield payload[:length]
        payload = payload[length:]


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
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_IP)) as wire:
        wire.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 20)
        print("listening", flush=True)
        while True:
            frame, ancillary, _, _ = wire.recvmsg(1 << 18, 64)
            packet = frame[14:]
            if packet[9] != socket.IPPROTO_TCP or packet[12:16] != source:
                continue
            segment = packet[4 * (packet[0] & 15) : int.from_bytes(packet[2:4])]
            payload = segment[4 * (segment[12] >> 4) :]
            seconds, nanoseconds = struct.unpack("qq", ancillary[0][2])
            for message in messages(payload):
                if message[18] == UPDATE:
                    for verb, prefix in changes(message):
                        print(seconds * 10**9 + nanoseconds, verb, prefix)
            sys.stdout.flush()


class Updates:
    """A context that hears the manager's UPDATEs at the router."""

    def __init__(self, lab: Lab) -> None:
        command = [sys.executable, "-m", "tests.bench.updates", MANAGER]
        self._command = lab.command("router", command)
        self._heard: dict[tuple[str, str], list[int]] = {}
        self._news = threading.Condition()

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self._lines = self._process.stdout
        assert self._lines.readline() == "listening\n"
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()
        self._lines.close()

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

    def _read(self) -> None:
        for line in self._lines:
            at, verb, prefix = line.split()
            with self._news:
                self._heard.setdefault((verb, prefix), []).append(int(at))
                self._news.notify_all()


if __name__ == "__main__":
    watch(sys.argv[1])
