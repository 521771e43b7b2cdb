"""Many silent at once: first suspect yourself, then let others look."""

import pytest

from manager.liveness.agent import Agent, Round
from manager.liveness.exchange import EVERYWHERE, Frozen, Thawed
from manager.liveness.freezes import Domain
from manager.snapshot import NodeName
from pointsman.model.liveness import Liveness
from tests.manager.liveness.test_judgement import FIRST_S, dead_after, healthy
from tests.sim.fleet import Fleet


def news(fleet: Fleet) -> list[Frozen | Thawed]:
    return [one for _, one in fleet.managers["manager1"].news if isinstance(one, Frozen | Thawed)]


def verdicts(fleet: Fleet) -> set[Liveness]:
    return set(fleet.managers["manager1"].judgement.liveness.values())


def names(fleet: Fleet, rack: str) -> list[str]:
    return [node.name for node in fleet.nodes.values() if node.rack == rack]


@pytest.mark.parametrize("seed", range(3))
def test_a_rack_that_dies_is_frozen_and_lifted_by_witnesses_within_two_seconds(seed: int) -> None:
    fleet = healthy((6, 6, 6), seed=seed)
    began = fleet.now
    fleet.kill(*names(fleet, "rack2"))
    fleet.run(0.4)
    assert fleet.managers["manager1"].judgement.frozen == ("rack2",)
    fleet.run(2.6)
    assert all(dead_after(fleet, name, began) <= 2.0 for name in names(fleet, "rack2"))
    frozen, thawed = news(fleet)
    assert isinstance(frozen, Frozen)
    assert frozen.silent >= 3
    assert isinstance(thawed, Thawed)
    assert thawed.after_s <= 2.0
    assert not fleet.managers["manager1"].judgement.frozen


def test_a_rack_that_only_the_manager_cannot_reach_is_not_dead() -> None:
    fleet = healthy((6, 6, 6))
    rack = names(fleet, "rack2")
    ways = [way for name in rack for way in ((name, "manager1"), ("manager1", name))]
    fleet.sever(*ways)
    fleet.run(20.0)
    assert Liveness.Dead not in verdicts(fleet)
    fleet.mend(*ways)
    fleet.run(10.0)
    assert verdicts(fleet) == {Liveness.Alive}


def test_a_manager_that_hears_nobody_judges_nobody_and_recovers_with_all() -> None:
    fleet = healthy((6, 6, 6))
    ways = [way for name in fleet.nodes for way in ((name, "manager1"), ("manager1", name))]
    fleet.sever(*ways)
    fleet.run(30.0)
    assert verdicts(fleet) == {Liveness.Alive}
    assert EVERYWHERE in fleet.managers["manager1"].judgement.frozen
    fleet.mend(*ways)
    fleet.run(2.0)
    assert verdicts(fleet) == {Liveness.Alive}
    assert not fleet.managers["manager1"].judgement.frozen


def test_who_died_while_the_manager_heard_nobody_is_found_afterwards() -> None:
    fleet = healthy((6, 6, 6))
    ways = [way for name in fleet.nodes for way in ((name, "manager1"), ("manager1", name))]
    fleet.sever(*ways)
    fleet.run(5.0)
    fleet.kill("node3")
    fleet.run(5.0)
    fleet.mend(*ways)
    began = fleet.now
    fleet.run(3.0)
    assert dead_after(fleet, "node3", began) <= 1.5
    assert {fleet.verdict(name) for name in fleet.nodes if name != "node3"} == {Liveness.Alive}


@pytest.mark.parametrize("seed", range(8))
def test_a_cut_amid_losses_accuses_nobody_who_lost_a_heartbeat_just_before(seed: int) -> None:
    fleet = healthy((20, 20), seed=seed, loss=0.1)
    ways = [way for name in fleet.nodes for way in ((name, "manager1"), ("manager1", name))]
    fleet.sever(*ways)
    fleet.run(3.0)
    fleet.mend(*ways)
    fleet.run(3.0)
    assert verdicts(fleet) == {Liveness.Alive}


