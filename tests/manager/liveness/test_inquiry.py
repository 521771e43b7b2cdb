"""Who is asked about a silent node."""

from manager.liveness.agent import Agent
from manager.liveness.exchange import Ask
from manager.liveness.inquiry import Inquiry
from manager.snapshot import NodeName

NOW = 100.0


def agents(racks: str, **more: object) -> list[Agent]:
    """Agents by the letters of their racks, all just heard: node0, node1, ..."""
    return [
        Agent(NodeName(f"node{n}"), domains=(rack,), heard_s=NOW, **more)  # type: ignore[arg-type]
        for n, rack in enumerate(racks)
    ]


def asked(found: list[Agent], *, now_s: float = NOW + 0.1) -> set[str]:
    inquiry = Inquiry((10250,))
    inquiry.witnesses = found
    inquiry.begin()
    one = found[0]
    one.heard_s -= 1.0
    for step in range(3):
        inquiry.suspect(one, now_s - 0.12 + 0.06 * step)
    return {name for effect in inquiry.effects if isinstance(effect, Ask) for name in effect.agents}


def test_two_agents_of_other_domains_are_asked() -> None:
    assert asked(agents("aaaaabb")) == {"node5", "node6"}


def test_one_that_is_elsewhere_is_better_than_two_that_are_not() -> None:
    assert asked(agents("aaaaab")) == {"node5"}


def test_where_nobody_is_elsewhere_any_two_are_asked() -> None:
    found = asked(agents("aaaa"))
    assert len(found) == 2
    assert found <= {"node1", "node2", "node3"}


def test_nobody_is_asked_who_is_silent_or_says_goodbye() -> None:
    found = agents("abbbb")
    found[1].stopping = True
    found[2].heard_s = NOW - 0.2
    assert asked(found) == {"node3", "node4"}


def test_who_is_asked_stays_the_same_so_that_denials_add_up() -> None:
    found = agents("abbbbbbb")
    first = asked(found)
    found[0].ask_due_s = NOW
    found[0].heard_s = NOW
    assert asked(found) == first
