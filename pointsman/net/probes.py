"""TCP connections that ask whether a kernel answers, and whether a program does.

Each is non-blocking, from a fresh port, and closed by RST: it leaves nothing behind at either end
(RFC 9293 section 3.10.4, by SO_LINGER of 0). All of them hang on one epoll, so that whoever was
starved of CPU learns what came meanwhile before it counts silence: `collect` first, then judge.

Refuses to conclude anything: a local error is Unsure, and what a silence means is the caller's.
"""

import asyncio
import contextlib
import errno
import heapq
import select
import socket
import ssl
import struct
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Final, Generic, TypeVar

from pointsman.model.liveness import ProbeOutcome

Subject = TypeVar("Subject")

ANSWER_S: Final = 1.0  # then a connection is given up; the kernel's second SYN would follow
WORD_S: Final = 1.0  # of a program that accepted, to say anything at all
MOST: Final = 4096  # connections under way: descriptors are for others, too

_RESET: Final = struct.pack("ii", 1, 0)  # struct linger: on, 0 seconds
_ANSWERED: Final = frozenset({errno.ECONNREFUSED, errno.ECONNRESET})
# From the network, while the connection was under way: an ICMP error, or no ARP reply.
_UNREACHED: Final = frozenset(
    {errno.ETIMEDOUT, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN}
)


@dataclass(frozen=True, slots=True)
class Hello:
    """What is said to the program behind a port; whatever it answers, it lives."""

    octets: bytes


def tls_hello() -> Hello:
    """Return a TLS ClientHello (RFC 8446 section 4.1.2), as the kubelet's port expects one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # nothing is believed
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing).do_handshake()
    return Hello(outgoing.read())


def http_hello(path: str = "/healthz") -> Hello:
    """Return an HTTP request (RFC 9112 section 3), as the service proxy's health port expects."""
    return Hello(f"GET {path} HTTP/1.1\r\nHost: pointsman\r\nConnection: close\r\n\r\n".encode())


@dataclass(slots=True)
class _Connection(Generic[Subject]):
    subject: Subject
    port: int
    socket: socket.socket
    hello: bytes  # still to be said; b"": nothing is
    accepted: bool = False
    until_s: float = 0.0


class Probes(Generic[Subject]):
    """Connections under way. What each found is told with its subject, port and time.

    A hello tells twice: Accepted at once, then Spoke, or Mute after a second.
    """

    def __init__(
        self,
        *,
        found: Callable[[Subject, int, ProbeOutcome, float], None],
        hellos: Mapping[int, Hello],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """*hellos*: what is said to the program behind each port that is spoken to."""
        self._found, self._hellos, self._clock = found, hellos, clock
        self._poll = select.epoll()
        self._under_way: dict[int, _Connection[Subject]] = {}
        self._deadlines: list[tuple[float, int, _Connection[Subject]]] = []
        self._order = count()

    def fileno(self) -> int:
        """Return what becomes readable when `collect` has something to tell."""
        return self._poll.fileno()

    async def run(self) -> None:
        """Collect whenever something comes or a deadline passes, until cancelled."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self._poll, self.collect)
        try:
            while True:
                await asyncio.sleep(ANSWER_S / 4)
                self.collect()
        finally:
            loop.remove_reader(self._poll)
            self.close()

    def start(self, subject: Subject, address: str, port: int, *, hello: bool) -> None:
        """Connect to *port* of *address* now; with *hello*, speak to who accepts."""
        if len(self._under_way) >= MOST:
            self._tell(subject, port, ProbeOutcome.Unsure)
            return
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        try:
            made = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        except OSError:  # EMFILE, ENFILE, ENOBUFS, no such family: ours alone
            self._tell(subject, port, ProbeOutcome.Unsure)
            return
        made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        code = made.connect_ex((address, port))
        words = self._hellos.get(port) if hello else None
        one = _Connection(subject, port, made, words.octets if words else b"")
        if code not in (0, errno.EINPROGRESS):
            # Of a connection that never began, only a refusal is somebody else's word.
            refused = code in _ANSWERED
            self._end(one, ProbeOutcome.Refused if refused else ProbeOutcome.Unsure)
            return
        self._under_way[made.fileno()] = one
        self._poll.register(made, select.EPOLLOUT)
        self._until(one, ANSWER_S)

    def collect(self) -> None:
        """Tell what has come by now, and give up what is past its time. Never waits."""
        while ready := self._poll.poll(0):
            for descriptor, _ in ready:
                if one := self._under_way.get(descriptor):
                    self._advance(one)
        now_s = self._clock()
        while self._deadlines and self._deadlines[0][0] <= now_s:
            until_s, _, one = heapq.heappop(self._deadlines)
            # Who accepted has a later deadline than that of its connection.
            if until_s == one.until_s and self._under_way.get(one.socket.fileno()) is one:
                self._end(one, ProbeOutcome.Mute if one.accepted else ProbeOutcome.Silent)

    def close(self) -> None:
        """End every connection, and tell nothing more."""
        for one in self._under_way.values():
            one.socket.close()
        self._under_way.clear()
        self._poll.close()

    def _advance(self, one: _Connection[Subject]) -> None:
        if one.accepted:
            self._listen(one)
            return
        code = one.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code in _ANSWERED:
            self._end(one, ProbeOutcome.Refused)
        elif code in _UNREACHED:
            self._end(one, ProbeOutcome.Silent)
        elif code:
            self._end(one, ProbeOutcome.Unsure)
        elif not one.hello:
            self._end(one, ProbeOutcome.Accepted)
        else:
            one.accepted = True
            self._poll.modify(one.socket, select.EPOLLIN)
            self._until(one, WORD_S)
            self._tell(one.subject, one.port, ProbeOutcome.Accepted)
            try:
                one.socket.send(one.hello)  # a few hundred octets always fit
            except OSError:
                self._end(one, ProbeOutcome.Refused)

    def _listen(self, one: _Connection[Subject]) -> None:
        try:
            answer = one.socket.recv(1)
        except BlockingIOError:
            return
        except OSError:  # reset: by its kernel, or by a program; it is not said which
            answer = b""
        self._end(one, ProbeOutcome.Spoke if answer else ProbeOutcome.Refused)

    def _until(self, one: _Connection[Subject], seconds: float) -> None:
        one.until_s = self._clock() + seconds
        heapq.heappush(self._deadlines, (one.until_s, next(self._order), one))

    def _end(self, one: _Connection[Subject], outcome: ProbeOutcome) -> None:
        self._under_way.pop(one.socket.fileno(), None)
        one.socket.close()  # epoll forgets a descriptor that is closed (epoll(7))
        self._tell(one.subject, one.port, outcome)

    def _tell(self, subject: Subject, port: int, outcome: ProbeOutcome) -> None:
        self._found(subject, port, outcome, self._clock())
