"""How many prefixes and paths each session is sent: counted when that may have changed.

Counting lists all that a router is sent, and 100,000 paths cost both sides a second. So a count
stands until paths, export rules or the session changed, or for five minutes; a large table is
counted a fiftieth of the time at most, and not while a router is just being told all of it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

import grpc

from manager.adapters.gobgp.known_state import Known
from manager.adapters.gobgp.rpc import TABLE_WITHIN_S, Stub, asked_to
from pointsman.gobgp_api import gobgp_pb2 as pb

NO_NEIGHBOR: Final = "doesn't exist"  # "neighbor that has ADDRESS …" (4.8, measured)
FEW: Final = 1000  # prefixes: counted in some milliseconds
SHARE: Final = 50  # of a large table: counting takes a fiftieth of the time at most
OLD_S: Final = 300.0  # what nobody told us of shows then
TOLD_S: Final = 10.0  # a router is told a large table in about that


@dataclass(frozen=True, slots=True)
class Count:
    """How many, *of* which state, at *at_s* (monotonic), which took *took_s*."""

    prefixes: int
    paths: int
    of: tuple[int, int]
    at_s: float
    took_s: float


class Advertised:
    """Of the sessions of one daemon."""

    def __init__(self, stub: Stub, known: Known) -> None:
        self._stub, self._known = stub, known
        self._counts: dict[str, Count] = {}  # by the neighbor's address
        self._up: dict[str, tuple[int, float]] = {}  # established when, and first seen so

    async def count(self, peer: pb.Peer) -> tuple[int, int] | None:
        """Return prefixes and paths that a session which is up is sent; None: it went meanwhile."""
        address, now = peer.conf.neighbor_address, asyncio.get_running_loop().time()
        of = peer.timers.state.uptime.seconds, self._known.changes
        before = self._counts.get(address)
        if not self._is_due(address, of, before, now=now):
            return (before.prefixes, before.paths) if before else (0, 0)
        found = await self._list(peer)
        if found is None:
            self._counts.pop(address, None)
            return None
        ended = asyncio.get_running_loop().time()
        self._counts[address] = Count(*found, of=of, at_s=ended, took_s=ended - now)
        return found

    def _is_due(
        self, address: str, of: tuple[int, int], before: Count | None, *, now: float
    ) -> bool:
        table = self._known.table
        few = table is None or len(table) <= FEW
        if before is not None and before.of == of:
            return table is None or now - before.at_s >= OLD_S
        if few:
            return True
        established, _ = of
        if self._up.get(address, (None, 0.0))[0] != established:
            self._up[address] = established, now
        if now - self._up[address][1] < TOLD_S:
            return False
        return before is None or now - before.at_s >= SHARE * before.took_s

    async def _list(self, peer: pb.Peer) -> tuple[int, int] | None:
        """Return how many prefixes and paths a session is sent.

        A path over send_max is listed though it was not sent (4.8, measured). GetTable would
        count paths twice over instead of prefixes (ADD-PATH, 4.8, measured).
        """
        prefixes = paths = 0
        for family in peer.afi_safis:
            request = pb.ListPathRequest(
                table_type=pb.TABLE_TYPE_ADJ_OUT,
                name=peer.conf.neighbor_address,
                family=family.config.family,
                enable_only_binary=True,  # half the time
            )
            with asked_to("count what it advertises"):
                try:
                    async for reply in self._stub.ListPath(request, timeout=TABLE_WITHIN_S):
                        sent = [p for p in reply.destination.paths if not p.send_max_filtered]
                        prefixes += bool(sent)
                        paths += len(sent)
                except grpc.aio.AioRpcError as error:
                    if NO_NEIGHBOR in (error.details() or ""):
                        return None
                    raise
        return prefixes, paths
