"""Probes against real sockets of this machine."""

import asyncio
import contextlib
import os
import socket
import struct
from collections.abc import Callable, Iterator

import pytest

from pointsman.model.liveness import ProbeOutcome
from pointsman.net.probes import ANSWER_S, WORD_S, Hello, Probes, http_hello, tls_hello

HERE = "127.0.0.1"
BOUND_S = 60.0  # only what never comes takes it


class Heard:
    """What was told, and a clock that tests set forward."""

    def __init__(self, *hellos: tuple[int, Hello]) -> None:
        self.outcomes: list[ProbeOutcome] = []
        self.now = 0.0
        self.probes: Probes[str] = Probes(
            found=self._found, hellos=dict(hellos), clock=lambda: self.now
        )

    def _found(self, subject: str, port: int, outcome: ProbeOutcome, at_s: float) -> None:
        assert (subject, at_s) == ("node1", self.now)
        self.outcomes.append(outcome)

    async def collected(self, count: int) -> list[ProbeOutcome]:
        async with asyncio.timeout(BOUND_S):
            while len(self.outcomes) < count:
                self.probes.collect()
                await asyncio.sleep(0.002)
        return self.outcomes


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server((HERE, 0)) as made:
        yield made


def port_of(sock: socket.socket) -> int:
    return int(sock.getsockname()[1])


async def test_who_accepts_lives_and_sees_the_connection_reset(listener: socket.socket) -> None:
    heard = Heard()
    heard.probes.start("node1", HERE, port_of(listener), hello=False)
    assert await heard.collected(1) == [ProbeOutcome.Accepted]
    accepted, _ = listener.accept()
    with accepted, pytest.raises(ConnectionResetError):
        accepted.recv(1)


async def test_who_refuses_lives(listener: socket.socket) -> None:
    port = port_of(listener)
    listener.close()
    heard = Heard()
    heard.probes.start("node1", HERE, port, hello=False)
    assert await heard.collected(1) == [ProbeOutcome.Refused]


async def test_over_ipv6_as_well() -> None:
    try:
        server = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no IPv6")
    with server:
        heard = Heard()
        heard.probes.start("node1", "::1", port_of(server), hello=False)
        assert await heard.collected(1) == [ProbeOutcome.Accepted]


@contextlib.contextmanager
def full(listener: socket.socket) -> Iterator[None]:
    """A listener whose queue is full: the kernel drops SYNs, and nothing is answered."""
    listener.listen(0)
    waiting = []
    for _ in range(8):
        one = socket.socket()
        one.setblocking(False)
        one.connect_ex(listener.getsockname())
        waiting.append(one)
    yield
    for one in waiting:
        one.close()


async def test_no_answer_until_the_deadline_is_silence(listener: socket.socket) -> None:
    heard = Heard()
    with full(listener):
        heard.probes.start("node1", HERE, port_of(listener), hello=False)
        heard.probes.collect()
        assert heard.outcomes == []
        heard.now = ANSWER_S
        heard.probes.collect()
    assert heard.outcomes == [ProbeOutcome.Silent]


async def test_an_answer_that_came_before_a_starved_process_looked_is_one(
    listener: socket.socket,
) -> None:
    heard = Heard()
    heard.probes.start("node1", HERE, port_of(listener), hello=False)
    accepted, _ = listener.accept()  # so it is there
    with accepted:
        heard.now = 100 * ANSWER_S
        heard.probes.collect()
    assert heard.outcomes == [ProbeOutcome.Accepted]


async def test_a_network_that_is_not_reachable_from_here_says_nothing_of_the_node() -> None:
    heard = Heard()
    heard.probes.start("node1", "255.255.255.255", 9, hello=False)  # no TCP to a broadcast
    assert await heard.collected(1) == [ProbeOutcome.Unsure]


async def test_descriptors_that_are_used_up_say_nothing_of_the_node(
    listener: socket.socket,
) -> None:
    import resource

    heard = Heard()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.ExitStack() as held:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 256), hard))
        held.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        with contextlib.suppress(OSError):
            while True:
                held.callback(os.close, os.dup(0))
        heard.probes.start("node1", HERE, port_of(listener), hello=False)
    assert heard.outcomes == [ProbeOutcome.Unsure]


@pytest.mark.parametrize(
    ("answer", "outcomes"),
    [
        pytest.param(b"HTTP/1.1 200 OK\r\n", [ProbeOutcome.Spoke], id="a word is life"),
        pytest.param(b"\x15\x03\x03\x00\x02\x02\x46", [ProbeOutcome.Spoke], id="an alert is, too"),
        pytest.param(b"", [ProbeOutcome.Refused], id="to hang up is the kernel's word at least"),
    ],
)
async def test_a_program_that_is_spoken_to(
    listener: socket.socket, answer: bytes, outcomes: list[ProbeOutcome]
) -> None:
    port = port_of(listener)
    heard = Heard((port, http_hello("/livez")))
    heard.probes.start("node1", HERE, port, hello=True)
    assert await heard.collected(1) == [ProbeOutcome.Accepted]
    accepted, _ = listener.accept()
    assert accepted.recv(1000).startswith(b"GET /livez HTTP/1.1\r\nHost: ")
    if answer:
        accepted.send(answer)
    accepted.close()
    assert (await heard.collected(2))[1:] == outcomes


async def test_a_program_that_never_answers_is_mute(listener: socket.socket) -> None:
    port = port_of(listener)
    heard = Heard((port, tls_hello()))
    heard.probes.start("node1", HERE, port, hello=True)
    assert await heard.collected(1) == [ProbeOutcome.Accepted]
    heard.now = max(ANSWER_S, WORD_S)
    heard.probes.collect()
    assert heard.outcomes == [ProbeOutcome.Accepted, ProbeOutcome.Mute]


async def test_a_port_without_words_is_only_connected_to(listener: socket.socket) -> None:
    heard = Heard()
    heard.probes.start("node1", HERE, port_of(listener), hello=True)
    assert await heard.collected(1) == [ProbeOutcome.Accepted]
    heard.now = 10.0
    heard.probes.collect()
    assert heard.outcomes == [ProbeOutcome.Accepted]


def test_the_tls_hello_is_a_handshake_record_with_a_client_hello() -> None:
    octets = tls_hello().octets
    kind, _, length = struct.unpack_from("!BHH", octets)
    assert (kind, octets[5]) == (22, 1)  # RFC 8446 sections 5.1 and 4
    assert len(octets) == 5 + length


async def test_run_tells_by_itself_and_leaves_nothing_open(listener: socket.socket) -> None:
    found: asyncio.Queue[ProbeOutcome] = asyncio.Queue()
    tell: Callable[..., None] = lambda _subject, _port, outcome, _at: found.put_nowait(outcome)  # noqa: E731
    probes: Probes[str] = Probes(found=tell, hellos={})
    running = asyncio.create_task(probes.run())
    await asyncio.sleep(0)
    probes.start("node1", HERE, port_of(listener), hello=False)
    async with asyncio.timeout(BOUND_S):
        assert await found.get() is ProbeOutcome.Accepted
    with full(listener):
        probes.start("node1", HERE, port_of(listener), hello=False)
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
    with pytest.raises(ValueError, match="closed"):
        probes.fileno()
