"""What a plan must be at every step of a life of random changes, whatever they are.

No order in which objects come leaks into it, and a memo makes no difference to it.
`SEED=1-2000 pytest tests/manager/planner/test_evolving.py`: so many lives.
"""

from dataclasses import fields, replace
from enum import StrEnum

import pytest

from manager.planner.announcer_specs import assignments_in, routes_in
from manager.planner.plan import plan
from pointsman.model.assignment import KERNEL
from tests.manager.planner.evolving.compared import alike, differ, differences
from tests.manager.planner.evolving.evolution import Evolution
from tests.manager.planner.evolving.warm import WarmPlanner
from tests.scripts.laws import turned
from tests.sim.seeds import seeds

STEPS = 40
LIVES = 12


class Status(StrEnum):
    TRUE = "True"


@pytest.mark.parametrize("seed", seeds(LIVES))
def test_the_order_in_which_objects_come_never_leaks(seed: int) -> None:
    life = Evolution(seed)
    happened = "the beginning"
    for number in range(STEPS):
        decided = plan(life.snapshot)
        found = differences(plan(turned(life.snapshot)), decided)
        assert not found, f"seed {seed}, step {number}, after {happened}: {found}"
        happened = life.step(decided)


@pytest.mark.parametrize("seed", seeds(LIVES))
def test_a_warm_memo_answers_what_a_cold_plan_would(seed: int) -> None:
    life, planner = Evolution(seed), WarmPlanner()
    for _ in range(STEPS):
        life.step(planner(life.snapshot))


def test_a_life_visits_what_it_is_for() -> None:
    """Without addresses, routes, sharers and refusals the test above would compare nothing."""
    announced: set[str] = set()
    routes = shared = weighted = assigned = answered = on_nodes = aggregates = barred = 0
    for seed in range(1, LIVES + 1):
        life = Evolution(seed)
        for _ in range(STEPS):
            decided = plan(life.snapshot)
            routes += len(decided.routes)
            given = decided.allocations.services.values()
            shared += sum(one.shared_as is not None for one in given)
            assigned += sum("assignments" in one.spec for one in decided.announcers.values())
            answered += len(decided.answers)
            specs = [one.spec for one in decided.announcers.values()]
            on_nodes += sum(
                entry["responder"] == KERNEL for one in specs for entry in assignments_in(one)
            )
            aggregates += sum(entry["redistribute"] for one in specs for entry in routes_in(one))
            stated = [c for one in decided.statuses.values() for c in one.conditions.values()]
            barred += sum("lies in it" in one.message for one in stated)
            weighted += sum(one.attributes.weight is not None for one in decided.routes.values())
            announced |= {one.verdict.reason for one in decided.announcements.values()}
            life.step(decided)
    assert routes > 200
    assert shared > 30
    assert weighted > 5
    assert assigned > 100
    assert answered > 5
    assert on_nodes > 5
    assert aggregates > 5
    assert barred > 5
    assert {
        "AddressConflict",
        "Announced",
        "NoAddress",
        "NoEligibleNode",
        "NoNodeOnSubnet",
        "NoPeer",
        "NoServingEndpoint",
    } <= announced


def test_a_difference_is_found_in_an_order_too() -> None:
    decided = plan(Evolution(1).snapshot)
    back = replace(decided, announcers=dict(reversed(list(decided.announcers.items()))))
    assert back == decided
    assert differences(back, decided)
    assert not differences(decided, plan(Evolution(1).snapshot))


def test_what_is_found_alike_at_a_glance_has_no_difference() -> None:
    one, other = (plan(Evolution(seed).snapshot) for seed in (1, 2))
    values = [
        *((getattr(one, field.name), getattr(other, field.name)) for field in fields(one)),
        ("True", Status.TRUE),
        (1, True),
        (ValueError("a"), ValueError("a")),
        (ValueError("a"), ValueError("b")),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        (((1, 2),), ((1, 3),)),
        (frozenset({1}), frozenset({1})),
        ((1, 2), [1, 2]),
    ]
    for mine, theirs in values:
        assert alike(mine, theirs) == (not list(differ("", mine, theirs))), (mine, theirs)
        assert alike(mine, mine)
