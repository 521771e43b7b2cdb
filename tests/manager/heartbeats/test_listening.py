"""What one process of a manager counts, drops and says, without a socket."""

import pytest

from manager.heartbeats.listening import SLICES, Listening
from manager.snapshot import Announcer, NodeName
from pointsman.model.heartbeats import ACKNOWLEDGE_S
from pointsman.wire.heartbeat import Beat, Drop, View
from tests.manager.heartbeats.agents import MANAGER, NONCE, PRIVATE, TestAgent

NEITHER = View(0)


def hearing(*agents: TestAgent, generation: int = 3) -> Listening:
    made = Listening(MANAGER, PRIVATE, NONCE)
    made.enrol({one.name: one.announcer(generation) for one in agents})
    return made


def a_round(listening: Listening, *agents: TestAgent, view: View = NEITHER) -> int:
    """Have all acknowledgements of a round said, and heard; return how many."""
    by_peer = {one.peer: one for one in agents}
    acknowledgements = 0
    for _ in range(SLICES):
        for data, peer in listening.acknowledgements(view=view, leader="manager-b"):
            acknowledgements += 1
            if agent := by_peer.get(peer):
                agent.hear(data)
    return acknowledgements


def proven(listening: Listening, agent: TestAgent) -> None:
    listening.received(agent.beat(), agent.peer)
    a_round(listening, agent)


def test_an_agent_counts_once_it_was_told_and_says_so() -> None:
    one = TestAgent("node1")
    listening = hearing(one)
    assert listening.received(one.beat(), one.peer) is Drop.UNPROVEN
    assert a_round(listening, one) == 1
    beat = listening.received(one.beat(), one.peer)
    assert isinstance(beat, Beat)
    assert (beat.node, beat.counter) == ("node1", 2)
    assert (listening.counted, listening.drops[Drop.UNPROVEN]) == (1, 1)


def test_an_acknowledgement_says_what_the_manager_knows() -> None:
    one = TestAgent("node1")
    listening = hearing(one, generation=9)
    listening.received(one.beat(), one.peer)
    a_round(listening, one, view=View.FRESH)
    (acknowledgements,) = one.acknowledgements
    assert (acknowledgements.manager, acknowledgements.leader, acknowledgements.nonce) == (
        MANAGER,
        "manager-b",
        NONCE,
    )
    assert (acknowledgements.heard, acknowledgements.generation, acknowledgements.view) == (
        1,
        9,
        View.FRESH,
    )
    assert acknowledgements.interval_ms == 100


def test_nobody_is_answered_who_said_nothing_that_is_his() -> None:
    one, stranger = TestAgent("node1"), TestAgent("node2")
    listening = hearing(one)
    assert listening.received(stranger.beat(), stranger.peer) is Drop.UNKNOWN
    assert listening.received(one.beat()[:-1] + b"\0", one.peer) is Drop.FORGED
    assert listening.received(b"anything", one.peer) is Drop.FOREIGN
    assert a_round(listening) == 0
    assert listening.counted == 0


def test_a_newcomer_is_answered_once_for_each_time_that_it_spoke() -> None:
    one = TestAgent("node1")
    listening = hearing(one)
    listening.received(one.beat(), one.peer)
    assert a_round(listening) == 1  # lost on the way
    assert a_round(listening) == 0
    proven(listening, one)
    listening.received(one.beat(), one.peer)
    assert a_round(listening) == 1
    assert a_round(listening) == 1  # it counts, and may have lost the one before


def test_a_recorded_beat_moves_nobody() -> None:
    """Somebody sends again what he recorded, from a place of his own."""
    one = TestAgent("node1")
    listening = hearing(one)
    proven(listening, one)
    recorded = one.beat()
    listening.received(recorded, one.peer)
    elsewhere = ("203.0.113.99", 1)
    assert listening.received(recorded, elsewhere) is Drop.OLD
    peers = {
        p for _ in range(SLICES) for _, p in listening.acknowledgements(view=View(0), leader="")
    }
    assert peers == {one.peer}


def test_an_agent_that_starts_anew_takes_the_place_of_the_one_before() -> None:
    before = TestAgent("node1")
    listening = hearing(before)
    proven(listening, before)
    assert isinstance(listening.received(before.beat(), before.peer), Beat)
    after = TestAgent("node1", boot=b"c" * 16)
    assert listening.received(after.beat(), after.peer) is Drop.UNPROVEN
    a_round(listening, after)
    assert isinstance(listening.received(after.beat(), after.peer), Beat)
    assert listening.received(before.beat(), before.peer) is Drop.UNPROVEN


def test_another_key_is_another_agent() -> None:
    one = TestAgent("node1")
    listening = hearing(one)
    proven(listening, one)
    other = TestAgent("node1", private=b"x" * 32, nonce=one.nonce, heard=one.heard)
    listening.enrol({one.name: other.announcer()})
    assert listening.received(one.beat(), one.peer) is Drop.FORGED
    assert isinstance(listening.received(other.beat(), other.peer), Beat)


def test_what_was_heard_outlives_a_change_of_the_announcer() -> None:
    one = TestAgent("node1")
    listening = hearing(one)
    proven(listening, one)
    last = one.beat()
    listening.received(last, one.peer)
    listening.enrol({one.name: one.announcer(generation=4)})
    assert listening.received(last, one.peer) is Drop.OLD
    a_round(listening, one)
    assert one.acknowledgements[-1].generation == 4


@pytest.mark.parametrize("key", ["", "no key", "A" * 43 + "="])
def test_an_announcer_without_a_key_is_not_heard(key: str) -> None:
    name = NodeName("node1")
    listening = Listening(MANAGER, PRIVATE, NONCE)
    listening.enrol({name: Announcer(name, public_key=key)})
    assert not listening.agents


def test_many_are_asked_to_send_less_often_and_acknowledged_less_often() -> None:
    one = TestAgent("node1").announcer()
    listening = Listening(MANAGER, PRIVATE, NONCE)
    assert listening.slice_s * SLICES == ACKNOWLEDGE_S
    # The same key for all: what counts here is how many they are.
    known = {NodeName(f"n{n}"): one for n in range(3)}
    listening.enrol(known)
    agent = next(iter(listening.agents.values()))
    listening._agents = dict.fromkeys((NodeName(f"n{n}") for n in range(5000)), agent)
    assert listening.interval_s == 1.0
    assert listening.slice_s * SLICES == pytest.approx(1.0)
