"""Silent kubelets, on the virtual clock."""

import asyncio

import pytest

from manager.damping.readiness import HOLD_S, LONGEST_S, Silences
from manager.snapshot import Node, NodeName, Truth

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


class Told:
    """Silences that are shown what the Nodes say."""

    def __init__(self) -> None:
        self.wakes = 0
        self.silences = Silences(wake=self.wake)

    def wake(self) -> None:
        self.wakes += 1

    def heard(self, *says: Truth) -> list[str]:
        nodes = {
            NodeName(f"node{n}"): Node(NodeName(f"node{n}"), ready=ready)
            for n, ready in enumerate(says, 1)
        }
        return [node.ready for node in self.silences.heard(nodes).values()]


async def test_silence_is_believed_when_it_lasts() -> None:
    told = Told()
    assert told.heard("True", "True") == ["True", "True"]
    assert told.heard("Unknown", "True") == ["True", "True"]
    await asyncio.sleep(HOLD_S * 0.9)
    assert told.heard("Unknown", "True") == ["True", "True"]
    assert told.wakes == 0
    await asyncio.sleep(HOLD_S * 0.2)
    assert told.wakes == 1
    assert told.heard("Unknown", "True") == ["Unknown", "True"]
    await asyncio.sleep(10)
    assert told.heard("Unknown", "True") == ["Unknown", "True"]
    assert told.wakes == 1


async def test_those_that_follow_are_believed_together() -> None:
    told = Told()
    told.heard("True", "True")
    told.heard("Unknown", "True")
    await asyncio.sleep(HOLD_S * 0.6)
    assert told.heard("Unknown", "Unknown") == ["True", "True"]
    await asyncio.sleep(HOLD_S * 0.6)
    assert told.heard("Unknown", "Unknown") == ["True", "True"]
    await asyncio.sleep(HOLD_S * 0.6)
    assert told.wakes == 2
    assert told.heard("Unknown", "Unknown") == ["Unknown", "Unknown"]


async def test_others_that_follow_one_by_one_do_not_hold_for_ever() -> None:
    told = Told()
    says: list[Truth] = ["True"] * 20
    told.heard(*says)
    for number in range(20):
        says[number] = "Unknown"
        heard = told.heard(*says)
        if heard[0] == "Unknown":
            break
        await asyncio.sleep(HOLD_S / 2)
    assert number == LONGEST_S / (HOLD_S / 2)


async def test_what_is_found_at_the_start_is_believed_at_once() -> None:
    assert Told().heard("Unknown", "True") == ["Unknown", "True"]


async def test_a_kubelet_that_says_it_is_not_ready_is_believed_at_once() -> None:
    told = Told()
    told.heard("True")
    assert told.heard("False") == ["False"]
    assert told.heard("Unknown") == ["False"]  # as it was before


async def test_silence_that_was_broken_begins_anew() -> None:
    told = Told()
    told.heard("True")
    told.heard("Unknown")
    await asyncio.sleep(HOLD_S * 0.9)
    assert told.heard("True") == ["True"]
    assert told.heard("Unknown") == ["True"]
    await asyncio.sleep(HOLD_S * 0.9)
    assert told.heard("Unknown") == ["True"]


async def test_a_node_that_comes_back_under_its_name_is_another() -> None:
    told = Told()
    told.heard("True", "True")
    told.heard("True")
    assert told.heard("True", "Unknown") == ["True", "Unknown"]


async def test_networks_that_go_one_after_the_other_are_believed_together() -> None:
    """As kubelets are, and apart from them: what a Node says itself is believed at once."""
    told = Told()

    def heard(*lost: bool, ready: Truth = "True") -> list[bool]:
        nodes = {
            NodeName(f"node{n}"): Node(
                NodeName(f"node{n}"), ready=ready, network_unavailable=unavailable
            )
            for n, unavailable in enumerate(lost, 1)
        }
        found = list(told.silences.heard(nodes).values())
        assert {node.ready for node in found} == {ready}
        return [node.network_unavailable for node in found]

    assert heard(False, False) == [False, False]
    assert heard(True, False) == [False, False]
    await asyncio.sleep(HOLD_S * 0.6)
    assert heard(True, True) == [False, False]
    assert heard(True, True, ready="False") == [False, False]
    await asyncio.sleep(HOLD_S * 0.6)
    assert heard(True, True) == [False, False]
    await asyncio.sleep(HOLD_S * 0.6)
    assert heard(True, True) == [True, True]
    assert heard(False, True) == [False, True]


async def test_a_network_that_is_away_when_we_start_is_believed_at_once() -> None:
    told = Told()
    node = Node(NodeName("node1"), network_unavailable=True)
    assert told.silences.heard({node.name: node})[node.name].network_unavailable
    assert told.wakes == 0
