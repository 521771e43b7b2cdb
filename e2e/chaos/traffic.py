"""Traffic of a client, every probe a new flow: `python -m e2e.chaos.traffic OUT NAME=ADDRESS …`.

NAME begins with "tcp" or "udp". Each probe is a line of OUT: its target, when it was sent
(CLOCK_MONOTONIC, which all processes of a machine share), after how many seconds the answer
came, or null, and whether the connection was reset. With `--echo PORT` it is the other side of
the datagrams instead.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import socket
import time
from typing import IO, cast

PERIOD_S = 0.02
PATIENCE_S = 3.0  # a busy machine is late; the network of a lab is not
ANSWER = 64  # octets that prove one
PORT = 80


class Echo(asyncio.DatagramProtocol):
    """Sends back what comes."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._transport.sendto(data, addr)


async def tcp(address: str) -> None:
    """Return when a new connection was answered."""
    reader, writer = await asyncio.open_connection(address, PORT)
    try:
        writer.write(b"GET / HTTP/1.1\r\nHost: lab\r\n\r\n")
        if not await reader.read(ANSWER):
            raise ConnectionError("closed without an answer")
    finally:
        writer.close()


async def udp(address: str) -> None:
    """Return when a datagram from a new port came back."""
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        await loop.sock_connect(sock, (address, PORT))
        await loop.sock_sendall(sock, b"?")
        await loop.sock_recv(sock, ANSWER)


async def probe(out: IO[str], name: str, address: str) -> None:
    ask = tcp if name.startswith("tcp") else udp
    sent, took, reset = time.monotonic(), None, False
    try:
        async with asyncio.timeout(PATIENCE_S):
            await ask(address)
        took = time.monotonic() - sent
    except ConnectionResetError:
        reset = True
    except OSError:  # TimeoutError is one
        pass
    out.write(json.dumps([name, sent, took, reset]) + "\n")


async def send(out: IO[str], targets: list[str]) -> None:
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    async with asyncio.TaskGroup() as probes:
        while not stopping.is_set():
            for target in targets:
                name, _, address = target.partition("=")
                probes.create_task(probe(out, name, address))
            await asyncio.sleep(PERIOD_S)


async def echo(port: int) -> None:
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(Echo, local_addr=("0.0.0.0", port))
    await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m e2e.chaos.traffic", description=__doc__)
    parser.add_argument("--echo", type=int, metavar="PORT")
    parser.add_argument("out", nargs="?")
    parser.add_argument("targets", nargs="*")
    given = parser.parse_args()
    if given.echo:
        asyncio.run(echo(given.echo))
        return
    with open(given.out, "w", buffering=1) as out:
        asyncio.run(send(out, given.targets))


if __name__ == "__main__":
    main()
