"""How the lab's commands speak with its supervisor, and who may be it.

JSON lines over a Unix socket: one request, one answer, one connection. The
answer is `{"done": ...}`, or a sentence under "misuse" or "broken" that the
command prints before it exits.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from lab.errors import Broken
from lab.network.topology import home
from pointsman.runtime.errors import Misuse

SOCKET = "control.sock"
BUSY = "Lab {!r} is being started or taken down by another process."


class NotUp(Broken):
    """There is no lab of that name."""

    def __init__(self, lab: str) -> None:
        super().__init__(f"Lab {lab!r} isn't up: start it with `pointsman lab up --name {lab}`.")


def ask(lab: str, verb: str, *, timeout_s: float = 30.0, **arguments: Any) -> Any:
    """Return what the supervisor of *lab* answers to *verb*.

    Raises:
        NotUp: there is no supervisor.
        Misuse: no lab can have that name.
        Misuse, Broken: its answer.
    """
    place = home(lab) / SOCKET
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(timeout_s)
        try:
            sock.connect(str(place))
        except (FileNotFoundError, ConnectionRefusedError):
            raise NotUp(lab) from None
        except PermissionError:
            raise Broken(f"Lab {lab!r} is root's: run this as root.") from None
        except OSError as error:
            raise Broken(f"Lab {lab!r} cannot be asked: {error.strerror or error}.") from None
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


def lock_path(lab: str) -> Path:
    return home(lab).with_name(f"{lab}.lock")


@contextlib.contextmanager
def owning(name: str) -> Iterator[None]:
    """This process alone may make or remove the lab called *name* meanwhile.

    Raises:
        Broken: another one does.
    """
    path = lock_path(name)
    with _opened(path) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Broken(BUSY.format(name)) from None
        if not path.exists() or not os.path.samestat(path.stat(), os.fstat(lock.fileno())):
            raise Broken(BUSY.format(name))  # its last owner removed it under our hands
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # another lab's folder is in it
                path.parent.rmdir()


def _opened(path: Path) -> TextIO:
    """Open the file at *path*, whose folder may go with the last lab meanwhile."""
    while True:
        with contextlib.suppress(FileExistsError):
            path.parent.mkdir(mode=0o755, parents=True)
        with contextlib.suppress(FileNotFoundError):
            return path.open("a+")
