"""How many gRPC calls the manager makes: counted on the wire, so that nothing must confess.

A relay between the manager and gobgpd's Unix socket counts what opens a stream. It passes
every byte on and knows no more of HTTP/2 than where a frame begins.
"""

import contextlib
import socket
import struct
import threading
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from e2e.bed import Bed

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"  # RFC 9113 section 3.4
HEAD = 9  # octets before a frame's payload (RFC 9113 section 4.1)
HEADERS = 1  # the client sends one for each call (RFC 9113 section 6.2)


@dataclass(slots=True)
class Frames:
    """What a client sends, cut into frames; *opened* is how many calls it began."""

    opened: int = 0
    _left: bytes = b""
    _skip: int = len(PREFACE)

    def feed(self, data: bytes) -> None:
        self._left += data
        while True:
            gone = min(self._skip, len(self._left))
            self._left, self._skip = self._left[gone:], self._skip - gone
            if self._skip or len(self._left) < HEAD:
                return
            self.opened += self._left[3] == HEADERS
            self._skip = HEAD + int.from_bytes(self._left[:3])


class Calls:
    """A context in which the manager's calls to gobgpd are counted; it restarts the manager."""

    def __init__(self, lab: Bed) -> None:
        self._lab = lab
        self._path = lab.folder("sidecar") / "gobgp.sock"
        self._behind = self._path.with_name("behind.sock")
        self._heard: list[tuple[int, Frames]] = []  # by pid of the caller
        self._open: list[socket.socket] = []

    @property
    def count(self) -> int:
        """Return how many calls the manager that runs now has begun."""
        pid = self._lab.process("manager")["pid"]
        return sum(frames.opened for caller, frames in self._heard if caller == pid)

    def __enter__(self) -> Self:
        self._lab.fail("manager")
        self._path.rename(self._behind)  # the daemon goes on listening under the other name
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self._path))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()
        self._lab.heal("manager")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._lab.fail("manager")
        self._behind.replace(self._path)
        for end in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self._lab.heal("manager")

    def _accept(self) -> None:
        while True:
            try:
                caller, _ = self._listener.accept()
            except OSError:
                return
            credentials = caller.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
            daemon, frames = socket.socket(socket.AF_UNIX), Frames()
            daemon.connect(str(self._behind))
            self._heard.append((struct.unpack("3i", credentials)[0], frames))
            self._open += [caller, daemon]
            for source, sink, heard in ((caller, daemon, frames), (daemon, caller, None)):
                pump = threading.Thread(target=_pump, args=(source, sink, heard), daemon=True)
                pump.start()


def _pump(source: socket.socket, sink: socket.socket, heard: Frames | None) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            if heard is not None:
                heard.feed(data)
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
