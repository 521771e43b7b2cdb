"""A way out of one machine of a lab, to a program that listens on this machine's loopback."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from e2e.bed import Bed, Broken


@dataclass(frozen=True, slots=True)
class Door:
    """127.0.0.1:*port* there leads out."""

    port: int
    control: Path

    def tell(self, words: str) -> None:
        """Tell it `freeze`, `thaw` or `cut` (lab.cluster.relay)."""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(60)
            sock.connect(str(self.control))
            sock.sendall(f"{words}\n".encode())
            answer = sock.recv(1024).decode().strip()
        if answer != "ok":
            raise Broken(answer)


@contextmanager
def door(lab: Bed, machine: str, target: str) -> Iterator[Door]:
    """Lead 127.0.0.1 of *machine* to *target* ("HOST:PORT" on this one); yield where."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]  # whoever is free here is, as good as surely, free there
    way = Door(port, lab.folder("door") / "control")
    argv = [sys.executable, "-m", "lab.cluster.relay", "--port", str(port), "--target", target]
    argv += ["--control", str(way.control), lab.topology.namespace(machine)]
    with subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *argv]) as relay:
        try:
            lab.wait("the relay", way.control.exists)
            yield way
        finally:
            relay.kill()
