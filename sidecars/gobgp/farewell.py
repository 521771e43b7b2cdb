"""How a speaker says goodbye when its parent is told to stop: routers read why in their logs.

A router that negotiated graceful restart (RFC 4724) is told nothing: a Cease would make it drop
what it is to keep. The others hear an Administrative Shutdown with a sentence (RFC 9003), and
drop our routes at once; where another speaker tells the same, nothing changes for them.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

import grpc

from pointsman.gobgp_api import gobgp_pb2 as pb

if TYPE_CHECKING:  # a name for mypy only
    from pointsman.gobgp_api.gobgp_pb2_grpc import GoBgpServiceAsyncStub

ANSWER_WITHIN_S: Final = 3.0
SENT_WITHIN_S: Final = 0.3  # until the sessions are down: the daemon is stopped after it
LOOK_S: Final = 0.02
# At most 255 octets of UTF-8: RFC 9003 section 2.
COMMUNICATION: Final = "Pointsman: this speaker is stopped in order, for an upgrade or for good."
ESTABLISHED: Final = pb.PeerState.SESSION_STATE_ESTABLISHED

log = logging.getLogger(__name__)


async def farewell(stub: GoBgpServiceAsyncStub) -> None:
    """Tell the routers, then stop the daemon's BGP; what it does not answer is left."""
    try:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            await _shut_down(stub)
    except (grpc.aio.AioRpcError, TimeoutError) as error:
        log.info("routers were not told why: %s", error)
    try:
        await stub.StopBgp(pb.StopBgpRequest(allow_graceful_restart=True), timeout=ANSWER_WITHIN_S)
    except grpc.aio.AioRpcError as error:
        log.info("gobgpd did not stop by request: %s", error.details())


async def _shut_down(stub: GoBgpServiceAsyncStub) -> None:
    """End the sessions whose routers keep nothing of ours, with a sentence."""
    leaving = {one.conf.neighbor_address for one in await _peers(stub) if not keeps_routes(one)}
    for address in sorted(leaving):
        await stub.DisablePeer(pb.DisablePeerRequest(address=address, communication=COMMUNICATION))
    until = asyncio.get_running_loop().time() + SENT_WITHIN_S
    while leaving & {one.conf.neighbor_address for one in await _peers(stub)}:
        if asyncio.get_running_loop().time() >= until:
            return
        await asyncio.sleep(LOOK_S)


async def _peers(stub: GoBgpServiceAsyncStub) -> list[pb.Peer]:
    """Return the neighbors with which a session is up."""
    found = [reply.peer async for reply in stub.ListPeer(pb.ListPeerRequest())]
    return [one for one in found if one.state.session_state == ESTABLISHED]


def keeps_routes(peer: pb.Peer) -> bool:
    """Whether both sides of a session offered graceful restart."""
    offered = [
        {one.WhichOneof("cap") for one in side}
        for side in (peer.state.local_cap, peer.state.remote_cap)
    ]
    return all("graceful_restart" in side for side in offered)
