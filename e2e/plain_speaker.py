"""A BGP speaker that says what it is told to: `python -m e2e.plain_speaker --neighbor …`.

It opens one IPv4 session, keeps it alive, and prints a line with the kind of each message that
it hears, and "end" when the connection ends. Each line on its standard input is one write to
the socket: "+PREFIX" announces and "-PREFIX" withdraws, an UPDATE each; "silence" and "speech":
no KEEPALIVEs any more, and again.
"""

from __future__ import annotations

import argparse
import contextlib
import select
import socket
import struct
import sys
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network

MARKER = b"\xff" * 16  # RFC 4271 section 4.1
HEADER = 19
OPEN, UPDATE, KEEPALIVE = 1, 2, 4
EVERY_S = 1.0


def message(kind: int, body: bytes = b"") -> bytes:
    return MARKER + struct.pack("!HB", HEADER + len(body), kind) + body


def opening(asn: int, hold: int, identifier: str) -> bytes:
    """Return an OPEN with IPv4 unicast and four-octet AS numbers (RFC 5492, RFC 6793)."""
    offered = struct.pack("!BBHBB", 1, 4, 1, 0, 1) + struct.pack("!BBI", 65, 4, asn)
    options = struct.pack("!BB", 2, len(offered)) + offered
    head = struct.pack("!BHH4sB", 4, asn, hold, IPv4Address(identifier).packed, len(options))
    return message(OPEN, head + options)


def update(word: str, asn: int, hop: str) -> bytes:
    """Return the UPDATE for "+PREFIX" or "-PREFIX": RFC 4271 section 4.3."""
    network = IPv4Network(word[1:])
    octets = network.network_address.packed[: (network.prefixlen + 7) // 8]
    prefix = bytes([network.prefixlen]) + octets
    if word[0] == "-":
        return message(UPDATE, struct.pack("!H", len(prefix)) + prefix + struct.pack("!H", 0))
    attributes = b"\x40\x01\x01\x00" + b"\x40\x02\x06\x02\x01" + struct.pack("!I", asn)
    attributes += b"\x40\x03\x04" + IPv4Address(hop).packed
    return message(UPDATE, struct.pack("!HH", 0, len(attributes)) + attributes + prefix)


def kinds(buffer: bytearray) -> Iterator[int]:
    """Yield the kind of each whole message in *buffer*, and take it out."""
    while len(buffer) >= HEADER:
        length, kind = struct.unpack_from("!HB", buffer, 16)
        if len(buffer) < length:
            return
        del buffer[:length]
        yield kind


def speak(given: argparse.Namespace, wire: socket.socket) -> None:
    """Talk until either side ends."""
    heard, known, silent = bytearray(), False, False
    orders = open(0, "rb", buffering=0)  # noqa: SIM115 - select knows of nothing that is read ahead
    wire.sendall(opening(given.asn, given.hold, given.identifier))
    while True:
        ready, _, _ = select.select([wire.fileno(), orders.fileno()], [], [], EVERY_S)
        if wire.fileno() in ready:
            octets = wire.recv(65536)
            if not octets:
                return
            heard += octets
            for kind in kinds(heard):
                known = known or kind == OPEN
                print(kind, flush=True)
        if orders.fileno() in ready:
            words = orders.readline().decode().split()
            if not words:
                return
            if words[0] in ("silence", "speech"):
                silent = words[0] == "silence"
            else:
                wire.sendall(b"".join(update(w, given.asn, given.source) for w in words))
        if known and not silent:
            wire.sendall(message(KEEPALIVE))


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--source", required=True)
    parser.add_argument("--neighbor", required=True)
    parser.add_argument("--port", type=int, default=179)
    parser.add_argument("--as", dest="asn", type=int, default=64501)
    parser.add_argument("--hold", type=int, default=9)
    parser.add_argument("--identifier", default="198.18.1.9")
    given = parser.parse_args()
    where = (given.neighbor, given.port)
    source = (given.source, 0)
    with (
        socket.create_connection(where, source_address=source) as wire,
        contextlib.suppress(ConnectionError),
    ):
        speak(given, wire)
    print("end", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
