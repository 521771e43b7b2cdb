"""One address for the API everywhere: 127.0.0.1:PORT in each namespace.

`python -m lab.cluster.relay` opens a listener in every namespace it is told (setns) and
forwards to the real server, which lives elsewhere. Bytes only: TLS passes
through and is verified end to end. Frozen, it neither accepts nor forwards,
like a server that hangs; thawed, everything goes on where it stood.

Control, one line per connection to its Unix socket: `freeze [NAMESPACE]`,
`thaw [NAMESPACE]`, `cut [NAMESPACE]` (resets what is open), `latency SECONDS`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import socket
import struct
from pathlib import Path

from lab.network import netns

CHUNK = 65536
RESET = struct.pack("ii", 1, 0)  # SO_LINGER on, zero: close() sends RST


class Door:
    """The listener of one namespace: open or frozen, and what passes through it."""

    def __init__(self, name: str, target: tuple[str, int]) -> None:
        self.name, self.latency_s = name, 0.0
        self._target, self._open = target, asyncio.Event()
        self._open.set()
        self._writers: set[asyncio.StreamWriter] = set()

    def freeze(self) -> None:
        self._open.clear()

    def thaw(self) -> None:
        self._open.set()

    def cut(self) -> None:
        for writer in self._writers:
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            writer.transport.abort()

    async def pass_through(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Carry one connection until both ends are done."""
        await self._open.wait()
        try:
            up_reader, up_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()  # as a server that is down: connection lost
            return
        self._writers |= {writer, up_writer}
        try:
            await asyncio.gather(self._pump(reader, up_writer), self._pump(up_reader, writer))
        finally:
            self._writers -= {writer, up_writer}
            for end in (writer, up_writer):
                end.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):  # one end went: so does the other
            while data := await reader.read(CHUNK):
                if self.latency_s:
                    await asyncio.sleep(self.latency_s)
                await self._open.wait()
                writer.write(data)
                await writer.drain()
            if writer.can_write_eof():
                writer.write_eof()
            return
        writer.transport.abort()


class Relay:
    """All doors of a lab, and the words that move them."""

    def __init__(self, doors: dict[str, Door]) -> None:
        self._doors = doors

    def obey(self, line: str) -> str:
        """Return "ok", or what was wrong with *line*."""
        verb, _, argument = line.strip().partition(" ")
        if verb == "latency":
            for door in self._doors.values():
                door.latency_s = float(argument)
            return "ok"
        if verb not in ("freeze", "thaw", "cut") or (argument and argument not in self._doors):
            return f"the relay does not understand {line.strip()!r}"
        for door in [self._doors[argument]] if argument else list(self._doors.values()):
            {"freeze": door.freeze, "thaw": door.thaw, "cut": door.cut}[verb]()
        return "ok"

    async def control(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = (await reader.readline()).decode()
        writer.write(f"{self.obey(line)}\n".encode())
        await writer.drain()
        writer.close()


async def serve(
    namespaces: list[str], port: int, *, target: tuple[str, int], control: Path, host: bool
) -> None:
    doors = {name: Door(name, target) for name in namespaces}
    for name, door in doors.items():
        await asyncio.start_server(door.pass_through, sock=netns.listener(name, "127.0.0.1", port))
    if host:  # the real server has another address: the one kubeconfig must work here too
        await asyncio.start_server(Door("", target).pass_through, "127.0.0.1", port)
    control.unlink(missing_ok=True)
    os.umask(0o077)
    server = await asyncio.start_unix_server(Relay(doors).control, control)
    print(f"relay: 127.0.0.1:{port} in {len(doors)} namespaces, to {target}", flush=True)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m lab.cluster.relay", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--target", required=True, help="HOST:PORT of the API server")
    parser.add_argument("--control", type=Path, required=True)
    parser.add_argument("--host", action="store_true", help="listen in this namespace too")
    parser.add_argument("namespace", nargs="+")
    options = parser.parse_args()
    host, _, port = options.target.rpartition(":")
    target = (host.strip("[]"), int(port))
    asyncio.run(
        serve(
            options.namespace,
            options.port,
            target=target,
            control=options.control,
            host=options.host,
        )
    )


if __name__ == "__main__":
    main()
