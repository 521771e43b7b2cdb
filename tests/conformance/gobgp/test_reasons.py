"""Every way in which a session can be away says why: a real gobgpd, its parent, odd routers."""

import asyncio
import contextlib
import itertools
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from manager.adapters.gobgp.speaker import GobgpSpeaker, speaker_at
from pointsman.model.delta import Delta
from pointsman.model.route import PeerName
from tests.conformance.gobgp.bed import US, eventually, neighbor
from tests.conformance.gobgp.real_bed import namespace

pytestmark = pytest.mark.lab
ROOT = Path(__file__).resolve().parents[3]
R = PeerName("r")
CEASE = ("--code", "6", "--subcode")


@dataclass
class Bed:
    namespace: str
    speaker: GobgpSpeaker
    stack: contextlib.ExitStack

    def run(self, *words: str) -> "subprocess.Popen[str]":
        """Start a program in the namespace; it is killed at the end."""
        made = subprocess.Popen(
            ["nsenter", f"--net=/run/netns/{self.namespace}", *words],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        )
        self.stack.enter_context(made)  # which waits for it, once it is killed
        self.stack.callback(made.kill)
        return made

    def router(self, address: str, *deed: str) -> "subprocess.Popen[str]":
        made = self.run(
            sys.executable, "-m", "tests.conformance.gobgp.rawpeer", *deed, "--bind", address
        )
        assert made.stdout is not None
        assert made.stdout.readline() == "ready\n"
        return made

    def ip(self, *words: str) -> None:
        subprocess.run(["ip", "-n", self.namespace, *words], check=True)

    async def introduce(self, address: str, **changed: Any) -> None:
        configured = neighbor(address, changed.pop("asn", 64500), **changed)
        await self.speaker.neighbors.apply(Delta(put={R: configured}, drop=frozenset()))

    async def why(self) -> str:
        return (await self.speaker.sessions())[R].last_error

    async def whys(self) -> dict[PeerName, str]:
        return {name: one.last_error for name, one in (await self.speaker.sessions()).items()}

    def filter(self, rule: str) -> None:
        table = "add table ip t; add chain ip t i { type filter hook input priority 0; }; "
        command = ["nsenter", f"--net=/run/netns/{self.namespace}", "nft"]
        subprocess.run([*command, table + f"add rule ip t i {rule}"], check=True)

    async def state(self) -> str:
        return (await self.speaker.sessions())[R].state


@pytest.fixture
async def bed(parts: Mapping[str, Mapping[str, str]], tmp_path: Path) -> AsyncIterator[Bed]:
    """A gobgpd under its parent, started, in a namespace of its own."""
    assert os.geteuid() == 0, "the real daemon needs a network namespace: run this as root"
    socket = tmp_path / "private" / "gobgp.sock"
    with namespace() as name, contextlib.ExitStack() as stack:
        async with speaker_at(socket) as speaker:
            made = Bed(name, speaker, stack)
            program = (sys.executable, "-m", "sidecars.gobgp")
            made.run(*program, "--socket", str(socket), "--gobgpd", parts["gobgpd"]["path"])

            async def started() -> bool:
                with contextlib.suppress(Exception):
                    await speaker.start(US)
                    return True
                return False

            await eventually(started, True)
            yield made


NOBODY_LISTENS = (
    "the router refuses the connection on port 1790: nothing listens there, or a filter rejects it"
)
# What a router does, its AS here, and the reason reported. Each is a neighbor of its own.
UNWILLING: tuple[tuple[tuple[str, ...], int, str], ...] = (
    (
        ("refuse", "--code", "2", "--subcode", "2"),
        64500,
        "the router sent NOTIFICATION OPEN Message Error, Bad Peer AS (2/2): "
        "it expects us in another AS",
    ),
    (
        ("object", "--code", "2", "--subcode", "6"),  # after an OPEN of its own
        64500,
        "the router sent NOTIFICATION OPEN Message Error, Unacceptable Hold Time (2/6): "
        "it does not accept our hold time",
    ),
    (
        ("refuse", *CEASE, "5"),
        64500,
        "the router sent NOTIFICATION Cease, Connection Rejected (6/5): "
        "it does not have us as a neighbor",
    ),
    (
        ("hangup",),
        64500,
        "the router closes the connection without a word: it has no neighbor with our "
        "address, most likely",
    ),
    (("mute",), 64500, "the router accepts the connection and says nothing"),
    (
        ("speak", "--as", "64999"),
        64500,
        "we sent the router NOTIFICATION OPEN Message Error, Bad Peer AS (2/2): "
        "the router is in another AS than spec.as",
    ),
    (
        ("speak", "--as", str(US.asn), "--identifier", str(US.router_id)),
        US.asn,
        "we sent the router NOTIFICATION OPEN Message Error, Bad BGP Identifier (2/3): "
        "its BGP identifier is ours, or none",
    ),
    (
        ("speak", "--hold", "1"),
        64500,
        "we sent the router NOTIFICATION OPEN Message Error, Unacceptable Hold Time (2/6): "
        "it offers a hold time of 1 or 2 seconds",
    ),
    (
        ("speak", *CEASE, "1", "--data", "00010100000001"),
        64500,
        "the router sent NOTIFICATION Cease, Maximum Number of Prefixes Reached (6/1): "
        "it takes fewer prefixes from us than it is sent; raise its maximum-prefix",
    ),
    (
        ("speak", *CEASE, "2", "--data", "04" + b"a\x1b[1".hex()),  # RFC 9003
        64500,
        "the router sent NOTIFICATION Cease, Administrative Shutdown (6/2), "
        '"a\\x1b[1": the session was shut down there',
    ),
    (
        ("speak", *CEASE, "9", "--data", "0601"),  # RFC 8538
        64500,
        "the router sent NOTIFICATION Cease, Hard Reset (6/9) for Cease, Maximum Number of "
        "Prefixes Reached (6/1): it takes fewer prefixes from us than it is sent; raise its "
        "maximum-prefix",
    ),
    (
        ("speak", *CEASE, "9", "--data", "0604"),
        64500,
        "the router sent NOTIFICATION Cease, Hard Reset (6/9) for Cease, Administrative Reset "
        "(6/4): the session was reset there",
    ),
    (
        ("speak", "--silent"),
        64500,
        "we sent the router NOTIFICATION Hold Timer Expired (4/0): "
        "nothing was heard from it within the hold time",
    ),
    (("speak", "--drop"), 64500, "the router closed the connection"),
    (
        ("speak", "--code", "3", "--subcode", "77"),  # no RFC names it
        64500,
        "the router sent NOTIFICATION UPDATE Message Error (3/77)",
    ),
)
OUT_OF_REACH: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("127.0.0.130", {}, NOBODY_LISTENS),
    ("2001:db8::3", {}, NOBODY_LISTENS),
    (
        "127.0.0.131",
        {"source_address": ip_address("192.0.2.250")},
        "the source address 192.0.2.250 is not on this host",
    ),
    (
        "2001:db8::4",
        {"source_address": ip_address("2001:db8::99")},
        "the source address 2001:db8::99 is not on this host",
    ),
    (
        "203.0.113.1",
        {"source_address": None},
        "this host has no route to the router (network is unreachable)",
    ),
    (
        "198.51.100.9",
        {"source_address": None},
        "nothing answers at the router's address (no route to host)",
    ),
    (
        "127.0.0.132",
        {"passive": True},
        "we wait for the router to open the session: spec.passive is true",
    ),
    (
        "127.0.0.133",
        {"password": "secret"},
        "connecting to the router timed out though its address answers: a different password "
        "(TCP MD5), ttlSecurity on one side only or a packet filter is suspected",
    ),
)


