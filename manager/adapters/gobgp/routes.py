"""The routes target: our local paths in GoBGP's GLOBAL table.

Adj-rib-out is not read back: it is empty for a peer that is down, and computed rather
than remembered for one that is up (measured). Everything is checked before the first
message leaves, because a batch is all-or-nothing and what came before it stays.

A change costs one call, and one more to read new paths back under the numbers that
routers receive; the rest is known from the last reading and what was acknowledged since.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence

from manager.adapters.gobgp import exports, path_codec, paths
from manager.adapters.gobgp.known_state import Known, by_prefix
from manager.adapters.gobgp.rpc import Stub, asked_to, own_as, within_s
from manager.adapters.gobgp.table import FEW, local_paths
from manager.adapters.gobgp.wire_identifiers import WireNumbers
from pointsman.gobgp_api import gobgp_pb2 as pb
from pointsman.model.address import Prefix
from pointsman.model.delta import Delta
from pointsman.model.route import PeerName, Route, RouteKey
from pointsman.runtime.target import Unavailable

BATCH = 1000  # paths per message: 49,000 to 62,000 paths a second (measured)
Sent = Sequence[paths.Put | paths.Withdrawal]


class GobgpRoutes:
    """Target[RouteKey, Route] on a gobgpd."""

    def __init__(self, stub: Stub, known: Known) -> None:
        self._stub, self._known = stub, known
        self._wire = WireNumbers()

    async def observe(self) -> Mapping[RouteKey, Route]:
        """Return every route of ours, with the peers that may be sent it."""
        with self._known.sure():
            asn = self._known.asn = await own_as(self._stub)
            numbers = await self._known.learn_numbers(exports.numbers(self._stub, asn))
            reading = self._known.begin()
            present = await local_paths(self._stub, asn)
        self._wire.read(self._known.learn(reading, present))
        return paths.observed(present, {n: peer for peer, n in numbers.items()})

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
        asn, numbers = await self._facts()
        for key, route in work.put.items():
            paths.check(key, route, asn)
        unknown = {peer for route in work.put.values() for peer in route.peers} - numbers.keys()
        if unknown:
            self._known.forget_numbers()  # have them read again
            ready = {key: r for key, r in work.put.items() if not r.peers & unknown}
            await self._send(Delta(put=ready, drop=frozenset()), numbers, asn)
            raise Unavailable(f"GoBGP has no export rule yet for {', '.join(sorted(unknown))}.")
        await self._send(work, numbers, asn)

    async def _facts(self) -> tuple[int, Mapping[PeerName, int]]:
        """Return the daemon's AS and the number of every peer, asked for only if not known."""
        known = self._known
        with known.sure():
            if known.asn is None:
                known.asn = await own_as(self._stub)
            asn = known.asn
            if known.numbers is not None:
                return asn, known.numbers
            return asn, await known.learn_numbers(exports.numbers(self._stub, asn))

    async def _send(
        self, work: Delta[RouteKey, Route], numbers: Mapping[PeerName, int], asn: int
    ) -> None:
        touched = {key.prefix for key in (*work.put, *work.drop)}
        with self._known.changing(touched):
            known = self._known
            if known.table is None:  # for this once: what holds these prefixes, no more
                known = Known(table=by_prefix(await local_paths(self._stub, asn, touched)))
            present = known.paths(touched)
            todo = self._wire.lead(paths.steps(work, present, numbers), present)
            await self._stream(f"advertise {len(todo.puts)} paths", todo.puts, asn)
            known.acknowledged(todo.puts)
            unread = _new(todo.puts, present)
            if 0 < len(unread) <= FEW:  # more are read with the whole table, soon
                known.read(unread, await local_paths(self._stub, asn, unread))
                unread = set()
            await self._stream(f"withdraw {len(todo.withdrawals)} paths", todo.withdrawals, asn)
            known.acknowledged(todo.withdrawals)
        self._wire.read(known.paths(touched - unread), gone=touched - unread)

    async def _stream(self, deed: str, steps: Sent, asn: int) -> None:
        """Send *steps*: what must come later goes in a later call.

        gobgpd packs what it finds waiting for a router with the withdrawals first (4.8, read).
        """
        if steps:
            with asked_to(deed):
                await self._stub.AddPathStream(_batches(steps, asn), timeout=within_s(len(steps)))


def _new(puts: Sent, present: Iterable[paths.LocalPath]) -> set[Prefix]:
    """Return the prefixes with paths under new identifiers: their wire number is not known."""
    there = {(path.prefix, path.identifier) for path in present}
    return {
        step.key.prefix
        for step in puts
        if isinstance(step, paths.Put) and (step.key.prefix, step.identifier) not in there
    }


async def _batches(steps: Sent, asn: int) -> AsyncIterator[pb.AddPathStreamRequest]:
    for start in range(0, len(steps), BATCH):
        batch = [
            path_codec.encode(one, asn)
            if isinstance(one, paths.Put)
            else path_codec.encode_withdrawal(one)
            for one in steps[start : start + BATCH]
        ]
        yield pb.AddPathStreamRequest(table_type=pb.TABLE_TYPE_GLOBAL, paths=batch)
        await asyncio.sleep(0)  # heartbeats and leases share this loop
