"""Datagrams there and back: `python -m e2e.layer2.datagrams send|echo …`.

`send` counts what came back of numbered datagrams from one port, and between which two moments
(CLOCK_MONOTONIC, which all processes of a machine share) nothing did. UDP, because TCP hides
what a neighbor entry does: its acknowledgements confirm it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import select
import signal
import socket
import time
from pathlib import Path

PORT = 81
STRAGGLERS_S = 1.0
LATEST_S = 0.5  # a program that was not run for longer makes up for no more: queues are short
SO_RCVBUFFORCE = 33  # <asm-generic/socket.h>; Python has no name for it
BUFFER = 8 * 2**20  # octets: who reads may not be run for seconds


def patient(sock: socket.socket) -> None:
    """Have *sock* hold what comes while its reader is not run: that is no loss of the network's."""
    sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)


def send(address: str, rate: int, out: Path) -> None:
    """Send until SIGTERM, then write what came of it to *out*."""
    stopping: list[bool] = []
    signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sent_at: list[float] = []
    back: set[int] = set()
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        patient(sock)
        due = time.monotonic()
        until: float | None = None
        while until is None or (time.monotonic() < until and len(back) < len(sent_at)):
            now = time.monotonic()
            if stopping and until is None:
                until = now + STRAGGLERS_S
            if until is None and now >= due:
                # What this machine itself refuses (no neighbor) is lost as well as any.
                with contextlib.suppress(OSError):
                    sock.sendto(str(len(sent_at)).encode(), (address, PORT))
                sent_at.append(now)
                due = max(due + 1 / rate, now - LATEST_S)
            select.select([sock], [], [], max(0.0, min(due - time.monotonic(), 0.05)))
            while True:
                try:
                    back.add(int(sock.recv(64)))
                except BlockingIOError:
                    break
                except OSError:  # an ICMP error of an earlier one
                    continue
    temporary = out.with_suffix(".new")
    lost = [number for number in range(len(sent_at)) if number not in back]
    temporary.write_text(
        json.dumps({"sent": len(sent_at), "lost": len(lost), "outages": outages(sent_at, back)})
    )
    temporary.replace(out)


def outages(sent_at: list[float], back: set[int]) -> list[tuple[float, float]]:
    """Return from which lost datagram to which that came back nothing did: times of sending."""
    found: list[tuple[float, float]] = []
    start: float | None = None
    for number, at in enumerate(sent_at):
        if number not in back:
            start = at if start is None else start
        elif start is not None:
            found.append((start, at))
            start = None
    if start is not None:
        found.append((start, sent_at[-1]))
    return found


def echo(port: int) -> None:
    """Send back whatever comes, in both families."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        patient(sock)
        sock.bind(("::", port))
        while True:
            # From the address that it came to: a Pod here has several.
            data, ancillary, _, peer = sock.recvmsg(2048, 256)
            sock.sendmsg([data], ancillary, 0, peer)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m e2e.layer2.datagrams", description=__doc__)
    parser.add_argument("what", choices=("send", "echo"))
    parser.add_argument("--to")
    parser.add_argument("--rate", type=int, default=200)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--port", type=int)
    given = parser.parse_args()
    if given.what == "echo":
        echo(given.port)
    else:
        send(given.to, given.rate, given.out)


if __name__ == "__main__":
    main()
