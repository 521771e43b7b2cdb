"""What routers hear when a speaker is stopped in order."""

import asyncio
import struct
from argparse import Namespace
from collections.abc import Iterator, Mapping
from pathlib import Path

import grpc
import pytest

from pointsman.gobgp_api import capability_pb2 as cap
from pointsman.gobgp_api import gobgp_pb2 as pb
from pointsman.gobgp_api.gobgp_pb2_grpc import GoBgpServiceStub
from sidecars.gobgp.farewell import COMMUNICATION, keeps_routes
from tests.conformance.gobgp.rawpeer import message, opening
from tests.sidecars.test_gobgp import PATIENCE_S, Sidecar

OPEN, KEEPALIVE = 1, 4  # RFC 4271 section 4.1
CEASE, ADMINISTRATIVE_SHUTDOWN = 6, 2  # RFC 4486 section 3
ROUTER = Namespace(asn=64500, hold=90, identifier="198.51.100.1")


@pytest.fixture
def sidecar(parts: Mapping[str, Mapping[str, str]], tmp_path: Path) -> Iterator[Sidecar]:
    made = Sidecar(parts["gobgpd"]["path"], tmp_path / "private" / "gobgp.sock")
    made.start().up()
    yield made
    made.process.kill()
    made.process.communicate()


class Router:
    """Takes a session, and notes what ends it."""

    def __init__(self) -> None:
        self.up = asyncio.Event()
        self.notification = asyncio.get_running_loop().create_future()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(opening(ROUTER))
            while True:
                head = await reader.readexactly(19)
                length, kind = struct.unpack("!HB", head[16:])
                body = await reader.readexactly(length - 19)
                if kind == OPEN:
                    writer.write(message(KEEPALIVE))
                elif kind == KEEPALIVE:
                    self.up.set()
                elif kind == 3 and not self.notification.done():
                    self.notification.set_result(body)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


async def test_a_router_reads_why(sidecar: Sidecar) -> None:
    router = Router()
    server = await asyncio.start_server(router.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, asyncio.timeout(PATIENCE_S):
        await asyncio.to_thread(configure, sidecar, port)
        await router.up.wait()
        sidecar.process.terminate()
        heard = await router.notification
    assert tuple(heard[:2]) == (CEASE, ADMINISTRATIVE_SHUTDOWN)
    assert heard[2] == len(heard) - 3
    assert heard[3:].decode() == COMMUNICATION
    assert (await asyncio.to_thread(sidecar.ended))[0] == 0


def configure(sidecar: Sidecar, port: int) -> None:
    """Open a session with the router at *port*."""
    with grpc.insecure_channel(f"unix:{sidecar.socket}") as channel:
        stub = GoBgpServiceStub(channel)
        ours = pb.Global(asn=64501, router_id="198.51.100.2", listen_port=-1)
        stub.StartBgp(pb.StartBgpRequest(**{"global": ours}), timeout=5)
        peer = pb.Peer(
            conf=pb.PeerConf(neighbor_address="127.0.0.1", peer_asn=ROUTER.asn),
            transport=pb.Transport(remote_port=port),
            timers=pb.Timers(config=pb.TimersConfig(connect_retry=2, hold_time=90)),
        )
        stub.AddPeer(pb.AddPeerRequest(peer=peer), timeout=5)


def test_the_sentence_fits() -> None:
    assert len(COMMUNICATION.encode()) <= 255  # RFC 9003 section 2


@pytest.mark.parametrize(
    ("ours", "theirs", "keeps"),
    [(True, True, True), (True, False, False), (False, True, False), (False, False, False)],
)
def test_who_keeps_our_routes_is_not_told(ours: bool, theirs: bool, keeps: bool) -> None:
    restart = cap.Capability(graceful_restart=cap.GracefulRestartCapability())
    refresh = cap.Capability(route_refresh=cap.RouteRefreshCapability())
    state = pb.PeerState(
        local_cap=[refresh, *([restart] if ours else [])],
        remote_cap=[refresh, *([restart] if theirs else [])],
    )
    assert keeps_routes(pb.Peer(state=state)) is keeps
