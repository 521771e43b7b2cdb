"""A router that does one thing: `python -m tests.conformance.gobgp.rawpeer DEED …`.

It listens, and does its deed to every connection. Each connection prints a line.
"""

import argparse
import asyncio
import ipaddress
import struct
import sys

MARK = b"\xff" * 16


def message(kind: int, body: bytes = b"") -> bytes:
    """Return a BGP message: RFC 4271 section 4.1."""
    return MARK + struct.pack("!HB", 19 + len(body), kind) + body


def opening(given: argparse.Namespace) -> bytes:
    """Return an OPEN: both families, four-octet AS, several paths taken."""
    offered = b"".join(struct.pack("!BBHBB", 1, 4, afi, 0, 1) for afi in (1, 2))
    offered += struct.pack("!BBI", 65, 4, given.asn)
    offered += struct.pack("!BBHBBHBB", 69, 8, 1, 1, 1, 2, 1, 1)
    options = struct.pack("!BB", 2, len(offered)) + offered
    identifier = ipaddress.ip_address(given.identifier).packed
    head = struct.pack("!BHH4sB", 4, given.asn, given.hold, identifier, len(options))
    return message(1, head + options)


def flood(count: int, hop: str) -> bytes:
    """Return UPDATEs for *count* prefixes."""
    attributes = b"\x40\x01\x01\x00" + b"\x40\x02\x06\x02\x01" + struct.pack("!I", 64500)
    attributes += b"\x40\x03\x04" + ipaddress.ip_address(hop).packed
    sent = b""
    for start in range(0, count, 500):
        numbers = range(start, min(start + 500, count))
        prefixes = b"".join(b"\x18" + (0x0A000000 + (n << 8)).to_bytes(4)[:3] for n in numbers)
        body = struct.pack("!HH", 0, len(attributes)) + attributes + prefixes
        sent += message(2, body)
    return sent


async def read(reader: asyncio.StreamReader) -> int:
    """Return the kind of the next message."""
    head = await reader.readexactly(19)
    length, kind = struct.unpack("!HB", head[16:])
    await reader.readexactly(length - 19)
    return int(kind)


async def serve(
    given: argparse.Namespace, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Do the deed to one connection."""
    print(f"{asyncio.get_running_loop().time():.2f}", flush=True)
    refusal = message(3, bytes((given.code, given.subcode)) + bytes.fromhex(given.data))
    try:
        match given.deed:
            case "hangup":
                return
            case "mute":
                await reader.read()
            case "refuse":  # in place of an OPEN
                await read(reader)
                writer.write(refusal)
                await writer.drain()
            case "object":  # to ours, after its own
                writer.write(opening(given))
                await read(reader)
                writer.write(refusal)
                await writer.drain()
            case "speak":
                await speak(given, reader, writer, refusal)
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def speak(
    given: argparse.Namespace,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    refusal: bytes,
) -> None:
    """Have a session; end it with the NOTIFICATION once it was up for *given.after* seconds."""
    writer.write(opening(given))
    up = False
    while True:
        kind = await read(reader)
        if kind == 1:
            writer.write(message(4))
        elif kind == 4:
            if not given.silent or not up:
                writer.write(message(4))
            if not up:
                writer.write(flood(given.flood, given.bind))
                if given.code or given.drop:  # a deed after the session came up
                    await asyncio.sleep(given.after)
                    if not given.drop:
                        writer.write(refusal)
                        await writer.drain()
                    return
            up = True
        elif kind == 3:
            return


async def main(given: argparse.Namespace) -> None:
    """Listen until killed."""
    server = await asyncio.start_server(
        lambda reader, writer: serve(given, reader, writer), given.bind, given.port
    )
    print("ready", flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("deed", choices=("hangup", "mute", "refuse", "object", "speak"))
    parser.add_argument("--bind", required=True)
    parser.add_argument("--port", type=int, default=1790)
    parser.add_argument("--as", dest="asn", type=int, default=64500)
    parser.add_argument("--identifier", default="198.18.1.9")
    parser.add_argument("--hold", type=int, default=9)
    parser.add_argument("--code", type=int, default=0)
    parser.add_argument("--subcode", type=int, default=0)
    parser.add_argument("--data", default="")
    parser.add_argument("--after", type=float, default=0.3)
    parser.add_argument("--flood", type=int, default=0)
    parser.add_argument("--silent", action="store_true")
    parser.add_argument("--drop", action="store_true")
    sys.exit(asyncio.run(main(parser.parse_args())))
