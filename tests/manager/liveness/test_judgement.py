"""The judgement on one node, and what it does not conclude."""

from collections.abc import Iterable

import pytest

from manager.liveness.exchange import Beat, Probe, Turned
from manager.liveness.judgement import Judgement
from manager.snapshot import NodeName
from pointsman.model.liveness import Liveness, ProbeOutcome
from tests.sim.fleet import KUBELET, PORTS, PROXY, Fleet

FIRST_S = 8.0  # hearing began, ports were learned


def healthy(racks: Iterable[int] = (6,), *, managers: int = 1, **options: float) -> Fleet:
    fleet = Fleet(**options).build(racks, managers=managers)  # type: ignore[arg-type]
    fleet.run(FIRST_S)
    return fleet


def turns(fleet: Fleet, node: str, manager: str = "manager1") -> list[tuple[float, Liveness]]:
    return [(at, one.after) for at, one in fleet.managers[manager].turned if one.node == node]


def dead_after(fleet: Fleet, node: str, began: float, manager: str = "manager1") -> float:
    found = [at for at, after in turns(fleet, node, manager) if after is Liveness.Dead]
    assert found, fleet.story
    return found[-1] - began


def test_every_agent_that_is_heard_is_alive_and_the_verdicts_stay_one_object() -> None:
    fleet = healthy()
    known = fleet.managers["manager1"].judgement.liveness
    assert set(known.values()) == {Liveness.Alive}
    assert list(known) == sorted(fleet.nodes)
    fleet.run(5.0)
    assert fleet.managers["manager1"].judgement.liveness is known


def test_a_node_that_was_never_heard_has_no_verdict() -> None:
    fleet = Fleet().build((6,))
    fleet.nodes["node1"].agent = fleet.nodes["node1"].kernel = False  # type: ignore[index]
    fleet.run(30.0)
    assert fleet.verdict("node1") is Liveness.Unknown


@pytest.mark.parametrize("seed", range(5))
def test_a_node_that_loses_power_is_dead_within_six_tenths_of_a_second(seed: int) -> None:
    fleet = healthy(seed=seed)
    began = fleet.now
    fleet.kill("node3")
    fleet.run(2.0)
    # Its last heartbeat came up to 125 ms before.
    assert 0.375 <= dead_after(fleet, "node3", began) <= 0.6
    assert [after for _, after in turns(fleet, "node3")] == [Liveness.Alive, Liveness.Dead]


def test_without_a_port_that_ever_answered_it_takes_twice_as_long() -> None:
    fleet = Fleet().build((6,))
    fleet.nodes["node3"].filtered = frozenset(PORTS)  # type: ignore[index]
    fleet.run(FIRST_S)
    began = fleet.now
    fleet.kill("node3")
    fleet.run(3.0)
    assert 0.875 <= dead_after(fleet, "node3", began) <= 1.3


def test_a_refused_connection_is_life() -> None:
    fleet = healthy()
    fleet.nodes["node3"].closed = frozenset(PORTS)  # type: ignore[index]
    fleet.end_agent("node3", goodbye=False)
    fleet.run(10.0)
    assert fleet.verdict("node3") is Liveness.AgentSilent


def test_a_silent_agent_on_a_node_that_answers_is_no_death_and_said_after_three_seconds() -> None:
    fleet = healthy()
    began = fleet.now
    fleet.end_agent("node3", goodbye=False)
    fleet.run(30.0)
    assert fleet.verdict("node3") is Liveness.AgentSilent
    (at, _), *rest = turns(fleet, "node3")[1:]
    assert 2.8 <= at - began <= 3.3
    assert rest == []


def test_a_node_whose_agent_was_silent_before_dies_within_two_seconds() -> None:
    fleet = healthy()
    fleet.end_agent("node3", goodbye=False)
    fleet.run(10.0)
    began = fleet.now
    fleet.kill("node3")
    fleet.run(3.0)
    assert dead_after(fleet, "node3", began) <= 2.0


def test_a_goodbye_is_no_death_where_no_port_answers() -> None:
    fleet = Fleet().build((6,))
    fleet.nodes["node3"].filtered = frozenset(PORTS)  # type: ignore[index]
    fleet.run(FIRST_S)
    fleet.end_agent("node3", goodbye=True)
    fleet.run(30.0)
    assert fleet.verdict("node3") is Liveness.AgentSilent


def test_a_node_that_is_shut_down_after_its_agents_goodbye_is_dead() -> None:
    fleet = healthy()
    fleet.end_agent("node3", goodbye=True)
    fleet.run(2.0)
    assert fleet.verdict("node3") is Liveness.Alive
    began = fleet.now
    fleet.kill("node3")
    fleet.run(3.0)
    assert dead_after(fleet, "node3", began) <= 2.0


