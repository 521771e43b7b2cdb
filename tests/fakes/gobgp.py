"""A gobgpd 4.8 in memory: strict, stateful, and wrong where the real one is.

It stands where the generated stub stands, so the adapter under test is the whole one. It
answers only what the adapter asks; what the real daemon accepts and gets quietly wrong (an
IPv4 prefix in the IPv6 family, send_max 256) is an AssertionError here. Kept as measured:
StopBgp is terminal; a second StartBgp empties the table; a path narrowed in place stays at
the router; ListPeer shows the address a live session uses; passwords are shown.

One file although long: it is one process with one state.
"""

# ruff: noqa: N802 - the generated stub's names

import asyncio
from collections import Counter
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any

import grpc

from pointsman.gobgp_api import gobgp_pb2 as pb
from pointsman.gobgp_api import nlri_pb2 as nl
from tests.fakes.gobgp_octets import listed
from tests.fakes.gobgp_policy import Policies, Refused, prepended

EPOCH_S = 1_700_000_000
PathId = tuple[int, str, int]  # AFI, prefix, identifier


@dataclass
class FakeRouter:
    """The other end of a session: what it heard, and what it would say."""

    asn: int
    receives_add_path: bool = True
    password: str = ""
    heard: dict[PathId, pb.Path] = field(default_factory=dict)
    beyond: dict[PathId, pb.Path] = field(default_factory=dict)  # not sent it: over send_max

    def agrees(self, peer: pb.Peer) -> bool:
        """Say whether a session can come of what the speaker was told; GTSM isn't on here."""
        same = (self.asn, self.password) == (peer.conf.peer_asn, peer.conf.auth_password)
        return same and not peer.ttl_security.enabled


def failure(words: str, code: grpc.StatusCode = grpc.StatusCode.UNKNOWN) -> grpc.aio.AioRpcError:
    """Return gobgpd's error as gRPC delivers it."""
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(), words)


