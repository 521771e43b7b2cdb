"""Who changes its terms leaves a shared address ten seconds after it said so.

Eleven on this clock: a condition's time is written to the second, and ten are promised.
"""

from typing import Any

import pytest

from manager.planner.plan import plan
from tests.scripts.story import Story, tell
from tests.scripts.test_wiped import holds
from tests.scripts.world import Json, World

SHARED = "198.51.100.0"
NAMES = ("default/web", "default/dns")


def note(name: str, key: str | None) -> Json:
    return {f"Service {name}": {"metadata": {"annotations": {"pointsman.dev/share-key": key}}}}


def sharing(**more: Any) -> World:
    world = Story("sharing", "", ()).world()
    two = {"notes": {"share-key": "k"}, **more}
    dns = {**two, "ports": [{"port": 53}]}
    tell(world, {"services": {"default/web": two, "default/dns": dns}})
    world.settle()
    assert [holds(world, name) for name in NAMES] == [[SHARED], [SHARED]]
    return world


def condition(world: World, name: str) -> Json:
    conditions = world.docs[f"Service {name}"]["status"]["conditions"]
    return next(dict(one) for one in conditions if one["type"] == "pointsman.dev/Allocated")


def shared_as(world: World, name: str) -> str:
    return str(world.docs[f"Service {name}"]["metadata"]["annotations"]["pointsman.dev/shared-as"])


@pytest.mark.parametrize("first", NAMES)
@pytest.mark.parametrize("pause", [0, 10], ids=["at once", "ten seconds later"])
def test_a_key_renamed_on_one_after_the_other_keeps_them_together(first: str, pause: int) -> None:
    world = sharing()
    second = next(name for name in NAMES if name != first)
    before = shared_as(world, first)
    tell(world, {"merge": note(first, "new")})
    world.settle()
    refusal = condition(world, first)
    assert (refusal["reason"], refusal["status"]) == ("ShareConflict", "False")
    assert f"keeps {SHARED}" in refusal["message"]
    assert shared_as(world, first) == before
    tell(world, {"clock": pause, "merge": note(second, "new")})
    for _ in range(3):
        world.settle()
        tell(world, {"clock": 20})
        assert [holds(world, name) for name in NAMES] == [[SHARED], [SHARED]]
    assert condition(world, first)["reason"] == "Allocated"
    assert '"key":"new"' in shared_as(world, first)


def test_who_stays_alone_with_its_new_terms_leaves_after_ten_seconds() -> None:
    world = sharing()
    tell(world, {"merge": note("default/dns", "new")})
    world.settle()
    assert plan(world.snapshot()).allocations.again_s == 11
    tell(world, {"clock": 10})
    decided, _ = world.settle()
    assert (holds(world, "default/dns"), decided.again_s) == ([SHARED], 1)  # looked at again
    tell(world, {"clock": 1})
    decided, _ = world.settle()
    assert (holds(world, "default/dns"), holds(world)) == (["198.51.100.1"], [SHARED])
    assert decided.allocations.again_s is None


def test_agreed_again_and_changed_again_begins_anew() -> None:
    world = sharing()
    for key in ("new", "k", "newer"):
        tell(world, {"clock": 8, "merge": note("default/dns", key)})
        world.settle()
        assert holds(world, "default/dns") == [SHARED]
    tell(world, {"clock": 9})
    world.settle()
    assert holds(world, "default/dns") == [SHARED]


BEFORE: dict[str, Json] = {
    "it asked for what is taken": {"pointsman.dev/addresses": "198.51.100.5"},
    "it asked for what another shares": {"pointsman.dev/addresses": "198.51.100.6"},
    "it asked for nonsense": {"pointsman.dev/addresses": "nonsense"},
    "it named an Eip that is not there": {"pointsman.dev/eip": "gone"},
}


@pytest.mark.parametrize("asked", BEFORE)
def test_another_refusal_before_takes_no_second_away(asked: str) -> None:
    world = sharing()
    has = {"notes": {"addresses": "198.51.100.5"}}
    shares = {"notes": {"addresses": "198.51.100.6", "share-key": "others"}}
    tell(world, {"services": {"default/has": has, "default/shares": shares}})
    world.settle()
    tell(world, {"merge": {"Service default/dns": {"metadata": {"annotations": BEFORE[asked]}}}})
    world.settle()
    stood = condition(world, "default/dns")
    assert (stood["status"], holds(world, "default/dns")) == ("False", [SHARED])
    assert (stood["reason"] == "ShareConflict") is ("another shares" in asked)
    tell(world, {"clock": 60, "merge": note("default/dns", "new")})
    world.settle()
    refusal = condition(world, "default/dns")
    assert refusal["reason"] == "ShareConflict"
    assert refusal["lastTransitionTime"] > stood["lastTransitionTime"]
    tell(world, {"clock": 10})
    world.settle()
    assert holds(world, "default/dns") == [SHARED]
    tell(world, {"clock": 1})
    world.settle()
    assert SHARED not in holds(world, "default/dns")


@pytest.mark.parametrize("replaced", NAMES)
def test_a_manifest_that_replaces_one_without_key_moves_that_one(replaced: str) -> None:
    """`kubectl replace` takes our annotations away with the key: nobody else leaves for it."""
    world = sharing()
    world.docs[f"Service {replaced}"]["metadata"].update(annotations={}, managedFields=[])
    world.settle()
    assert condition(world, replaced)["reason"] == "ShareConflict"
    tell(world, {"clock": 11})
    world.settle()
    assert holds(world, replaced) == ["198.51.100.1"]
    assert holds(world, next(name for name in NAMES if name != replaced)) == [SHARED]


def test_a_newcomer_with_the_new_key_waits_rather_than_part_from_them() -> None:
    world = sharing()
    tell(world, {"merge": note("default/web", "new")})
    late = {"notes": {"share-key": "new"}, "ports": [{"port": 443}]}
    tell(world, {"services": {"default/late": late}})
    world.settle()
    assert holds(world, "default/late") == []
    tell(world, {"merge": note("default/dns", "new")})
    world.settle()
    assert [holds(world, name) for name in (*NAMES, "default/late")] == [[SHARED]] * 3


def test_two_who_leave_with_one_new_key_meet_again() -> None:
    world = sharing()
    third = {"notes": {"share-key": "k"}, "ports": [{"port": 443}]}
    tell(world, {"services": {"default/api": third}})
    world.settle()
    tell(world, {"merge": note("default/web", "new")})
    world.settle()
    tell(world, {"clock": 5, "merge": note("default/dns", "new")})
    world.settle()
    tell(world, {"clock": 6})
    world.settle()
    assert [holds(world, name) for name in NAMES] == [["198.51.100.1"], [SHARED]]
    tell(world, {"clock": 5})
    world.settle()
    assert [holds(world, name) for name in NAMES] == [["198.51.100.1"]] * 2


def test_who_never_shared_the_address_is_moved_at_once() -> None:
    world = Story("duplicate", "", ()).world()
    status = {"loadBalancer": {"ingress": [{"ip": SHARED}]}}
    tell(world, {"services": {"default/a": {"status": status}, "default/b": {"status": status}}})
    world.settle()
    assert (holds(world, "default/a"), holds(world, "default/b")) == ([SHARED], ["198.51.100.1"])
