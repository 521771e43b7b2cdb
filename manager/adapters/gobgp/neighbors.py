"""The neighbors target: the configured side of our sessions in gobgpd.

Timers change while a session lives, and BFD may come; any other change is one UpdatePeer,
which gobgpd does as delete and add (measured and read, 4.8):
:func:`pointsman.model.route.resets_session` says which. A neighbor without our mark is
never touched, not even when it stands where ours should be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from manager.adapters.gobgp import neighbor_codec
from manager.adapters.gobgp.rpc import ANSWER_WITHIN_S, Stub, asked_to, own_as
from pointsman.gobgp_api import gobgp_pb2 as pb
from pointsman.model.delta import Delta
from pointsman.model.route import Neighbor, PeerName
from pointsman.runtime.target import Unavailable

Configured = dict[str, tuple[PeerName, Neighbor] | None]  # address → ours, or None: somebody else's


class GobgpNeighbors:
    """Target[PeerName, Neighbor] on a gobgpd."""

    def __init__(self, stub: Stub) -> None:
        self._stub = stub

    async def observe(self) -> Mapping[PeerName, Neighbor]:
        """Return our neighbors as configured.

        One name at two addresses (a crash while it moved) reads with AS 0, which nobody
        desires: the next pass mends it.
        """
        await own_as(self._stub)  # a daemon not started lists no neighbors: that is no answer
        found: dict[PeerName, Neighbor] = {}
        for ours in (await self._configured()).values():
            if ours is not None:
                name, neighbor = ours
                found[name] = replace(neighbor, asn=0) if name in found else neighbor
        return found

    async def apply(self, work: Delta[PeerName, Neighbor]) -> None:
        """Put, then drop.

        Raises:
            ValueError: a value no session can come of; nothing was sent.
            Unavailable: the daemon is away, or a foreign neighbor stands in the way.
        """
        if not work:
            return
        for name, neighbor in work.put.items():
            neighbor_codec.check(name, neighbor)
        addresses = [neighbor.address for neighbor in work.put.values()]
        if len(set(addresses)) != len(addresses):
            raise ValueError(f"{', '.join(sorted(work.put))}: two neighbors have one address")
        await own_as(self._stub)
        configured = await self._configured()
        blocked = [name for name in sorted(work.put) if not await self._put(name, work, configured)]
        for address in sorted(configured):
            ours = configured[address]
            if ours is not None and ours[0] in work.drop:
                await self._delete(address, ours[0])
        if blocked:
            raise Unavailable(
                f"GoBGP has a neighbor at the address of {', '.join(blocked)} that Pointsman "
                "did not make: remove it there, or the BgpPeer here."
            )

    async def _put(
        self, name: PeerName, work: Delta[PeerName, Neighbor], configured: Configured
    ) -> bool:
        """Make *name* what it should be; False: somebody else's neighbor is in the way."""
        neighbor = work.put[name]
        address = str(neighbor.address)
        if address in configured and configured[address] is None:
            return False
        peer = neighbor_codec.encode(name, neighbor)
        with asked_to(f"configure neighbor {name}"):
            if address not in configured:
                await self._stub.AddPeer(pb.AddPeerRequest(peer=peer), timeout=ANSWER_WITHIN_S)
            elif configured[address] != (name, neighbor):
                await self._stub.UpdatePeer(
                    pb.UpdatePeerRequest(peer=peer), timeout=ANSWER_WITHIN_S
                )
        configured[address] = (name, neighbor)
        for other in sorted(configured):  # where it was before it moved
            ours = configured[other]
            if other != address and ours is not None and ours[0] == name:
                await self._delete(other, name)
                del configured[other]
        return True

    async def _delete(self, address: str, name: PeerName) -> None:
        with asked_to(f"remove neighbor {name}"):
            await self._stub.DeletePeer(
                pb.DeletePeerRequest(address=address), timeout=ANSWER_WITHIN_S
            )

    async def _configured(self) -> Configured:
        with asked_to("list its neighbors"):
            replies = self._stub.ListPeer(pb.ListPeerRequest(), timeout=ANSWER_WITHIN_S)
            return {
                reply.peer.conf.neighbor_address: neighbor_codec.decode(reply.peer)
                async for reply in replies
            }
