"""Addresses that move from node to node, on the virtual clock."""

import asyncio
from ipaddress import ip_address

import pytest

from manager.damping.moves import WINDOW_S, Moves
from manager.snapshot import (
    Announcer,
    Assigned,
    Ingress,
    Node,
    NodeName,
    Service,
    Snapshot,
)
from pointsman.model.address import Address
from pointsman.model.liveness import Liveness

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]
ONE, TWO, THREE = (NodeName(f"node{n}") for n in (1, 2, 3))
SEVEN, EIGHT = ip_address("192.0.2.7"), ip_address("2001:db8:2::8")


class Rig:
    """The memory, shown who answers for what."""

    def __init__(self) -> None:
        self.wakes: list[float] = []
        self.moves = Moves(lambda: self.wakes.append(asyncio.get_running_loop().time()))
        self.liveness: dict[NodeName, Liveness] = {}
        self.nodes = [ONE, TWO, THREE]
        ingress = (Ingress(str(SEVEN)), Ingress(str(EIGHT)))
        web = Service("a", "web", ingress=ingress)
        self.services = {web.key: web}

    def seen(self, assigned: dict[NodeName, set[Address]]) -> Snapshot:
        return self.moves.seen(
            Snapshot(
                services=self.services,
                nodes={name: Node(name) for name in self.nodes},
                announcers={
                    name: Announcer(
                        name, assignments=(Assigned("eth0", "Node", tuple(assigned.get(name, ()))),)
                    )
                    for name in self.nodes
                },
                liveness=self.liveness,
            )
        )

    def moved(self, *owners: NodeName) -> frozenset[Address]:
        """Have address 7 moved there one after the other, revoked between."""
        for owner in owners:
            self.seen({})
            found = self.seen({owner: {SEVEN}, THREE: {EIGHT}}).damped
        return found


async def test_three_moves_are_enough() -> None:
    rig = Rig()
    assert not rig.moved(ONE, TWO, ONE)  # the first is no move
    assert rig.moved(TWO) == {SEVEN}
    assert rig.moved(ONE) == {SEVEN}  # whose owner had to give it up all the same


async def test_a_move_that_is_long_ago_counts_no_more_and_the_loop_is_woken_then() -> None:
    rig = Rig()
    began = asyncio.get_running_loop().time()
    rig.moved(ONE, TWO)
    await asyncio.sleep(60)
    assert rig.moved(ONE, TWO) == {SEVEN}
    assert rig.seen({TWO: {SEVEN}}).damped == {SEVEN}
    await asyncio.sleep(WINDOW_S - 60)
    assert rig.wakes == [began + WINDOW_S]
    assert not rig.seen({TWO: {SEVEN}}).damped


async def test_revoked_and_given_back_is_no_move() -> None:
    rig = Rig()
    assert not rig.moved(ONE, ONE, ONE, ONE, ONE)


async def test_what_is_found_at_first_is_no_move() -> None:
    rig = Rig()
    assert not rig.seen({ONE: {SEVEN}, TWO: {EIGHT}}).damped
    assert not rig.moves.orphaned(SEVEN)


async def test_what_kernels_have_is_on_several_nodes_and_does_not_move() -> None:
    rig = Rig()
    every = (Assigned("dummy-pointsman", "Kernel", (SEVEN,)),)
    for nodes in ((ONE,), (ONE, TWO), (TWO, THREE), (), (THREE,), (ONE, TWO, THREE)):
        found = {n: Announcer(n, assignments=every if n in nodes else ()) for n in rig.nodes}
        seen = rig.moves.seen(Snapshot(services=rig.services, announcers=found))
        assert not seen.damped
    assert not rig.moves.orphaned(SEVEN)


async def test_the_same_set_is_the_same_object() -> None:
    rig = Rig()
    rig.moved(ONE, TWO, ONE, TWO)
    assert rig.seen({TWO: {SEVEN}}).damped is rig.seen({TWO: {SEVEN}}).damped


@pytest.mark.parametrize(
    ("liveness", "orphaned"),
    [
        (None, False),
        (Liveness.Unknown, False),
        (Liveness.Alive, False),
        (Liveness.LinkDown, False),
        (Liveness.AgentSilent, True),
        (Liveness.NodeHung, True),
        (Liveness.Dead, True),
    ],
)
async def test_an_address_whose_last_node_is_gone_is_orphaned(
    liveness: Liveness | None, orphaned: bool
) -> None:
    rig = Rig()
    rig.seen({ONE: {SEVEN}, TWO: {EIGHT}})
    rig.liveness = {} if liveness is None else {ONE: liveness}
    rig.seen({ONE: {SEVEN}, TWO: {EIGHT}})
    assert rig.moves.orphaned(SEVEN) is orphaned
    rig.seen({TWO: {EIGHT}})  # revoked: its next owner must not wait either
    assert rig.moves.orphaned(SEVEN) is orphaned
    assert not rig.moves.orphaned(EIGHT)
    rig.seen({TWO: {SEVEN, EIGHT}})
    assert not rig.moves.orphaned(SEVEN)


async def test_a_node_that_was_deleted_is_gone_with_its_announcer() -> None:
    rig = Rig()
    rig.seen({ONE: {SEVEN}})
    rig.nodes = [TWO, THREE]
    rig.seen({})
    assert rig.moves.orphaned(SEVEN)
    assert not rig.seen({TWO: {SEVEN}}).damped


async def test_what_nobody_has_for_long_is_forgotten() -> None:
    rig = Rig()
    rig.seen({ONE: {SEVEN}})
    rig.seen({})
    await asyncio.sleep(WINDOW_S + 1)
    rig.seen({})
    rig.liveness = {ONE: Liveness.Dead}
    assert not rig.moves.orphaned(SEVEN)


async def test_a_snapshot_without_moves_is_handed_on_as_it_is() -> None:
    snapshot = Snapshot(nodes={ONE: Node(ONE)})
    assert Moves(lambda: None).seen(snapshot) is snapshot


async def test_an_address_that_its_service_gave_up_begins_anew() -> None:
    rig = Rig()
    assert rig.moved(ONE, TWO, ONE, TWO) == {SEVEN}
    rig.services = {}
    assert not rig.seen({}).damped
    assert not rig.moved(ONE, TWO)
