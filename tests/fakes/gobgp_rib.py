"""The tables of the fake gobgpd: the local paths, and what each router is sent of them."""

# ruff: noqa: N802 - the generated stub's names

from collections.abc import AsyncIterable, AsyncIterator
from ipaddress import ip_address, ip_network

import grpc

from pointsman.gobgp_api import gobgp_pb2 as pb
from pointsman.gobgp_api import nlri_pb2 as nl
from tests.fakes.gobgp_octets import listed
from tests.fakes.gobgp_policy import prepended
from tests.fakes.gobgp_process import FakeRouter, PathId, Process, afis, failure, is_up


class Rib(Process):
    """The GLOBAL table and every Adj-RIB-Out."""

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
        for address, router in self._sessions(identity[0]):
            if not router.receives_add_path:
                self._send_best(address, router, identity)
            elif (sent := self._exported(path, address)) is not None:
                if identity in router.received or self._room(address, router, identity):
                    router.received[identity] = sent
                else:
                    router.beyond[identity] = sent
            # else: what it heard under this identifier stays there (4.8)

    def _room(self, address: str, router: FakeRouter, identity: PathId) -> bool:
        """Say whether one more path of a prefix goes out as it is put; a resend asks nobody."""
        families = self.peers[address].afi_safis
        most = next(f for f in families if f.config.family.afi == identity[0])
        return router.received.by_prefix[identity[:2]] < most.add_paths.config.send_max

    def _withdraw(self, identity: PathId) -> None:
        if self.table.pop(identity, None) is None:
            return
        for address, router in self._sessions(identity[0]):
            if router.receives_add_path:
                sent = router.received.take(identity)
                if router.beyond.pop(identity, None) is None and sent is not None:
                    waits = next((k for k in router.beyond if k[:2] == identity[:2]), None)
                    if waits is not None:
                        router.received[waits] = router.beyond.pop(waits)
            else:
                self._send_best(address, router, identity)

    def _send_best(self, address: str, router: FakeRouter, identity: PathId) -> None:
        """Without ADD-PATH a router hears the best path, if it may, and no other instead."""
        afi, prefix, _ = identity
        rivals = [path for key, path in self.table.items() if key[:2] == (afi, prefix)]
        # The lowest ORIGIN is the best, of equal ones the latest (4.8); `max` takes the first.
        best = max(reversed(rivals), key=lambda path: -_origin(path), default=None)
        sent = self._exported(best, address) if best is not None else None
        router.received.take((afi, prefix, 0))
        if sent is not None:
            router.received[afi, prefix, 0] = sent

    def _exported(self, path: pb.Path, address: str) -> pb.Path | None:
        """Return what goes out; policy sees the AS that an eBGP neighbor sees in any case."""
        peer = self.peers[address]
        if peer.conf.peer_asn != peer.conf.local_asn:
            path = prepended(path, peer.conf.local_asn, 1)
        return self.policy.exported(path, address)

    def _sessions(self, afi: int) -> list[tuple[str, FakeRouter]]:
        return [
            (address, self.routers[address])
            for address, peer in self.peers.items()
            if is_up(peer) and afi in afis(peer)
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
            if request.family.afi not in afis(self.peers[request.name]):
                raise failure(f"{request.family.afi} unsupported")
            router = self.routers[request.name]
            table = {**router.received, **{k: _beyond(p) for k, p in router.beyond.items()}}
        wanted = {lookup.prefix for lookup in request.prefixes}
        found: dict[str, list[pb.Path]] = {}
        for (afi, prefix, _), path in table.items():
            if afi == request.family.afi and (not wanted or prefix in wanted):
                found.setdefault(prefix, []).insert(0, path)
        for prefix, paths in found.items():
            if request.enable_attribute_binary:
                paths = [listed(path) for path in paths]
            yield pb.ListPathResponse(destination=pb.Destination(prefix=prefix, paths=paths))

    def _resend(self, address: str) -> None:
        router, peer = self.routers[address], self.peers[address]
        router.received.clear()
        router.beyond.clear()
        for identity, path in self.table.items():
            if identity[0] not in afis(peer):
                continue
            if not router.receives_add_path:
                self._send_best(address, router, identity)
            elif (sent := self._exported(path, address)) is not None:
                router.received[identity] = sent


def _beyond(path: pb.Path) -> pb.Path:
    """Return *path* as it is listed though it was not sent."""
    shown = pb.Path()
    shown.CopyFrom(path)
    shown.send_max_filtered = True
    return shown


def _origin(path: pb.Path) -> int:
    return next(one.origin.origin for one in path.pattrs if one.HasField("origin"))


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