async def test_every_router_that_does_not_want_us_says_why(bed: Bed) -> None:
    wanted, neighbors = {}, {}
    for number, (deed, asn, why) in enumerate(UNWILLING, 2):
        name, address = PeerName(f"r{number}"), f"127.0.0.{number}"
        bed.router(address, *deed)
        neighbors[name], wanted[name] = neighbor(address, asn), why
    await bed.speaker.neighbors.apply(Delta(put=neighbors, drop=frozenset()))
    await eventually(bed.whys, wanted)


async def test_every_router_that_cannot_be_reached_says_why(bed: Bed) -> None:
    bed.ip("link", "add", "lan", "type", "veth", "peer", "name", "lan-far")
    for end in ("lan", "lan-far"):
        bed.ip("link", "set", end, "up")
    bed.ip("address", "add", "198.51.100.1/24", "dev", "lan")
    # As the kernel does with a wrong signature.
    bed.filter("ip daddr 127.0.0.133 tcp dport 1790 drop")
    wanted, neighbors = {}, {}
    for number, (address, changed, why) in enumerate(OUT_OF_REACH):
        name = PeerName(f"r{number}")
        neighbors[name], wanted[name] = neighbor(address, 64500, **changed), why
    await bed.speaker.neighbors.apply(Delta(put=neighbors, drop=frozenset()))
    await eventually(bed.whys, wanted)


async def test_a_session_that_comes_back_keeps_its_last_error(bed: Bed) -> None:
    first = bed.router("127.0.0.2", "speak", "--as", "64999")
    await bed.introduce("127.0.0.2")
    await eventually(lambda: _has(bed, "Bad Peer AS"), True)
    first.kill()
    first.wait()
    bed.router("127.0.0.2", "speak")
    await eventually(bed.state, "Established")
    assert "Bad Peer AS" in await bed.why()


async def test_a_changed_neighbor_starts_afresh_at_once(bed: Bed) -> None:
    router = bed.router("127.0.0.2", "refuse", "--code", "2", "--subcode", "2")
    await bed.introduce("127.0.0.2")
    await eventually(lambda: _has(bed, "Bad Peer AS"), True)
    assert router.stdout is not None
    for _ in range(5):  # 7 s, then 15: each with a question of ours
        router.stdout.readline()
    router.kill()
    router.wait()
    bed.router("127.0.0.2", "speak", "--as", "64502")
    began = asyncio.get_running_loop().time()
    await bed.introduce("127.0.0.2", asn=64502)
    await eventually(bed.state, "Established")
    assert asyncio.get_running_loop().time() - began < 12
    assert await bed.why() == ""


async def _has(bed: Bed, words: str) -> bool:
    return words in await bed.why()


async def test_refusals_back_off(bed: Bed) -> None:
    router = bed.router("127.0.0.2", "speak", *CEASE, "1", "--data", "00010100000001")
    await bed.introduce("127.0.0.2")
    assert router.stdout is not None
    tries = [float(await asyncio.to_thread(router.stdout.readline)) for _ in range(3)]
    gaps = [later - before for before, later in itertools.pairwise(tries)]
    # 7 s, then 15, each with its jitter; a busy machine is later, and never sooner.
    assert 5 < gaps[0] < 12, gaps
    assert 12 < gaps[1] < 25, gaps


async def test_a_flood_is_counted_and_costs_no_session(bed: Bed) -> None:
    bed.router("127.0.0.2", "speak", "--flood", "1001")
    await bed.introduce("127.0.0.2")

    async def floods() -> tuple[str, bool, int]:
        one = (await bed.speaker.sessions())[R]
        return one.state, one.floods, one.received_prefixes

    await eventually(floods, ("Established", True, 1001))
