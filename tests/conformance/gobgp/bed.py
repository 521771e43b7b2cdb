"""What the suite stands on: a speaker's daemon and routers, faked or real.

The real bed is gobgpd processes in one network namespace of their own; a router is a
gobgpd that listens, and what it heard is its Adj-RIB-In.
"""

import asyncio
import contextlib
import itertools
import os
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Address, ip_address, ip_network
from pathlib import Path
from typing import Any, Protocol

import grpc

from manager.adapters.gobgp.path_codec import IPV4, IPV6
from manager.adapters.gobgp.rpc import Stub, channel_to
from manager.adapters.gobgp.speaker import GobgpSpeaker
from pointsman.gobgp_api import attribute_pb2 as at
from pointsman.gobgp_api import gobgp_pb2 as pb
from pointsman.gobgp_api import nlri_pb2 as nl
from pointsman.model.address import Address, Prefix
from pointsman.model.delta import Delta
from pointsman.model.route import Neighbor, PeerName, RouteKey, SpeakerIdentity
from tests.fakes.gobgp import FakeGobgpd, FakeRouter

US = SpeakerIdentity(64501, IPv4Address("198.18.0.1"))
PORT = 1790
OURS4, OURS6 = ip_address("127.0.0.1"), ip_address("2001:db8::1")
PATIENCE_S = 60.0
_serial = itertools.count()


async def eventually(question: Callable[[], Awaitable[object]], wanted: object) -> None:
    """Ask until the answer is *wanted*; fail with the last answer."""
    deadline = time.monotonic() + PATIENCE_S
    while (answer := await question()) != wanted and time.monotonic() < deadline:
        await asyncio.sleep(0.05)
    assert answer == wanted


def neighbor(address: str, asn: int, **changed: Any) -> Neighbor:
    """Return the speaker's side of a session to a router of the bed."""
    router = ip_address(address)
    source = OURS4 if router.version == 4 else OURS6
    settings: dict[str, Any] = {
        "port": PORT,
        "source_address": source,
        "connect_retry_seconds": 2,
        **changed,
    }
    return Neighbor(router, asn, **settings)


class Router(Protocol):
    async def heard(self) -> dict[RouteKey, list[pb.Path]]: ...
    async def flood(self, prefixes: list[str]) -> None: ...


class Bed(Protocol):
    """A daemon with a speaker on it."""

    speaker: GobgpSpeaker
    stub: Stub  # for somebody else at the API

    async def router(
        self,
        address: str,
        asn: int,
        *,
        add_path: bool = True,
        calls: bool = False,
        us: int = US.asn,
    ) -> Router: ...
    async def lose_the_daemon(self) -> None: ...
    async def replace_the_daemon(self) -> None: ...


async def started(bed: Bed) -> GobgpSpeaker:
    """Return the bed's speaker, running as US."""
    await bed.speaker.start(US)
    return bed.speaker


async def introduce(bed: Bed, name: str, address: str, **changed: Any) -> None:
    """Add export rule and neighbor; the session comes when it comes."""
    asn = changed.pop("asn", 64500)
    add = neighbor(address, asn, **changed)
    await bed.speaker.exports.apply(_put(PeerName(name), add.address))
    await bed.speaker.neighbors.apply(_put(PeerName(name), add))


async def peered(bed: Bed, name: str, address: str, **changed: Any) -> None:
    """Add export rule and neighbor, and wait for the session."""
    await introduce(bed, name, address, **changed)
    await eventually(lambda: state(bed.speaker, name), "Established")


async def state(speaker: GobgpSpeaker, name: str) -> str | None:
    """Return the state of a session, None: there is none."""
    reports = await speaker.sessions()
    return reports[PeerName(name)].state if name in reports else None


def _put(key: Any, value: Any) -> Any:

    return Delta(put={key: value}, drop=frozenset())