class FakeGobgpd:
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

    def as_stub(self) -> Any:
        """Return it as the adapter takes it; the generated stub's type is gRPC's own."""
        return self

    # --- what happens to the process --------------------------------------------------------

    def kill(self) -> None:
        """End it as SIGKILL does; routers without graceful restart forget us."""
        self.away = True
        self.lives += 1
        self._fresh()
        for router in self.routers.values():
            router.heard.clear()
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

    # --- its identity -----------------------------------------------------------------------

    async def GetBgp(self, request: pb.GetBgpRequest, *, timeout: float) -> pb.GetBgpResponse:
        self._alive("GetBgp")
        shown = self.running or pb.Global(router_id="invalid IP")
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

    async def StopBgp(self, request: pb.StopBgpRequest, *, timeout: float) -> pb.StopBgpResponse:
        self._alive("StopBgp")
        for address in list(self.peers):
            self._down(address)
        self.stopped = True
        return pb.StopBgpResponse()

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

    # --- policy -----------------------------------------------------------------------------

    def _policies(self, name: str) -> Policies:
        self._active(name)
        return self.policy

    async def AddDefinedSet(self, request: pb.AddDefinedSetRequest, *, timeout: float) -> None:
        with _refusals():
            self._policies("AddDefinedSet").add_set(request)

    async def DeleteDefinedSet(
        self, request: pb.DeleteDefinedSetRequest, *, timeout: float
    ) -> None:
        with _refusals():
            self._policies("DeleteDefinedSet").delete_set(request)

    async def ListDefinedSet(
        self, request: pb.ListDefinedSetRequest, *, timeout: float
    ) -> AsyncIterator[pb.ListDefinedSetResponse]:
        sets = self._policies("ListDefinedSet").sets[request.defined_type]
        for name, entries in list(sets.items()):
            shown = pb.DefinedSet(defined_type=request.defined_type, name=name, list=entries)
            yield pb.ListDefinedSetResponse(defined_set=shown)

    async def AddPolicy(self, request: pb.AddPolicyRequest, *, timeout: float) -> None:
        with _refusals():
            self._policies("AddPolicy").add_policy(request.policy)

    async def DeletePolicy(self, request: pb.DeletePolicyRequest, *, timeout: float) -> None:
        with _refusals():
            self._policies("DeletePolicy").delete_policy(request)

    async def ListPolicy(
        self, request: pb.ListPolicyRequest, *, timeout: float
    ) -> AsyncIterator[pb.ListPolicyResponse]:
        held = self._policies("ListPolicy")
        for name in list(held.policies):
            if request.name in {"", name}:
                yield pb.ListPolicyResponse(policy=held.listed(name))

    async def ListStatement(
        self, request: pb.ListStatementRequest, *, timeout: float
    ) -> AsyncIterator[pb.ListStatementResponse]:
        for statement in self._policies("ListStatement").listed_statements(request.name):
            yield pb.ListStatementResponse(statement=statement)

    async def DeleteStatement(self, request: pb.DeleteStatementRequest, *, timeout: float) -> None:
        with _refusals():
            self._policies("DeleteStatement").delete_statement(request)

    async def SetPolicyAssignment(
        self, request: pb.SetPolicyAssignmentRequest, *, timeout: float
    ) -> None:
        with _refusals():
            self._policies("SetPolicyAssignment").assign(request.assignment)

    async def ListPolicyAssignment(
        self, request: pb.ListPolicyAssignmentRequest, *, timeout: float
    ) -> AsyncIterator[pb.ListPolicyAssignmentResponse]:
        held = self._policies("ListPolicyAssignment")
        shown = pb.PolicyAssignment(
            name=request.name,
            direction=request.direction,
            default_action=held.default[request.direction],  # type: ignore[arg-type]
            policies=[held.listed(name) for name in held.assigned[request.direction]],
        )
        yield pb.ListPolicyAssignmentResponse(assignment=shown)

    # --- paths ------------------------------------------------------------------------------

    async def AddPathStream(
        self, batches: AsyncIterable[pb.AddPathStreamRequest], *, timeout: float
    ) -> None:
        self._active("AddPathStream")
        async for batch in batches:
            if self.die_after_batches is not None:
                if self.die_after_batches == 0:
                    self.die_after_batches = None
                    self.kill()
                    raise failure("Socket closed", grpc.StatusCode.UNAVAILABLE)
                self.die_after_batches -= 1
            if batch.table_type != pb.TABLE_TYPE_GLOBAL:
                raise failure(f"unsupported resource: {batch.table_type}")
            named = [(_identify(path), path) for path in batch.paths]  # all or nothing
            for identity, path in named:
                if path.is_withdraw:
                    self._withdraw(identity)
                else:
                    self._put(identity, path)

    async def AddPath(self, request: pb.AddPathRequest, *, timeout: float) -> None:
        """Only tests call it: somebody else at the API."""
        self._active("AddPath")
        self._put(_identify(request.path), request.path)

    def _put(self, identity: PathId, path: pb.Path) -> None:
        if not self.policy.imported(path):
            return  # with an OK
        before = self.table.pop(identity, None)  # the latest put is the best
        if before is None:
            self._numbers[identity[:2]] += 1  # never one again, while it lives (4.8)
        number = self._numbers[identity[:2]] if before is None else before.local_identifier
        path.local_identifier = number
        self.table[identity] = path
        for address, router in self._told(identity[0]):
            if not router.receives_add_path:
                self._tell_best(address, router, identity)
            elif (told := self._exported(path, address)) is not None:
                if identity in router.heard or self._room(address, router, identity):
                    router.heard[identity] = told
                else:
                    router.beyond[identity] = told
            # else: what it heard under this identifier stays there (4.8)

    def _room(self, address: str, router: FakeRouter, identity: PathId) -> bool:
        """Say whether one more path of a prefix goes out as it is put; a resend asks nobody."""
        families = self.peers[address].afi_safis
        most = next(f for f in families if f.config.family.afi == identity[0])
        there = sum(key[:2] == identity[:2] for key in router.heard)
        return there < most.add_paths.config.send_max

    def _withdraw(self, identity: PathId) -> None:
        if self.table.pop(identity, None) is None:
            return
        for address, router in self._told(identity[0]):
            if router.receives_add_path:
                sent = router.heard.pop(identity, None)
                if router.beyond.pop(identity, None) is None and sent is not None:
                    waits = next((k for k in router.beyond if k[:2] == identity[:2]), None)
                    if waits is not None:
                        router.heard[waits] = router.beyond.pop(waits)
            else:
                self._tell_best(address, router, identity)

    def _tell_best(self, address: str, router: FakeRouter, identity: PathId) -> None:
        """Without ADD-PATH a router hears the best path, if it may, and no other instead."""
        afi, prefix, _ = identity
        rivals = [path for key, path in self.table.items() if key[:2] == (afi, prefix)]
        # The lowest ORIGIN is the best, of equal ones the latest (4.8); `max` takes the first.
        best = max(reversed(rivals), key=lambda path: -_origin(path), default=None)
        told = self._exported(best, address) if best is not None else None
        router.heard.pop((afi, prefix, 0), None)
        if told is not None:
            router.heard[afi, prefix, 0] = told

    def _exported(self, path: pb.Path, address: str) -> pb.Path | None:
        """Return what goes out; policy sees the AS that an eBGP neighbor sees in any case."""
        peer = self.peers[address]
        if peer.conf.peer_asn != peer.conf.local_asn:
            path = prepended(path, peer.conf.local_asn, 1)
        return self.policy.exported(path, address)

    def _told(self, afi: int) -> list[tuple[str, FakeRouter]]:
        return [
            (address, self.routers[address])
            for address, peer in self.peers.items()
            if _up(peer) and afi in _afis(peer)
        ]

    async def ListPath(
        self, request: pb.ListPathRequest, *, timeout: float
    ) -> AsyncIterator[pb.ListPathResponse]:
        self._active("ListPath")
        assert request.family.safi == 1
        table = self.table
        if request.table_type == pb.TABLE_TYPE_ADJ_OUT:
            if request.name not in self.peers:
                raise failure(f"neighbor that has {request.name} doesn't exist")
            if request.family.afi not in _afis(self.peers[request.name]):
                raise failure(f"{request.family.afi} unsupported")
            router = self.routers[request.name]
            table = {**router.heard, **{k: _beyond(p) for k, p in router.beyond.items()}}
        wanted = {lookup.prefix for lookup in request.prefixes}
        found: dict[str, list[pb.Path]] = {}
        for (afi, prefix, _), path in table.items():
            if afi == request.family.afi and (not wanted or prefix in wanted):
                found.setdefault(prefix, []).insert(0, path)
        for prefix, paths in found.items():
            if request.enable_attribute_binary:
                paths = [listed(path) for path in paths]
            yield pb.ListPathResponse(destination=pb.Destination(prefix=prefix, paths=paths))

    # --- neighbors --------------------------------------------------------------------------

    async def AddPeer(self, request: pb.AddPeerRequest, *, timeout: float) -> None:
        self._active("AddPeer")
        if request.peer.conf.neighbor_address in self.peers:
            address = request.peer.conf.neighbor_address
            raise failure(f"can't overwrite the existing peer: {address}")
        self._configure(request.peer)

    async def UpdatePeer(self, request: pb.UpdatePeerRequest, *, timeout: float) -> None:
        self._active("UpdatePeer")
        address = request.peer.conf.neighbor_address
        if address not in self.peers:
            raise failure(f"neighbor that has {address} doesn't exist")
        held = self.peers[address]
        if _open_of(held) != _open_of(request.peer):
            self._down(address)
            self.resets[address] = self.resets.get(address, 0) + 1
            self._configure(request.peer)
        else:
            held.timers.config.CopyFrom(request.peer.timers.config)
            held.bfd.CopyFrom(request.peer.bfd)

    async def DeletePeer(self, request: pb.DeletePeerRequest, *, timeout: float) -> None:
        self._active("DeletePeer")
        if request.address not in self.peers:
            raise failure(f"neighbor that has {request.address} doesn't exist")
        self._down(request.address)

    def _down(self, address: str) -> None:
        if _up(self.peers.pop(address)):
            self.routers[address].heard.clear()
        self._event()

    def _configure(self, peer: pb.Peer) -> None:
        running = self.running
        assert running is not None
        assert peer.conf.peer_asn, "AS 0 would be accepted"
        assert peer.timers.config.hold_time, "0 would mean 90"
        for family in peer.afi_safis:
            assert family.add_paths.config.send_max <= 255, "one byte: 256 would mean 0"
        if peer.ebgp_multihop.enabled and peer.ttl_security.enabled:
            raise failure("ebgp-multihop and ttl-security are mututally exclusive")
        held = pb.Peer()
        held.CopyFrom(peer)
        address = peer.conf.neighbor_address
        held.conf.local_asn = peer.conf.local_asn or running.asn
        held.state.session_state = pb.PeerState.SESSION_STATE_ACTIVE
        self.peers[address] = held
        router = self.routers.get(address)
        if router is not None and router.agrees(peer):
            self._establish(address, router)
        self._event()

    def _establish(self, address: str, router: FakeRouter) -> None:
        peer = self.peers[address]
        peer.state.session_state = pb.PeerState.SESSION_STATE_ESTABLISHED
        peer.timers.state.uptime.seconds = EPOCH_S + self.resets.get(address, 0)
        peer.timers.state.negotiated_hold_time = peer.timers.config.hold_time
        for family in peer.afi_safis:
            for caps in (peer.state.local_cap, peer.state.remote_cap):
                caps.add().multi_protocol.family.CopyFrom(family.config.family)
            if family.add_paths.config.send_max:
                ours = peer.state.local_cap.add().add_path.tuples.add(mode=2)
                ours.family.CopyFrom(family.config.family)
            if router.receives_add_path:
                theirs = peer.state.remote_cap.add().add_path.tuples.add(mode=1)
                theirs.family.CopyFrom(family.config.family)
        self._resend(address)

    def _resend(self, address: str) -> None:
        router, peer = self.routers[address], self.peers[address]
        router.heard.clear()
        router.beyond.clear()
        for identity, path in self.table.items():
            if identity[0] not in _afis(peer):
                continue
            if not router.receives_add_path:
                self._tell_best(address, router, identity)
            elif (told := self._exported(path, address)) is not None:
                router.heard[identity] = told

    async def ResetPeer(self, request: pb.ResetPeerRequest, *, timeout: float) -> None:
        self._active("ResetPeer")
        assert request.soft, "a hard reset would drop the session"
        assert request.direction == pb.ResetPeerRequest.DIRECTION_OUT
        if request.address not in self.peers:
            raise failure(f"neighbor that has {request.address} doesn't exist")
        if _up(self.peers[request.address]):
            self._resend(request.address)

    async def ListPeer(
        self, request: pb.ListPeerRequest, *, timeout: float
    ) -> AsyncIterator[pb.ListPeerResponse]:
        self._alive("ListPeer")  # before StartBgp: empty, not an error
        assert not request.enable_advertised, "counts the whole table of every session"
        for peer in self.peers.values():
            shown = pb.Peer()
            shown.CopyFrom(peer)
            if _up(peer):
                shown.transport.local_address = "127.0.0.1"
            else:
                shown.transport.local_address = peer.transport.local_address or "0.0.0.0"
            yield pb.ListPeerResponse(peer=shown)


