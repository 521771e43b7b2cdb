"""Two managers, `responder: Central`: who leads answers; who was frozen and comes back does not."""

import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from e2e import leadership
from e2e.bed import Bed
from e2e.layer2 import central, lan
from lab.options import Options

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def options() -> Options:
    return Options(managers=2, central=True)


@pytest.fixture
def deaf(lab: Bed) -> Iterator[Bed]:
    with central.deaf_nodes(lab):
        yield lab


def test_a_leader_that_was_frozen_answers_nothing_of_what_waited(
    deaf: Bed, say: Callable[[str], None]
) -> None:
    lab = deaf
    addresses = [central.serve(lab, f"web{family}", family) for family in lan.FAMILIES]
    first = leadership.leader(lab)
    (second,) = {"manager", "manager2"} - {first}
    macs = {lan.mac_of(lab, name): name for name in (first, second)}

    def answers(count: int, capture: lan.Capture) -> set[str]:
        """Ask everybody so often for each; return who sent answers, if all came."""
        before = {one: len(capture.replies(one)) for one in addresses}
        for one in addresses:
            lan.macs(lab, one, count=count)
        found = {one: senders(capture, one, before[one]) for one in addresses}
        assert all(found.values()), f"no answer: {found}"
        return set[str]().union(*found.values())

    def senders(capture: lan.Capture, address: str, before: int) -> Counter[str]:
        """Return which managers answered; the node refreshes what the router knows."""
        lines = capture.replies(address)[before:]
        return Counter(macs[mac] for line in lines if (mac := line.split()[1]) in macs)

    with lan.capturing(lab, "leader") as capture:
        lab.wait("the leader's answers", lambda: answers(2, capture) == {first})
        lab.kill(first, signal.SIGSTOP)
        try:
            lab.wait("another leader", lambda: leadership.holder(lab) == second)
            lab.wait("its answers", lambda: answers(2, capture) == {second})
            while_frozen = lab.wait("more of them", partial(answers, 5, capture))
            before = {one: len(capture.replies(one)) for one in addresses}
        finally:
            lab.kill(first, signal.SIGCONT)
        until = time.monotonic() + 3.0
        lab.wait("what waited in its sockets", lambda: time.monotonic() > until)
        after = lab.wait("answers afterwards", partial(answers, 5, capture))
        since = {one: senders(capture, one, before[one]) for one in addresses}
    say(f"answers while the leader was frozen: {while_frozen}; since it came back: {since}")
    assert while_frozen == {second}
    assert after == {second}
    assert {name for found in since.values() for name in found} == {second}