def keyed(destination: str, paths: list[pb.Path]) -> Iterator[tuple[RouteKey, pb.Path]]:
    """Yield each path under what it leads to."""
    prefix: Prefix = ip_network(destination)
    for path in paths:
        for attribute in path.pattrs:
            hop = attribute.next_hop.next_hop or next(iter(attribute.mp_reach.next_hops), "")
            if hop:
                yield RouteKey(prefix, ip_address(hop)), path


# --- fake -----------------------------------------------------------------------------------


@dataclass
class FakeBedRouter:
    router: FakeRouter

    async def heard(self) -> dict[RouteKey, list[pb.Path]]:
        found: dict[RouteKey, list[pb.Path]] = {}
        for (_, prefix, _), path in self.router.heard.items():
            for key, one in keyed(prefix, [path]):
                found.setdefault(key, []).append(one)
        return found

    async def flood(self, prefixes: list[str]) -> None:
        """The fake has no import from routers at all."""


class FakeBed:
    def __init__(self) -> None:
        self.daemon = FakeGobgpd()
        self.stub = self.daemon.as_stub()
        self.speaker = GobgpSpeaker(self.stub)

    async def router(
        self,
        address: str,
        asn: int,
        *,
        add_path: bool = True,
        calls: bool = False,
        us: int = US.asn,
    ) -> Router:
        made = self.daemon.routers[address] = FakeRouter(asn, add_path)
        return FakeBedRouter(made)

    async def lose_the_daemon(self) -> None:
        self.daemon.kill()

    async def replace_the_daemon(self) -> None:
        self.daemon.replace()


# --- real -----------------------------------------------------------------------------------


@dataclass
class RealRouter:
    stub: Stub
    speaker: Address

    async def heard(self) -> dict[RouteKey, list[pb.Path]]:
        found: dict[RouteKey, list[pb.Path]] = {}
        for family in (IPV4, IPV6):
            request = pb.ListPathRequest(
                table_type=pb.TABLE_TYPE_ADJ_IN, family=family, name=str(self.speaker)
            )
            async for reply in self.stub.ListPath(request, timeout=30):
                listed = reply.destination
                for key, path in keyed(listed.prefix, list(listed.paths)):
                    found.setdefault(key, []).append(path)
        return found

    async def flood(self, prefixes: list[str]) -> None:
        async def batches() -> AsyncIterator[pb.AddPathStreamRequest]:
            for start in range(0, len(prefixes), 1000):
                yield pb.AddPathStreamRequest(
                    table_type=pb.TABLE_TYPE_GLOBAL,
                    paths=[plain_path(text) for text in prefixes[start : start + 1000]],
                )

        await self.stub.AddPathStream(batches(), timeout=30)


def plain_path(prefix: str, hop: str = "192.0.2.99") -> pb.Path:
    """Return a path as somebody else would put it: no mark, no identifier."""
    network = ip_network(prefix)
    return pb.Path(
        family=IPV4,
        nlri=nl.NLRI(
            prefix=nl.IPAddressPrefix(
                prefix=str(network.network_address), prefix_len=network.prefixlen
            )
        ),
        pattrs=[
            at.Attribute(origin=at.OriginAttribute(origin=0)),
            at.Attribute(next_hop=at.NextHopAttribute(next_hop=hop)),
        ],
    )


def foreign_peer(address: str) -> pb.Peer:
    """Return a neighbor as somebody else would configure it."""
    return pb.Peer(
        conf=pb.PeerConf(neighbor_address=address, peer_asn=64511, description="not ours"),
        timers=pb.Timers(config=pb.TimersConfig(hold_time=90)),
    )


