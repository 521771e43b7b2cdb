"""A gobgpd 4.8 in memory: strict, stateful, and wrong where the real one is.

It stands where the generated stub stands, so the adapter under test is the whole one. It
answers only what the adapter asks; what the real daemon accepts and gets quietly wrong (an
IPv4 prefix in the IPv6 family, send_max 256) is an AssertionError here. Kept as measured:
StopBgp is terminal; a second StartBgp empties the table; a path narrowed in place stays at
the router; ListPeer shows the address a live session uses; passwords are shown.
"""

# ruff: noqa: N802 - the generated stub's names

from collections.abc import AsyncIterator
from typing import Any

from pointsman.gobgp_api import gobgp_pb2 as pb
from tests.fakes.gobgp_policy_calls import PolicyCalls
from tests.fakes.gobgp_process import FakeRouter, failure, is_up
from tests.fakes.gobgp_rib import Rib

__all__ = ["FakeGobgpd", "FakeRouter", "failure"]
EPOCH_S = 1_700_000_000


class FakeGobgpd(PolicyCalls, Rib):
    """One process; here are its neighbors."""

    def as_stub(self) -> Any:
        """Return it as the adapter takes it; the generated stub's type is gRPC's own."""
        return self

    async def StopBgp(self, request: pb.StopBgpRequest, *, timeout: float) -> pb.StopBgpResponse:
        self._alive("StopBgp")
        for address in list(self.peers):
            self._down(address)
        self.stopped = True
        return pb.StopBgpResponse()

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
        configured = self.peers[address]
        if _open_of(configured) != _open_of(request.peer):
            self._down(address)
            self.resets[address] = self.resets.get(address, 0) + 1
            self._configure(request.peer)
        else:
            configured.timers.config.CopyFrom(request.peer.timers.config)
            configured.bfd.CopyFrom(request.peer.bfd)

    async def DeletePeer(self, request: pb.DeletePeerRequest, *, timeout: float) -> None:
        self._active("DeletePeer")
        if request.address not in self.peers:
            raise failure(f"neighbor that has {request.address} doesn't exist")
        self._down(request.address)

    def _down(self, address: str) -> None:
        if is_up(self.peers.pop(address)):
            self.routers[address].received.clear()
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
        configured = pb.Peer()
        configured.CopyFrom(peer)
        address = peer.conf.neighbor_address
        configured.conf.local_asn = peer.conf.local_asn or running.asn
        configured.state.session_state = pb.PeerState.SESSION_STATE_ACTIVE
        self.peers[address] = configured
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

    async def ResetPeer(self, request: pb.ResetPeerRequest, *, timeout: float) -> None:
        self._active("ResetPeer")
        assert request.soft, "a hard reset would drop the session"
        assert request.direction == pb.ResetPeerRequest.DIRECTION_OUT
        if request.address not in self.peers:
            raise failure(f"neighbor that has {request.address} doesn't exist")
        if is_up(self.peers[request.address]):
            self._resend(request.address)

    async def ListPeer(
        self, request: pb.ListPeerRequest, *, timeout: float
    ) -> AsyncIterator[pb.ListPeerResponse]:
        self._alive("ListPeer")  # before StartBgp: empty, not an error
        assert not request.enable_advertised, "counts the whole table of every session"
        for peer in self.peers.values():
            shown = pb.Peer()
            shown.CopyFrom(peer)
            if is_up(peer):
                shown.transport.local_address = "127.0.0.1"
            else:
                shown.transport.local_address = peer.transport.local_address or "0.0.0.0"
            yield pb.ListPeerResponse(peer=shown)


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
