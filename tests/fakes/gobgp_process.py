"""The fake gobgpd as a process: its state, its deaths, its identity and its events.

What the parts of the fake share stands here; :mod:`tests.fakes.gobgp` puts them together.
"""

# ruff: noqa: N802 - the generated stub's names

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from ipaddress import ip_address

import grpc

from pointsman.gobgp_api import gobgp_pb2 as pb
from tests.fakes.gobgp_policy import Policies

PathId = tuple[int, str, int]  # AFI, prefix, identifier


class Received(dict[PathId, pb.Path]):
    """What a router heard, counted by prefix: it is asked for each path that is put."""

    def __init__(self) -> None:
        super().__init__()
        self.by_prefix: Counter[tuple[int, str]] = Counter()

    def __setitem__(self, identity: PathId, path: pb.Path) -> None:
        if identity not in self:
            self.by_prefix[identity[:2]] += 1
        super().__setitem__(identity, path)

    def take(self, identity: PathId) -> pb.Path | None:
        """Take *identity* away; return its path, None: there was none."""
        if identity not in self:
            return None
        self.by_prefix[identity[:2]] -= 1
        return self.pop(identity)

    def clear(self) -> None:
        super().clear()
        self.by_prefix.clear()


@dataclass
class FakeRouter:
    """The other end of a session: what it heard, and what it would say."""

    asn: int
    receives_add_path: bool = True
    password: str = ""
    received: Received = field(default_factory=Received)
    beyond: dict[PathId, pb.Path] = field(default_factory=dict)  # not sent it: over send_max

    def agrees(self, peer: pb.Peer) -> bool:
        """Say whether a session can come of what the speaker was told; GTSM isn't on here."""
        same = (self.asn, self.password) == (peer.conf.peer_asn, peer.conf.auth_password)
        return same and not peer.ttl_security.enabled


def failure(words: str, code: grpc.StatusCode = grpc.StatusCode.UNKNOWN) -> grpc.aio.AioRpcError:
    """Return gobgpd's error as gRPC delivers it."""
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(), words)


class Process:
    """One process; :meth:`replace` is the parent's part."""

    def __init__(self) -> None:
        self.routers: dict[str, FakeRouter] = {}
        self.calls: list[str] = []
        self.die_after_batches: int | None = None  # gone in the middle of an AddPathStream
        self.port_taken = False  # by somebody else on its host: it cannot be started
        self.lives = 0  # grows with every death
        self._watchers: list[asyncio.Queue[bool]] = []
        self.away = False
        self._fresh()

    def _fresh(self) -> None:
        self.stopped = False
        self.running: pb.Global | None = None
        self.policy = Policies()
        self.table: dict[PathId, pb.Path] = {}  # in the order they were put
        self._numbers: Counter[tuple[int, str]] = Counter()  # the last on the wire, per prefix
        self.peers: dict[str, pb.Peer] = {}
        self.resets: dict[str, int] = {}  # sessions started anew, by address

    def kill(self) -> None:
        """End it as SIGKILL does; routers without graceful restart forget us."""
        self.away = True
        self.lives += 1
        self._fresh()
        for router in self.routers.values():
            router.received.clear()
        for watcher in self._watchers:
            watcher.put_nowait(False)
        self._watchers.clear()

    def replace(self) -> None:
        """Start a new, empty process, as its parent does after a death or StopBgp."""
        self.kill()
        self.away = False

    def _alive(self, name: str) -> None:
        self.calls.append(name)
        if self.away:
            raise failure("failed to connect to all addresses", grpc.StatusCode.UNAVAILABLE)
        if self.stopped:
            raise failure("server stopped")

    def _active(self, name: str) -> pb.Global:
        self._alive(name)
        if self.running is None:
            raise failure("bgp server hasn't started yet")
        return self.running

    async def GetBgp(self, request: pb.GetBgpRequest, *, timeout: float) -> pb.GetBgpResponse:
        self._alive("GetBgp")
        shown = pb.Global(router_id="invalid IP")
        if self.running is not None:
            shown.CopyFrom(self.running)
            shown.ClearField("confederation")  # it was taken, and is not shown (measured, 4.8)
        return pb.GetBgpResponse(**{"global": shown})

    async def StartBgp(self, request: pb.StartBgpRequest, *, timeout: float) -> pb.StartBgpResponse:
        self._alive("StartBgp")
        wanted = getattr(request, "global")
        assert wanted.asn, "AS 0 would be accepted"
        assert wanted.listen_port, "0 would listen on 179"
        for address in wanted.listen_addresses:
            ip_address(address)  # the daemon would crash
        if ip_address(wanted.router_id).version != 4:
            raise failure(f"router-id must be an IPv4 address: {wanted.router_id}")
        if self.port_taken:
            raise failure("listen tcp4 0.0.0.0:179: bind: address already in use")
        self.table.clear()
        self.policy = Policies()
        self.running = pb.Global()
        self.running.CopyFrom(wanted)
        if not wanted.listen_addresses:
            self.running.listen_addresses.extend(["0.0.0.0", "::"])
        return pb.StartBgpResponse()

    async def WatchEvent(self, request: pb.WatchEventRequest) -> AsyncIterator[object]:
        self.calls.append("WatchEvent")
        if self.away:
            raise failure("failed to connect", grpc.StatusCode.UNAVAILABLE)
        if self.stopped:
            raise failure("failed to watch event: server stopped", grpc.StatusCode.ABORTED)
        events: asyncio.Queue[bool] = asyncio.Queue()
        self._watchers.append(events)
        yield pb.WatchEventResponse()  # END_OF_INIT
        while await events.get():
            yield pb.WatchEventResponse()
        raise failure("Stream removed (Socket closed)", grpc.StatusCode.UNAVAILABLE)

    def _event(self) -> None:
        for watcher in self._watchers:
            watcher.put_nowait(True)


def is_up(peer: pb.Peer) -> bool:
    return peer.state.session_state == pb.PeerState.SESSION_STATE_ESTABLISHED


def afis(peer: pb.Peer) -> set[int]:
    return {one.config.family.afi for one in peer.afi_safis}