@dataclass
class RealBed:
    """gobgpd processes in a namespace; closed by :func:`real_bed`."""

    gobgpd: str
    folder: Path
    namespace: str
    stack: contextlib.AsyncExitStack
    speaker: GobgpSpeaker = field(init=False)
    stub: Stub = field(init=False)
    process: subprocess.Popen[bytes] = field(init=False)

    @property
    def socket(self) -> Path:
        return self.folder / "speaker.sock"

    async def open(self) -> None:
        self.process = self._spawn("speaker")
        self.stub = await self.stack.enter_async_context(channel_to(self.socket))
        self.speaker = GobgpSpeaker(self.stub)
        await answering(self.stub)

    def _spawn(self, name: str) -> subprocess.Popen[bytes]:
        socket = self.folder / f"{name}.sock"
        socket.unlink(missing_ok=True)
        with (self.folder / f"{name}.log").open("ab") as words:
            process = subprocess.Popen(
                [
                    *("nsenter", f"--net=/run/netns/{self.namespace}", self.gobgpd),
                    *(f"--api-hosts=unix://{socket}", "--pprof-disable", "--metrics-path="),
                ],
                stdout=words,
                stderr=words,
            )
        self.stack.callback(_end, process)
        return process

    async def router(
        self,
        address: str,
        asn: int,
        *,
        add_path: bool = True,
        calls: bool = False,
        us: int = US.asn,
    ) -> Router:
        name = f"router-{address.replace(':', '-')}"
        self._spawn(name)
        stub = await self.stack.enter_async_context(channel_to(self.folder / f"{name}.sock"))
        await answering(stub)
        at_home = ip_address(address)
        source = OURS4 if at_home.version == 4 else OURS6
        wanted = pb.Global(
            asn=asn,
            router_id=f"198.18.1.{int(at_home) & 0xFF}",
            listen_port=PORT,
            listen_addresses=[address],
        )
        await stub.StartBgp(pb.StartBgpRequest(**{"global": wanted}), timeout=5)
        families = [
            pb.AfiSafi(
                config=pb.AfiSafiConfig(family=family, enabled=True),
                add_paths=pb.AddPaths(config=pb.AddPathsConfig(receive=add_path)),
            )
            for family in (IPV4, IPV6)
        ]
        speaker = pb.Peer(
            conf=pb.PeerConf(neighbor_address=str(source), peer_asn=us),
            transport=pb.Transport(passive_mode=not calls, remote_port=PORT, local_address=address),
            timers=pb.Timers(config=pb.TimersConfig(connect_retry=2)),
            afi_safis=families,
        )
        await stub.AddPeer(pb.AddPeerRequest(peer=speaker), timeout=5)
        return RealRouter(stub, source)

    async def lose_the_daemon(self) -> None:
        _end(self.process)

    async def replace_the_daemon(self) -> None:
        _end(self.process)
        self.process = self._spawn("speaker")
        await answering(self.stub)


async def answering(stub: Stub) -> None:
    """Wait until the daemon behind *stub* is up."""

    async def asked() -> bool:
        try:
            await stub.GetBgp(pb.GetBgpRequest(), timeout=1)
        except grpc.aio.AioRpcError as error:
            return "server stopped" in (error.details() or "")
        return True

    await eventually(asked, True)


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGKILL)
    process.wait()


@contextlib.contextmanager
def namespace() -> Iterator[str]:
    """Yield the name of a fresh network namespace with the bed's addresses on its loopback."""
    name = f"pmspk-{os.getpid()}-{next(_serial)}"

    def ip(*words: str) -> None:
        subprocess.run(["ip", *words], check=True, capture_output=True)

    ip("netns", "add", name)
    try:
        ip("-n", name, "link", "set", "lo", "up")
        for last in (1, 2, 3, 4):
            ip("-n", name, "address", "add", f"2001:db8::{last}/128", "dev", "lo", "nodad")
        yield name
    finally:
        ip("netns", "delete", name)


@contextlib.asynccontextmanager
async def real_bed(gobgpd: str, folder: Path) -> AsyncIterator[RealBed]:
    """Yield a bed of real processes; nothing of it is left behind."""
    with namespace() as name:
        async with contextlib.AsyncExitStack() as stack:
            bed = RealBed(gobgpd, folder, name, stack)
            await bed.open()
            yield bed
