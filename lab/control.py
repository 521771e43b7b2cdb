"""How the lab's commands speak with its supervisor: JSON lines over a Unix socket.

One request, one answer, one connection. The answer is `{"done": ...}`, or a
sentence under "misuse" or "broken" that the command prints before it exits.
"""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

from lab.topology import RUNTIME_ROOT, Broken, Misuse

SOCKET = "control.sock"


class NotUp(Broken):
    """There is no lab of that name."""

    def __init__(self, lab: str) -> None:
        super().__init__(f"Lab {lab!r} isn't up: start it with `pointsman lab up --name {lab}`.")


def ask(lab: str, verb: str, *, timeout_s: float = 30.0, **arguments: Any) -> Any:
    """Return what the supervisor of *lab* answers to *verb*.

    Raises:
        NotUp: there is no supervisor.
        Misuse, Broken: its answer.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(timeout_s)
        try:
            sock.connect(str(RUNTIME_ROOT / lab / SOCKET))
        except (FileNotFoundError, ConnectionRefusedError):
            raise NotUp(lab) from None
        try:
            sock.sendall(json.dumps({"verb": verb} | arguments).encode() + b"\n")
            with sock.makefile("rb") as stream:
                line = stream.readline()
        except OSError as error:
            raise Broken(f"Lab {lab!r} does not answer: {error}.") from error
    if not line:
        raise Broken(f"Lab {lab!r} went away while it was asked to {verb}.")
    return unwrap(json.loads(line))


def unwrap(answer: dict[str, Any]) -> Any:
    if "misuse" in answer:
        raise Misuse(answer["misuse"])
    if "broken" in answer:
        raise Broken(answer["broken"])
    return answer.get("done")
