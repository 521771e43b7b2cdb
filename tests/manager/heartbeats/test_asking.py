"""Questions of one replica, answers of agents and of another replica: what counts, and once."""

from dataclasses import replace
from ipaddress import ip_address
from itertools import count
from typing import Any

import pytest

from manager.heartbeats.asking import PATIENCE_S, Asking, Reply
from manager.heartbeats.listening import Listening
from manager.snapshot import Announcer, NodeName
from pointsman.wire.heartbeat import Drop
from pointsman.wire.heartbeat_keys import key_text, public_half
from pointsman.wire.inquiry import Answer, Question, read_question, write_answer, write_question
from tests.manager.heartbeats.agents import MANAGER, NONCE, PRIVATE, TestAgent
from tests.manager.heartbeats.test_listening import proven

OTHER, OTHER_PRIVATE = "manager-b", b"q" * 32
LOST = NodeName("node2")
WHERE = ip_address("192.0.2.12")
PORTS = (10250, 10256)


def managers() -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "address": address,
            "port": 7470,
            "publicKey": key_text(public_half(private)),
        }
        for name, address, private in (
            (MANAGER, "192.0.2.10", PRIVATE),
            (OTHER, "192.0.2.9", OTHER_PRIVATE),
        )
    ]


def asking(name: str, private: bytes, *agents: TestAgent, spec: Any = None) -> Asking:
    listening = Listening(name, private, NONCE)
    shown = {"managers": managers()} if spec is None else spec
    announcers = {one.name: replace(one.announcer(), spec=shown) for one in agents}
    listening.enrol(announcers)
    numbers = count(1)
    made = Asking(listening, lambda octets: next(numbers).to_bytes(octets))
    made.enrol(announcers)
    return made


def questions(one: Asking, *agents: TestAgent, now_s: float = 0.0) -> dict[Any, bytes]:
    names = tuple(agent.name for agent in agents)
    asked = one.about(LOST, names, address=WHERE, ports=PORTS, now_s=now_s)
    return {peer: data for data, peer in asked}


def read(agent: TestAgent, data: bytes) -> Question:
    found = read_question(data, own=agent.node, key_of=lambda name: agent.key)
    assert isinstance(found, Question)
    return found


def reply(agent: TestAgent, question: Question, *, alive: bool = False, **change: Any) -> bytes:
    answer_of = replace(Answer(question.number, agent.node, question.node, alive), **change)
    return write_answer(answer_of, to=MANAGER, key=agent.key)


def test_an_agent_is_told_what_to_probe_and_its_answer_counts_once() -> None:
    agent = TestAgent("node1")
    one = asking(MANAGER, PRIVATE, agent)
    proven(one.listening, agent)
    one.listening.received(agent.beat(), agent.peer)
    question = read(agent, questions(one, agent)[agent.peer])
    assert (question.node, question.address, question.ports) == (LOST, WHERE, PORTS)
    data = reply(agent, question)
    answer = Answer(question.number, "node1", LOST, alive=False)
    assert one.answered(data, now_s=0.3) == Reply(answer, by_replica=False)
    assert one.answered(data, now_s=0.3) is Drop.OLD
    assert one.listening.drops[Drop.OLD] == 1


def test_an_answer_counts_for_what_was_asked_of_whom_it_was_asked_in_time() -> None:
    agent, stranger = TestAgent("node1"), TestAgent("node3")
    one = asking(MANAGER, PRIVATE, agent, stranger)
    proven(one.listening, agent)
    one.listening.received(agent.beat(), agent.peer)
    question = read(agent, questions(one, agent)[agent.peer])
    assert one.answered(reply(agent, question, node="node9"), now_s=0.1) is Drop.OLD
    assert one.answered(reply(agent, question, number=b"another!"), now_s=0.1) is Drop.OLD
    assert one.answered(reply(stranger, question), now_s=0.1) is Drop.OLD
    assert one.answered(reply(agent, question), now_s=PATIENCE_S + 1) is Drop.OLD
    assert isinstance(one.answered(reply(agent, question), now_s=PATIENCE_S), Reply)


def test_an_agent_that_does_not_count_is_not_asked() -> None:
    agent = TestAgent("node1")
    one = asking(MANAGER, PRIVATE, agent)
    assert agent.peer not in questions(one, agent)


@pytest.mark.parametrize(
    ("age_s", "alive", "age_ms"), [(0.25, True, 250), (None, False, 2**32 - 1)]
)
def test_another_replica_says_when_it_heard_the_agent(
    age_s: float | None, alive: bool, age_ms: int
) -> None:
    agent = TestAgent("node1")
    one = asking(MANAGER, PRIVATE, agent)
    other = asking(OTHER, OTHER_PRIVATE, agent)
    asked = questions(one)
    assert set(asked) == {("192.0.2.9", 7470)}
    answer_of = other.asked(asked[("192.0.2.9", 7470)], age_s=lambda node: age_s)
    assert isinstance(answer_of, bytes)
    found = one.answered(answer_of, now_s=0.1)
    assert isinstance(found, Reply)
    assert found.by_replica
    assert (found.answer.sender, found.answer.node, found.answer.alive) == (OTHER, LOST, alive)
    assert found.answer.age_ms == age_ms


