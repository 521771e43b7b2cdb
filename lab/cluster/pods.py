"""The pods of one node: an HTTP server that says who it is and whom it sees.

`python -m lab.cluster.pods --node NAME` listens on every address of its namespace. Any
request is answered, with `NODE POD CLIENT` on one line, or the same as JSON
where the request accepts that. It holds no connection open and knows no errors:
in the lab a pod that does not answer means that the network did not deliver.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
from ipaddress import IPv6Address, ip_address
from pathlib import Path

from lab.network.topology import POD_PORT, PODS_PER_NODE

IDLE_S = 300.0  # so long may a client hold a connection without asking for anything

FIRST_HOST = 10  # 10.244.N.10 is the first pod


def pod_name(node: str, address: str) -> str:
    """Return the name of the pod that owns *address*, the last digits of which count."""
    last = address.rpartition(":" if ":" in address else ".")[2]
    return f"{node}-pod{int(last) - FIRST_HOST + 1}"


def answer(node: str, *, local: str, remote: str, accepts_json: bool) -> bytes:
    """Return the whole HTTP response of the pod at *local* to the client at *remote*."""
    seen = ip_address(remote)
    if isinstance(seen, IPv6Address) and seen.ipv4_mapped:
        seen = seen.ipv4_mapped
    pod = pod_name(node, local)
    if accepts_json:
        kind, body = (
            "application/json",
            json.dumps({"node": node, "pod": pod, "address": local, "client": str(seen)}),
        )
    else:
        kind, body = "text/plain", f"{node} {pod} {seen}"
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body) + 1}\r\n"
        "Connection: close\r\n\r\n"
    )
    return f"{head}{body}\n".encode()


async def serve(node: str, port: int, *, count: int, ready: Path | None = None) -> None:
    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(IDLE_S):
                request = await reader.readuntil(b"\r\n\r\n")
                local, remote = (writer.get_extra_info(n)[0] for n in ("sockname", "peername"))
                wants = b"application/json" in request.lower()
                writer.write(answer(node, local=local, remote=remote, accepts_json=wants))
                await writer.drain()
        except (OSError, EOFError, asyncio.LimitOverrunError, TimeoutError):
            pass  # the client's problem, not the pod's
        finally:
            writer.close()

    servers = [
        await asyncio.start_server(client, host, port, family=family, backlog=1024)
        for host, family in (("0.0.0.0", socket.AF_INET), ("::", socket.AF_INET6))
    ]
    print(f"{node}: {count} pods listen on {port}", flush=True)
    if ready:
        ready.touch()
    await asyncio.gather(*(server.serve_forever() for server in servers))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m lab.cluster.pods", description=__doc__)
    parser.add_argument("--node", required=True)
    parser.add_argument("--port", type=int, default=POD_PORT)
    parser.add_argument("--ready", type=Path, help="make this file once they listen")
    parser.add_argument("--count", type=int, default=PODS_PER_NODE, help="for the log only")
    options = parser.parse_args()
    asyncio.run(serve(options.node, options.port, count=options.count, ready=options.ready))


if __name__ == "__main__":
    main()