def test_a_node_that_hangs_is_said_to_and_not_dead() -> None:
    fleet = healthy()
    node = fleet.nodes["node3"]  # type: ignore[index]
    node.programs = False
    fleet.end_agent("node3", goodbye=False)
    fleet.run(12.0)
    assert fleet.verdict("node3") is Liveness.NodeHung
    node.programs = True
    fleet.run(10.0)
    assert fleet.verdict("node3") is Liveness.AgentSilent
    fleet.boot("node3")
    fleet.run(10.0)
    assert fleet.verdict("node3") is Liveness.Alive


def test_a_node_with_one_mute_program_does_not_hang() -> None:
    fleet = healthy()
    fleet.nodes["node3"].programs = False  # type: ignore[index]
    fleet.nodes["node3"].closed = frozenset({PROXY})  # type: ignore[index]
    fleet.end_agent("node3", goodbye=False)
    fleet.run(30.0)
    assert fleet.verdict("node3") is Liveness.AgentSilent


def test_a_node_that_dies_after_it_hung_is_dead() -> None:
    fleet = healthy()
    fleet.nodes["node3"].programs = False  # type: ignore[index]
    fleet.end_agent("node3", goodbye=False)
    fleet.run(12.0)
    began = fleet.now
    fleet.kill("node3")
    fleet.run(4.0)
    assert dead_after(fleet, "node3", began) <= 2.0


def test_a_node_is_back_after_three_steady_seconds_and_every_flap_doubles_that() -> None:
    fleet = healthy()
    for expected in (3.0, 6.0, 12.0, 24.0, 48.0, 60.0, 60.0):
        fleet.kill("node3")
        fleet.run(2.0)
        began = fleet.now
        fleet.boot("node3")
        fleet.run(70.0)
        at, after = turns(fleet, "node3")[-1]
        assert after is Liveness.Alive
        assert expected - 0.2 <= at - began <= expected + 0.3
    fleet.run(600.0)
    fleet.kill("node3")
    fleet.run(2.0)
    began = fleet.now
    fleet.boot("node3")
    fleet.run(4.0)
    assert fleet.verdict("node3") is Liveness.Alive


def test_a_node_that_is_heard_again_returns_until_it_is_steady_and_may_die_again() -> None:
    fleet = healthy()
    for _ in range(3):
        fleet.kill("node3")
        fleet.run(2.0)
        assert fleet.verdict("node3") is Liveness.Dead
        fleet.boot("node3")
        fleet.run(1.0)
        assert fleet.verdict("node3") is Liveness.Returning
    fleet.run(20.0)
    assert fleet.verdict("node3") is Liveness.Alive


def test_a_node_that_returns_without_its_agent_is_back_once_its_programs_answer_steadily() -> None:
    fleet = healthy()
    fleet.kill("node3")
    fleet.run(5.0)
    fleet.nodes["node3"].kernel = True  # type: ignore[index]
    fleet.nodes["node3"].closed = frozenset(PORTS)  # type: ignore[index]
    fleet.run(20.0)
    assert fleet.verdict("node3") is Liveness.Dead  # it boots: nothing forwards there yet
    fleet.nodes["node3"].closed = frozenset()  # type: ignore[index]
    fleet.run(10.0)
    assert fleet.verdict("node3") is Liveness.AgentSilent


def test_an_agent_without_gateways_has_its_node_down_until_they_answer_steadily() -> None:
    fleet = healthy()
    node = fleet.nodes["node3"]  # type: ignore[index]
    node.link_down = True
    fleet.run(0.3)
    assert fleet.verdict("node3") is Liveness.LinkDown
    fleet.run(20.0)
    node.link_down = False
    fleet.run(2.5)
    assert fleet.verdict("node3") is Liveness.LinkDown
    fleet.run(1.0)
    assert fleet.verdict("node3") is Liveness.Alive


def test_nothing_turns_for_the_worse_in_the_first_two_seconds() -> None:
    fleet = Fleet().build((6,))
    fleet.run(1.0)
    fleet.kill("node3")
    fleet.run(0.9)
    assert fleet.verdict("node3") is Liveness.Alive
    fleet.run(0.5)
    assert fleet.verdict("node3") is Liveness.Dead


def test_nothing_turns_for_the_worse_in_the_first_two_seconds_after_taking_over() -> None:
    fleet = healthy()
    fleet.kill("node3")
    fleet.managers["manager1"].judgement.took_over(fleet.now)
    fleet.run(1.9)
    assert fleet.verdict("node3") is Liveness.Alive
    fleet.run(0.3)
    assert fleet.verdict("node3") is Liveness.Dead


def test_a_starved_manager_accuses_nobody_and_still_finds_who_died_meanwhile() -> None:
    fleet = healthy()
    fleet.starve("manager1", 5.0)
    fleet.run(1.0)
    fleet.kill("node3")
    fleet.run(4.0)
    woke = fleet.now
    fleet.run(2.0)
    assert dead_after(fleet, "node3", woke) <= 0.3
    assert all(one.node == "node3" or one.after is Liveness.Alive for one in all_turns(fleet))