@contextmanager
def _refusals() -> Iterator[None]:
    """Turn the policy engine's refusal into what gRPC delivers."""
    try:
        yield
    except Refused as error:
        raise failure(str(error)) from error


def _beyond(path: pb.Path) -> pb.Path:
    """Return *path* as it is listed though it was not sent."""
    shown = pb.Path()
    shown.CopyFrom(path)
    shown.send_max_filtered = True
    return shown


def _origin(path: pb.Path) -> int:
    return next(one.origin.origin for one in path.pattrs if one.HasField("origin"))


def _up(peer: pb.Peer) -> bool:
    return peer.state.session_state == pb.PeerState.SESSION_STATE_ESTABLISHED


def _afis(peer: pb.Peer) -> set[int]:
    return {one.config.family.afi for one in peer.afi_safis}


def _open_of(peer: pb.Peer) -> tuple[object, ...]:
    """Return what the OPEN message and the TCP connection are made of."""
    families = sorted(
        (
            one.config.family.afi,
            one.add_paths.config.send_max,
            one.mp_graceful_restart.config.enabled,
        )
        for one in peer.afi_safis
    )
    conf, port = peer.conf, peer.transport
    return (
        (conf.peer_asn, conf.auth_password, conf.description),
        (port.remote_port, port.passive_mode),
        (peer.ebgp_multihop.multihop_ttl, peer.ttl_security.enabled),
        (peer.graceful_restart.enabled, peer.graceful_restart.restart_time),
        families,
    )


def _identify(path: pb.Path) -> PathId:
    """Return which path of the table this is; refuse what gobgpd refuses, and what it doesn't."""
    prefix = _network(path.nlri)
    assert path.family.safi == 1
    assert (path.family.afi == 1) == (ip_network(prefix).version == 4), "family and prefix differ"
    kinds = [attribute.WhichOneof("attr") for attribute in path.pattrs]
    if len(set(kinds)) != len(kinds):
        raise failure("duplicate path attribute")
    if not path.is_withdraw:
        if "origin" not in kinds:
            raise failure("no origin path attr")
        if not {"next_hop", "mp_reach"} & set(kinds):
            raise failure("nexthop not found")
    for attribute in path.pattrs:
        if attribute.HasField("mp_reach") and not attribute.mp_reach.nlris:
            raise failure("mp reach nlri value is empty")
        if attribute.HasField("next_hop"):
            assert ip_address(attribute.next_hop.next_hop).version == 4
    return path.family.afi, prefix, path.identifier


def _network(nlri: nl.NLRI) -> str:
    return str(ip_network(f"{nlri.prefix.prefix}/{nlri.prefix.prefix_len}"))  # strict: no host bits
