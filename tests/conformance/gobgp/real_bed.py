"""The real bed: gobgpd processes in one network namespace of their own.

A router is a gobgpd that listens, and what it received is its Adj-RIB-In.
"""

import contextlib
import itertools
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

import grpc

from manager.adapters.gobgp.path_codec import IPV4, IPV6
from manager.adapters.gobgp.rpc import Stub, channel_to
from manager.adapters.gobgp.speaker import GobgpSpeaker
from pointsman.gobgp_api import gobgp_pb2 as pb
from pointsman.model.address import Address
from pointsman.model.route import RouteKey
from tests.conformance.gobgp.bed import (
    OURS4,
    OURS6,
    PATIENCE_S,
    PORT,
    US,
    Router,
    eventually,
    keyed,
    plain_path,
)

_serial = itertools.count()


@dataclass
class RealRouter:
    stub: Stub
    speaker: Address

    async def received(self) -> dict[RouteKey, list[pb.Path]]:
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
        with (self.folder / f"{name}.log").open("ab") as log_file:
            process = subprocess.Popen(
                [
                    *("nsenter", f"--net=/run/netns/{self.namespace}", self.gobgpd),
                    *(f"--api-hosts=unix://{socket}", "--pprof-disable", "--metrics-path="),
                ],
                stdout=log_file,
                stderr=log_file,
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
        await stub.StartBgp(pb.StartBgpRequest(**{"global": wanted}), timeout=PATIENCE_S)
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
        await stub.AddPeer(pb.AddPeerRequest(peer=speaker), timeout=PATIENCE_S)
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

    def ip(*arguments: str) -> None:
        subprocess.run(["ip", *arguments], check=True, capture_output=True)

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