def test_a_socket_that_overflowed_vetoes_for_one_window_only() -> None:
    fleet = healthy()
    fleet.managers["manager1"].room = 50
    fleet.kill("node3")
    fleet.starve("manager1", 5.0)
    fleet.run(5.0)
    woke = fleet.now
    fleet.run(2.0)
    assert 0.45 <= dead_after(fleet, "node3", woke) <= 0.8
    assert all(one.node == "node3" or one.after is Liveness.Alive for one in all_turns(fleet))


def test_a_socket_that_overflows_all_the_time_is_no_excuse_for_ever() -> None:
    fleet = healthy()
    manager = fleet.managers["manager1"]

    def overflow() -> None:
        manager.overflown = True
        fleet.at(0.1, overflow)

    overflow()
    began = fleet.now
    fleet.kill("node3")
    fleet.run(10.0)
    assert dead_after(fleet, "node3", began) <= 3.0


def test_a_node_that_another_replica_hears_is_alive() -> None:
    fleet = healthy(managers=2)
    ways = [("node3", "manager1")]
    fleet.sever(*ways)
    fleet.run(30.0)
    assert fleet.verdict("node3") is Liveness.Alive
    assert fleet.verdict("node3", "manager2") is Liveness.Alive
    began = fleet.now
    fleet.kill("node3")
    fleet.run(3.0)
    for manager in fleet.managers:
        assert dead_after(fleet, "node3", began, manager) <= 1.2


def test_a_node_that_only_other_agents_reach_is_no_death_and_its_death_is_found() -> None:
    fleet = healthy()
    fleet.sever(("node3", "manager1"))
    fleet.run(30.0)
    assert fleet.verdict("node3") is Liveness.AgentSilent
    began = fleet.now
    fleet.kill("node3")
    fleet.run(3.0)
    assert dead_after(fleet, "node3", began) <= 2.0


def test_probes_that_never_leave_the_manager_are_no_silence() -> None:
    """Local errors: the witness has not agreed, and the others that are asked reach the node."""
    node, beat = NodeName("node1"), Beat(0.1)
    for outcome, verdict in (
        (ProbeOutcome.Unsure, Liveness.Alive),
        (ProbeOutcome.Silent, Liveness.Dead),
    ):
        judgement = Judgement(started_s=0.0, ports=PORTS)
        judgement.enrol({node: (), NodeName("node2"): (), NodeName("node3"): ()})
        now = 0.0
        while now < 20.0:
            now += 0.02
            for name in ("node2", "node3"):
                judgement.heard(NodeName(name), beat, now)
            if now < 10.0:
                judgement.heard(node, beat, now)
            judgement.drained(now)
            for effect in judgement.tick():
                if isinstance(effect, Probe) and effect.node == node:
                    answer = ProbeOutcome.Accepted if now < 10.0 else outcome
                    for port in effect.ports:
                        judgement.probed(node, port, answer, now)
        assert judgement.liveness[node] is verdict


def test_one_port_that_answers_is_enough() -> None:
    fleet = healthy()
    fleet.nodes["node3"].filtered = frozenset({KUBELET})  # type: ignore[index]
    fleet.end_agent("node3", goodbye=False)
    fleet.run(10.0)
    assert fleet.verdict("node3") is Liveness.AgentSilent


def test_an_agent_that_is_no_longer_known_has_no_verdict() -> None:
    fleet = healthy()
    judgement = fleet.managers["manager1"].judgement
    judgement.enrol({name: () for name in fleet.nodes if name != "node3"})
    fleet.run(1.0)
    assert fleet.verdict("node3") is Liveness.Unknown


def test_slow_heartbeats_are_judged_by_their_own_interval() -> None:
    fleet = healthy(interval_s=0.5)
    began = fleet.now
    fleet.kill("node3")
    fleet.run(5.0)
    assert 1.8 <= dead_after(fleet, "node3", began) <= 2.7


def test_duplicates_and_late_datagrams_change_nothing() -> None:
    fleet = healthy(duplicates=0.5, delay_s=0.03, loss=0.02)
    known = fleet.managers["manager1"].judgement.liveness
    fleet.run(60.0)
    assert fleet.managers["manager1"].judgement.liveness is known


def test_a_late_datagram_takes_nothing_back() -> None:
    fleet = healthy()
    judgement, node = fleet.managers["manager1"].judgement, NodeName("node3")
    heard = judgement.heard_s(node)
    assert heard is not None
    judgement.heard(node, Beat(0.1, stopping=True), heard - 0.05)
    assert judgement.heard_s(node) == heard
    began = fleet.now
    fleet.kill("node3")
    fleet.run(2.0)
    assert dead_after(fleet, "node3", began) <= 0.6


def all_turns(fleet: Fleet) -> list[Turned]:
    return [one for manager in fleet.managers.values() for _, one in manager.turned]
