"""Kubelets that stop reporting, on the virtual clock."""

import asyncio

import pytest

from manager.damping.readiness import DELAY_S, LONGEST_S, ReadinessDamping
from manager.snapshot import Node, NodeName, Truth

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


class Rig:
    """The damping, shown Nodes as they report."""

    def __init__(self) -> None:
        self.wakes = 0
        self.readiness = ReadinessDamping(wake=self.wake)

    def wake(self) -> None:
        self.wakes += 1

    def damped(self, *reported: Truth) -> list[str]:
        nodes = {
            NodeName(f"node{n}"): Node(NodeName(f"node{n}"), ready=ready)
            for n, ready in enumerate(reported, 1)
        }
        return [node.ready for node in self.readiness.damped(nodes).values()]


async def test_unknown_is_believed_when_it_lasts() -> None:
    rig = Rig()
    assert rig.damped("True", "True") == ["True", "True"]
    assert rig.damped("Unknown", "True") == ["True", "True"]
    await asyncio.sleep(DELAY_S * 0.9)
    assert rig.damped("Unknown", "True") == ["True", "True"]
    assert rig.wakes == 0
    await asyncio.sleep(DELAY_S * 0.2)
    assert rig.wakes == 1
    assert rig.damped("Unknown", "True") == ["Unknown", "True"]
    await asyncio.sleep(10)
    assert rig.damped("Unknown", "True") == ["Unknown", "True"]
    assert rig.wakes == 1


async def test_those_that_follow_are_believed_together() -> None:
    rig = Rig()
    rig.damped("True", "True")
    rig.damped("Unknown", "True")
    await asyncio.sleep(DELAY_S * 0.6)
    assert rig.damped("Unknown", "Unknown") == ["True", "True"]
    await asyncio.sleep(DELAY_S * 0.6)
    assert rig.damped("Unknown", "Unknown") == ["True", "True"]
    await asyncio.sleep(DELAY_S * 0.6)
    assert rig.wakes == 2
    assert rig.damped("Unknown", "Unknown") == ["Unknown", "Unknown"]


async def test_others_that_follow_one_by_one_do_not_delay_for_ever() -> None:
    rig = Rig()
    reported: list[Truth] = ["True"] * 20
    rig.damped(*reported)
    for number in range(20):
        reported[number] = "Unknown"
        damped = rig.damped(*reported)
        if damped[0] == "Unknown":
            break
        await asyncio.sleep(DELAY_S / 2)
    assert number == LONGEST_S / (DELAY_S / 2)


async def test_what_is_found_at_the_start_is_believed_at_once() -> None:
    assert Rig().damped("Unknown", "True") == ["Unknown", "True"]


async def test_a_kubelet_that_reports_not_ready_is_believed_at_once() -> None:
    rig = Rig()
    rig.damped("True")
    assert rig.damped("False") == ["False"]
    assert rig.damped("Unknown") == ["False"]  # as it was before


async def test_unknown_that_was_interrupted_begins_anew() -> None:
    rig = Rig()
    rig.damped("True")
    rig.damped("Unknown")
    await asyncio.sleep(DELAY_S * 0.9)
    assert rig.damped("True") == ["True"]
    assert rig.damped("Unknown") == ["True"]
    await asyncio.sleep(DELAY_S * 0.9)
    assert rig.damped("Unknown") == ["True"]


async def test_a_node_that_comes_back_under_its_name_is_another() -> None:
    rig = Rig()
    rig.damped("True", "True")
    rig.damped("True")
    assert rig.damped("True", "Unknown") == ["True", "Unknown"]


async def test_networks_that_go_one_after_the_other_are_believed_together() -> None:
    """As kubelets are, and apart from them: what a Node says itself is believed at once."""
    rig = Rig()

    def damped(*lost: bool, ready: Truth = "True") -> list[bool]:
        nodes = {
            NodeName(f"node{n}"): Node(
                NodeName(f"node{n}"), ready=ready, network_unavailable=unavailable
            )
            for n, unavailable in enumerate(lost, 1)
        }
        found = list(rig.readiness.damped(nodes).values())
        assert {node.ready for node in found} == {ready}
        return [node.network_unavailable for node in found]

    assert damped(False, False) == [False, False]
    assert damped(True, False) == [False, False]
    await asyncio.sleep(DELAY_S * 0.6)
    assert damped(True, True) == [False, False]
    assert damped(True, True, ready="False") == [False, False]
    await asyncio.sleep(DELAY_S * 0.6)
    assert damped(True, True) == [False, False]
    await asyncio.sleep(DELAY_S * 0.6)
    assert damped(True, True) == [True, True]
    assert damped(False, True) == [False, True]


async def test_a_network_that_is_away_when_we_start_is_believed_at_once() -> None:
    rig = Rig()
    node = Node(NodeName("node1"), network_unavailable=True)
    assert rig.readiness.damped({node.name: node})[node.name].network_unavailable
    assert rig.wakes == 0


async def test_what_is_as_it_was_is_the_same_mapping() -> None:
    readiness = ReadinessDamping(wake=lambda: None)
    well, silent = Node(NodeName("node1")), Node(NodeName("node1"), ready="Unknown")
    before, after = {well.name: well}, {well.name: silent}
    assert readiness.damped(before) is readiness.damped(before) is before
    delayed = readiness.damped(after)
    assert delayed == before
    assert readiness.damped(after) is delayed  # while it lasts
    await asyncio.sleep(DELAY_S * 1.1)
    assert readiness.damped(after) is readiness.damped(after) is after