def test_an_agent_and_a_replica_on_one_node_are_called_alike_and_are_two() -> None:
    agent = TestAgent("node7")
    beside = [managers()[0], managers()[1] | {"name": "node7"}]
    one = asking(MANAGER, PRIVATE, agent, spec={"managers": beside})
    other = asking("node7", OTHER_PRIVATE, agent, spec={"managers": beside})
    proven(one.listening, agent)
    one.listening.received(agent.beat(), agent.peer)
    asked = questions(one, agent)
    from_replica = other.asked(asked[("192.0.2.9", 7470)], age_s=lambda node: 0.25)
    assert isinstance(from_replica, bytes)
    from_agent = reply(agent, read(agent, asked[agent.peer]))
    replies = [one.answered(data, now_s=0.1) for data in (from_replica, from_agent)]
    assert [one.by_replica for one in replies if isinstance(one, Reply)] == [True, False]
    assert one.answered(from_agent, now_s=0.1) is Drop.OLD
    assert one.listening.drops[Drop.FORGED] == 0


def test_neither_answers_for_the_other() -> None:
    agent = TestAgent("node7")
    beside = [managers()[0], managers()[1] | {"name": "node7"}]
    one = asking(MANAGER, PRIVATE, agent, spec={"managers": beside})
    data, key = questions(one)[("192.0.2.9", 7470)], one.replicas["node7"].key
    question = read_question(data, own="node7", key_of=lambda name: key)
    assert isinstance(question, Question)
    assert one.answered(reply(agent, question), now_s=0.1) is Drop.OLD


def test_an_agent_asks_nobody() -> None:
    agent = TestAgent("node1")
    one = asking(MANAGER, PRIVATE, agent)
    asked = Question(b"12345678", "node1", LOST)
    data = write_question(asked, to=MANAGER, key=agent.key)
    assert one.asked(data, age_s=lambda node: 0.0) is Drop.FOREIGN
    assert one.asked(data[:-1] + b"\0", age_s=lambda node: 0.0) in (Drop.FORGED, Drop.FOREIGN)


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({}, id="nobody named"),
        pytest.param({"managers": managers()[:1]}, id="ourselves alone"),
        pytest.param({"managers": [{"name": "x"}]}, id="what cannot be read"),
        pytest.param(
            {"managers": [managers()[0] | {"name": "twin"}]}, id="our own key under another name"
        ),
    ],
)
def test_who_is_not_named_rightly_is_not_asked(spec: Any) -> None:
    assert not asking(MANAGER, PRIVATE, TestAgent("node1"), spec=spec).replicas


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param(
            {"managers": managers(), "assignments": [{"interface": "eth0", "responder": "Later"}]},
            id="an assignment of a version to come",
        ),
        pytest.param({"managers": [{"name": "x"}, *managers()]}, id="another manager"),
    ],
)
def test_what_cannot_be_read_beside_it_hides_no_replica(spec: Any) -> None:
    assert set(asking(MANAGER, PRIVATE, TestAgent("node1"), spec=spec).replicas) == {OTHER}


def test_replicas_are_followed_as_the_announcers_change() -> None:
    agent = TestAgent("node1")
    one = asking(MANAGER, PRIVATE, agent)
    assert set(one.replicas) == {OTHER}
    one.enrol({agent.name: Announcer(agent.name, spec={"managers": managers()[:1]})})
    assert not one.replicas


def test_a_replica_goes_by_the_announcer_of_its_own_node_if_there_is_one() -> None:
    """Each node is named the address that is best for it: another's may be out of reach here."""
    one = asking(MANAGER, PRIVATE, TestAgent("node1"))
    elsewhere, near = managers(), [managers()[0], managers()[1] | {"address": "203.0.113.9"}]
    one.enrol(
        {
            NodeName(name): Announcer(NodeName(name), spec={"managers": named})
            for name, named in (("a", elsewhere), (MANAGER, near), ("node1", elsewhere))
        }
    )
    assert one.replicas[OTHER].peer == ("203.0.113.9", 7470)
    one.enrol({NodeName("a"): Announcer(NodeName("a"), spec={"managers": elsewhere})})
    assert one.replicas[OTHER].peer == ("192.0.2.9", 7470)


def test_questions_that_nobody_answers_are_forgotten() -> None:
    agent = TestAgent("node1")
    one = asking(MANAGER, PRIVATE, agent)
    for second in range(100):
        questions(one, now_s=10.0 * second)
    assert len(one._waiting) <= 2
