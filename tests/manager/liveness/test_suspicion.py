"""Whose word is needed before a silent node is dead."""

import pytest

from manager.liveness.agent import Agent, Round
from manager.liveness.suspicion import dead
from manager.snapshot import NodeName

NOW = 100.0


def suspect(**known: float) -> Agent:
    """An agent silent for 0.6 s, whose node did not answer a round of connections."""
    one = Agent(NodeName("node1"), heard_s=NOW - 0.6, answers={10250: NOW - 10.0})
    one.round = Round(NOW - 0.3)
    for at in (NOW - 0.3, NOW - 0.24, NOW - 0.18):
        one.round.attempt(at)
    for name, value in known.items():
        setattr(one, name, value)
    one.asked = (Agent(NodeName("node2")), Agent(NodeName("node3")))
    return one


def test_silence_of_agent_and_kernel_is_death() -> None:
    assert dead(suspect(), NOW)


def test_a_round_that_is_not_over_proves_nothing() -> None:
    one = suspect()
    one.round = Round(NOW - 0.2)
    for at in (NOW - 0.2, NOW - 0.14, NOW - 0.079):
        one.round.attempt(at)
    assert not dead(one, NOW)
    one.round.attempt(NOW)
    assert dead(one, NOW + 0.01)


def test_a_connection_that_never_left_us_is_made_again_before_it_counts() -> None:
    one = suspect()
    assert one.round is not None
    one.round.unsure[10250] = 1
    assert not dead(one, NOW)
    one.round.attempt(NOW)
    assert dead(one, NOW + 0.08)


@pytest.mark.parametrize("sign", ["answered_s", "vouched_s", "others_s"])
def test_who_had_a_sign_of_it_within_the_window_says_that_it_lives(sign: str) -> None:
    assert not dead(suspect(**{sign: NOW - 0.49}), NOW)


@pytest.mark.parametrize("sign", ["answered_s", "vouched_s"])
def test_who_reached_it_in_its_silence_must_deny_it_or_say_nothing_for_two_seconds(
    sign: str,
) -> None:
    one = suspect(heard_s=NOW - 5.0, **{sign: NOW - 0.6})
    assert not dead(one, NOW)
    one.denied = {NodeName("node2")}
    assert not dead(one, NOW)
    one.denied = {NodeName("node2"), NodeName("node3")}
    assert dead(one, NOW)
    assert dead(suspect(heard_s=NOW - 5.0, **{sign: NOW - 2.0}), NOW)


def test_a_replica_that_heard_it_in_its_silence_must_say_that_it_hears_it_no_more() -> None:
    one = suspect(heard_s=NOW - 5.0, others_s=NOW - 0.6, others_answered_s=NOW - 0.55)
    assert not dead(one, NOW)
    one.others_answered_s = NOW - 0.1
    assert dead(one, NOW)
    assert dead(suspect(heard_s=NOW - 5.0, others_s=NOW - 2.1, others_answered_s=NOW - 2.0), NOW)
