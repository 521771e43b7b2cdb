"""Reports to the other replicas, and what is read before anything is judged by its absence."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from manager.ports import HeartbeatSocket
from manager.replicas.company import Company
from manager.replicas.timing import REPORT_S
from manager.snapshot import NodeName
from pointsman.model.liveness import Liveness

BATCHES_MOST: Final = 40  # read before one judgement: 20,000 datagrams


async def report(
    company: Company, sock: HeartbeatSocket, liveness: Callable[[], Mapping[NodeName, Liveness]]
) -> None:
    """Tell the others how we fare, and notice who tells us nothing any more, until cancelled."""
    while True:
        await asyncio.sleep(REPORT_S)
        empty(sock)  # or what waits in it would count as silence
        dead = [name for name, one in liveness().items() if one is Liveness.Dead]
        for data, peer in company.due(asyncio.get_running_loop().time(), dead):
            sock.send(data, peer)


def empty(sock: HeartbeatSocket) -> None:
    """Read what waits in *sock*."""
    for _ in range(BATCHES_MOST):
        if sock.drain():
            break
