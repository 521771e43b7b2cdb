"""The routes target: our local paths in GoBGP's GLOBAL table.

Adj-rib-out is not read back: it is empty for a peer that is down, and computed rather
than remembered for one that is up (measured). Everything is checked before the first
message leaves, because a batch is all-or-nothing and what came before it stays.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence

from manager.adapters import gobgp_codec as codec
from manager.adapters import gobgp_exports as exports
from manager.adapters import gobgp_paths as paths
from manager.adapters.gobgp_rpc import TABLE_WITHIN_S, Stub, asked_to, own_as
from manager.adapters.gobgp_table import local_paths
from manager.adapters.gobgp_wire import WireNumbers
from pointsman.gobgp_api import gobgp_pb2 as pb
from pointsman.model.delta import Delta
from pointsman.model.route import PeerName, Route, RouteKey
from pointsman.runtime.target import Unavailable

BATCH = 1000  # paths per message: 49,000 to 62,000 paths a second (measured)


class GobgpRoutes:
    """Target[RouteKey, Route] on a gobgpd."""

    def __init__(self, stub: Stub) -> None:
        self._stub = stub
        self._wire = WireNumbers()

    async def observe(self) -> Mapping[RouteKey, Route]:
        """Return every route of ours, with the peers that may hear it."""
        asn = await own_as(self._stub)
        numbers = await exports.numbers(self._stub, asn)
        held = await local_paths(self._stub, asn)
        self._wire.read(held)
        return paths.observed(held, {n: peer for peer, n in numbers.items()})

    async def apply(self, work: Delta[RouteKey, Route]) -> None:
        """Put, then drop.

        A route whose peer has no export rule yet is left for a later pass, and so are the
        drops that came with it: what replaces them may be among those.

        Raises:
            ValueError: a value BGP has no place for; nothing was sent.
            Unavailable: the daemon, or the export rule of a peer, isn't there.
        """
        if not work:
            return
        asn = await own_as(self._stub)
        for key, route in work.put.items():
            paths.check(key, route, asn)
        numbers = await exports.numbers(self._stub, asn)
        unknown = {peer for route in work.put.values() for peer in route.peers} - numbers.keys()
        if unknown:
            ready = {key: r for key, r in work.put.items() if not r.peers & unknown}
            await self._send(Delta(put=ready, drop=frozenset()), numbers, asn)
            raise Unavailable(f"GoBGP has no export rule yet for {', '.join(sorted(unknown))}.")
        await self._send(work, numbers, asn)

    async def _send(
        self, work: Delta[RouteKey, Route], numbers: Mapping[PeerName, int], asn: int
    ) -> None:
        touched = {key.prefix for key in (*work.put, *work.drop)}
        held = await local_paths(self._stub, asn, touched)
        todo = self._wire.lead(paths.steps(work, held, numbers), held)
        await self._stream(f"advertise {len(todo.puts)} paths", _batches(todo.puts, asn))
        gone = todo.withdrawals
        await self._stream(f"withdraw {len(gone)} paths", _batches(gone, asn))
        self._wire.read(await local_paths(self._stub, asn, touched), gone=touched)

    async def _stream(self, deed: str, batches: AsyncIterator[pb.AddPathStreamRequest]) -> None:
        with asked_to(deed):
            await self._stub.AddPathStream(batches, timeout=TABLE_WITHIN_S)


async def _batches(
    steps: Sequence[paths.Put | paths.Withdrawal], asn: int
) -> AsyncIterator[pb.AddPathStreamRequest]:
    for start in range(0, len(steps), BATCH):
        batch = [
            codec.encode(one, asn) if isinstance(one, paths.Put) else codec.encode_withdrawal(one)
            for one in steps[start : start + BATCH]
        ]
        yield pb.AddPathStreamRequest(table_type=pb.TABLE_TYPE_GLOBAL, paths=batch)
        await asyncio.sleep(0)  # heartbeats and leases share this loop