def test_one_of_two_is_a_death_and_the_last_one_is_suspicion_of_ourselves() -> None:
    fleet = healthy((2,))
    began = fleet.now
    fleet.kill("node1")
    fleet.run(2.0)
    assert dead_after(fleet, "node1", began) <= 0.6
    fleet.kill("node2")
    fleet.run(30.0)
    assert fleet.verdict("node2") is Liveness.Alive
    assert fleet.managers["manager1"].judgement.frozen == (EVERYWHERE,)


def test_the_own_nodes_agent_proves_nothing_about_the_network() -> None:
    fleet = Fleet().build((3,))
    fleet.start("manager1", own="node1")
    fleet.run(FIRST_S)
    far = ("node2", "node3")
    fleet.sever(*[w for n in far for a in ("manager1", "node1") for w in ((n, a), (a, n))])
    fleet.run(30.0)
    assert verdicts(fleet) == {Liveness.Alive}


def test_agents_that_say_goodbye_together_freeze_nothing() -> None:
    fleet = healthy((6, 6, 6))
    for name in names(fleet, "rack1"):
        fleet.end_agent(name, goodbye=True)
    fleet.run(10.0)
    assert news(fleet) == []
    assert {fleet.verdict(name) for name in names(fleet, "rack1")} == {Liveness.AgentSilent}


def test_agents_that_crash_together_are_silent_agents_once_their_nodes_answer() -> None:
    fleet = healthy((6, 6, 6))
    for name in names(fleet, "rack1"):
        fleet.end_agent(name, goodbye=False)
    fleet.run(10.0)
    assert not fleet.managers["manager1"].judgement.frozen
    assert {fleet.verdict(name) for name in names(fleet, "rack1")} == {Liveness.AgentSilent}
    began = fleet.now
    fleet.kill("node2")
    fleet.run(3.0)
    assert dead_after(fleet, "node2", began) <= 2.0


def test_deaths_seconds_apart_are_deaths() -> None:
    fleet = healthy((4,))
    for name in ("node1", "node2"):
        began = fleet.now
        fleet.kill(name)
        fleet.run(2.0)
        assert dead_after(fleet, name, began) <= 0.6
    assert news(fleet) == []


def domain(*silences_s: float) -> Domain:
    """A domain at moment 100, whose agents are silent for so long."""
    made = Domain("rack")
    for number, silence_s in enumerate(silences_s):
        name = NodeName(f"node{number}")
        made.members[name] = Agent(name, heard_s=100.0 - silence_s)
    return made


def test_nobody_is_judged_while_so_many_are_late_that_the_domain_may_be_about_to_freeze() -> None:
    late = domain(0.5, 0.2, 0.05, 0.05)
    assert late.freezes(100.0) is None
    assert late.hinders(late.members["node0"], 100.0)
    sound = domain(0.5, 0.1, 0.05, 0.05)
    assert not sound.hinders(sound.members["node0"], 100.0)


def test_silences_that_began_more_than_a_second_apart_are_not_one_fault() -> None:
    assert domain(1.4, 0.35, 0.1).freezes(100.0) is None
    assert domain(1.2, 0.35, 0.1).freezes(100.0) == Frozen("rack", 2, 3)


def test_who_is_undecided_when_a_domain_thaws_is_judged_anew() -> None:
    made = domain(0.4, 0.4, 0.4, 0.1, 0.1)
    one = made.members["node0"]
    assert made.freezes(100.0)
    made.members["node0"].round = Round(99.8)
    one.denied.add(NodeName("node9"))
    for name in ("node1", "node2"):
        made.members[name].heard_s = 100.1
    thawed = made.thaws(100.1)
    assert thawed is not None
    assert thawed.why == "its agents are heard again"
    assert (one.round, len(one.denied)) == (None, 0)
    for name in ("node1", "node2", "node3", "node4"):
        made.members[name].heard_s = 100.55
    assert made.hinders(one, 100.59)
    assert not made.hinders(one, 100.61)
