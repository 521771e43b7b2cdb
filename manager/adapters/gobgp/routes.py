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
from manager.adapters.gobgp.known_state import Known
from manager.adapters.gobgp.rpc import Stub, asked_to, own_as, within_s
from manager.adapters.gobgp.table import local_paths
from manager.adapters.gobgp.wire_identifiers import WireNumbers
from pointsman.gobgp_api import gobgp_pb2 as pb
from pointsman.model.address import Prefix
from pointsman.model.delta import Delta
from pointsman.model.identity import distinct, once_per_pair
from pointsman.model.route import PeerName, Route, RouteKey
from pointsman.model.table import Order, Table
from pointsman.runtime.target import Unavailable

BATCH = 1000  # paths per message: 49,000 to 62,000 paths a second (measured)
# Prefixes with new paths: more are read with the whole table, soon. A large change is not held up.
READ_BACK_AT_MOST = 250
Runs = Sequence[tuple[Order, paths.Run]]


class GobgpRoutes:
    """Target[RouteKey, Route] on a gobgpd."""

    def __init__(self, stub: Stub, known: Known) -> None:
        self._stub, self._known = stub, known
        self._wire = WireNumbers()

    async def observe(self) -> Table:
        """Return every route of ours, with the peers that may be sent it."""
        with self._known.sure():
            asn = self._known.asn = await own_as(self._stub)
            numbers = await self._known.learn_numbers(exports.numbers(self._stub, asn))
            reading = self._known.begin()
            listed = await local_paths(self._stub, asn)
        self._wire.read(self._known.learn(reading, listed))
        return paths.observed(listed, {n: peer for peer, n in numbers.items()})

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
        put = Table.of(work.put)
        paths.check_all(put, asn)
        unknown = _peers(put) - numbers.keys()
        if unknown:
            self._known.forget_numbers()  # have them read again
            ready = {key: r for key, r in put.items() if not r.peers & unknown}
            await self._send(Delta(put=ready, drop=frozenset()), numbers, asn)
            raise Unavailable(f"GoBGP has no export rule yet for {', '.join(sorted(unknown))}.")
        await self._send(Delta(put=put, drop=work.drop), numbers, asn)

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
        touched = _touched(work)
        with self._known.changing(touched):
            known = self._known
            if known.table is None:  # for this once: what holds these prefixes, no more
                listed = await local_paths(self._stub, asn, touched.values())
                known = Known(table={one.order: one.paths for one in listed})
            present = known.paths(touched)
            todo = self._wire.lead(paths.all_steps(work, present, numbers), present)
            puts = [(order, steps.puts) for order, steps in todo.items() if steps.puts]
            await self._stream("advertise", puts, touched, asn)
            known.acknowledged(puts)
            unread = _new(puts, present)
            if 0 < len(unread) <= READ_BACK_AT_MOST:
                named = [touched[order] for order in sorted(unread)]
                known.read(unread, await local_paths(self._stub, asn, named))
                unread = set()
            gone = [(order, steps.withdrawals) for order, steps in todo.items()]
            gone = [(order, run) for order, run in gone if run]
            await self._stream("withdraw", gone, touched, asn)
            known.acknowledged(gone)
        read = touched.keys() - unread
        self._wire.read(known.paths(read), gone=read)

    async def _stream(
        self, deed: str, runs: Runs, prefixes: Mapping[Order, Prefix], asn: int
    ) -> None:
        """Send *runs*: what must come later goes in a later call.

        gobgpd packs what it finds waiting for a router with the withdrawals first (4.8, read).
        """
        if runs:
            count = sum(len(run) for _, run in runs)
            with asked_to(f"{deed} {count} paths"):
                requests = _batches(((prefixes[order], run) for order, run in runs), asn)
                await self._stub.AddPathStream(requests, timeout=within_s(count))


def _touched(work: Delta[RouteKey, Route]) -> dict[Order, Prefix]:
    """Return the prefixes that *work* changes."""
    both = (*Table.of(work.put).groups.items(), *Table.of_keys(work.drop).groups.items())
    return {order: group.prefix for order, group in both}


def _peers(put: Table) -> frozenset[PeerName]:
    """Return all who are to hear something."""
    routes = distinct(route for hops in put.distinct_hops() for route in hops.values())
    return frozenset().union(*(route.peers for route in routes))


def _new(puts: Runs, present: Mapping[Order, paths.Present]) -> set[Order]:
    """Return the prefixes with paths under new identifiers: their wire number is not known."""
    names_new = once_per_pair(_names_new)
    return {order for order, run in puts if names_new(run, present.get(order, paths.NONE))}


def _names_new(run: paths.Run, there: paths.Present) -> bool:
    new = {step.identifier for step in run if isinstance(step, paths.Put)}
    return not new <= there.keys()


async def _batches(
    runs: Iterable[tuple[Prefix, paths.Run]], asn: int
) -> AsyncIterator[pb.AddPathStreamRequest]:
    encoder = path_codec.Encoder(asn)
    head = pb.AddPathStreamRequest(table_type=pb.TABLE_TYPE_GLOBAL).SerializeToString()
    octets, count = [head], 0
    for prefix, run in runs:
        octets.append(encoder.octets(prefix, run))
        count += len(run)
        if count >= BATCH:
            yield pb.AddPathStreamRequest.FromString(b"".join(octets))
            await asyncio.sleep(0)  # heartbeats and leases share this loop
            octets, count = [head], 0
    if count:
        yield pb.AddPathStreamRequest.FromString(b"".join(octets))
