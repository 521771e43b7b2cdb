"""When it is counted what a session is sent: a large table must not cost a second at every look."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from manager.adapters.gobgp.advertised import FEW, OLD_S, SHARE, TOLD_S, Advertised
from manager.adapters.gobgp.known_state import Known
from manager.adapters.gobgp.paths import NONE
from pointsman.gobgp_api import gobgp_pb2 as pb
from pointsman.model.table import Order

pytestmark = [pytest.mark.looptime]
TOOK_S = 2.0


class Daemon:
    """Lists what a session is sent, slowly: *paths* of one prefix, one of them not sent."""

    def __init__(self) -> None:
        self.paths, self.asked = 3, 0

    async def ListPath(self, _: pb.ListPathRequest, **__: Any) -> AsyncIterator[Any]:  # noqa: N802
        self.asked += 1
        await asyncio.sleep(TOOK_S)
        sent = [pb.Path() for _ in range(self.paths)]
        paths = [*sent, pb.Path(send_max_filtered=True)]
        yield pb.ListPathResponse(destination=pb.Destination(paths=paths))


class Rig:
    def __init__(self, prefixes: int | None) -> None:
        self.daemon = Daemon()
        table: dict[Order, Any] = {(4, number, 32): NONE for number in range(prefixes or 0)}
        self.known = Known(table=None if prefixes is None else table)
        self.advertised = Advertised(self.daemon, self.known)  # type: ignore[arg-type]
        self.up_at = 1

    async def counts(self) -> tuple[tuple[int, int] | None, bool]:
        """Return what is said, and whether it was counted now."""
        peer = pb.Peer(conf=pb.PeerConf(neighbor_address="192.0.2.1"), afi_safis=[pb.AfiSafi()])
        peer.timers.state.uptime.seconds = self.up_at
        before = self.daemon.asked
        found = await self.advertised.count(peer)
        return found, self.daemon.asked > before

    def change(self, paths: int) -> None:
        self.daemon.paths = paths
        with self.known.changing([]):
            pass


async def test_a_count_stands_until_something_changed_or_it_is_old() -> None:
    rig = Rig(FEW)
    assert await rig.counts() == ((1, 3), True)
    assert await rig.counts() == ((1, 3), False)
    rig.change(paths=4)
    assert await rig.counts() == ((1, 4), True)
    rig.known.forget_numbers()  # export rules changed
    assert await rig.counts() == ((1, 4), True)
    rig.up_at = 2
    assert await rig.counts() == ((1, 4), True)
    rig.daemon.paths = 5  # by somebody else
    assert await rig.counts() == ((1, 4), False)
    await asyncio.sleep(OLD_S)
    assert await rig.counts() == ((1, 5), True)


async def test_a_change_while_it_is_counted_is_counted_too() -> None:
    rig = Rig(FEW)
    async with asyncio.TaskGroup() as group:
        group.create_task(rig.counts())
        await asyncio.sleep(1)
        rig.change(paths=4)
    assert await rig.counts() == ((1, 4), True)


async def test_a_large_table_is_not_counted_while_a_router_is_just_told_all_of_it() -> None:
    rig = Rig(FEW + 1)
    assert await rig.counts() == ((0, 0), False)
    await asyncio.sleep(TOLD_S)
    assert await rig.counts() == ((1, 3), True)
    rig.up_at = 2  # away and back
    await asyncio.sleep(SHARE * TOOK_S)
    assert await rig.counts() == ((1, 3), False)
    await asyncio.sleep(TOLD_S)
    assert await rig.counts() == ((1, 3), True)


async def test_a_large_table_is_counted_a_fiftieth_of_the_time() -> None:
    rig = Rig(FEW + 1)
    await rig.counts()
    await asyncio.sleep(TOLD_S)
    counted = 0
    for number in range(100):
        rig.change(paths=number)
        counted += (await rig.counts())[1]
        await asyncio.sleep(5)
    assert 4 <= counted <= 6


async def test_who_knows_no_table_counts_at_each_look() -> None:
    rig = Rig(None)
    for _ in range(2):
        assert await rig.counts() == ((1, 3), True)
