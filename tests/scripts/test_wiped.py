"""What is wiped comes back: whatever part of our record is lost, by whom and however."""

from typing import Any

import pytest

from pointsman.model.names import ALLOCATED_FROM
from tests.scripts.story import Story, tell
from tests.scripts.world import Json, World

NOTES = {f"pointsman.dev/{name}": None for name in ("allocated-from", "announced-by", "status")}
STRANGER = {"ingress": [{"ip": "203.0.113.9"}]}
MINE, NEXT = "198.51.100.0", "198.51.100.1"

# Each is a merge patch; a replacement of the whole comes to the same.
LOST: dict[str, Json] = {
    "the whole status": {"status": None},
    "the ingress": {"status": {"loadBalancer": None}},
    "the conditions": {"status": {"conditions": None}},
    "our annotations": {"metadata": {"annotations": NOTES}},
    "the conditions and one note": {
        "metadata": {"annotations": {"pointsman.dev/announced-by": None}},
        "status": {"conditions": None},
    },
    "the ingress, by a stranger's": {"status": {"loadBalancer": STRANGER}},
    "the whole status, by a stranger's": {"status": {"conditions": None, "loadBalancer": STRANGER}},
}
# An older or newer version of us, or another language: the words are no record.
WORDS = {
    "our words": None,
    "other words": "{address} belongs to it, as decided by version 9",
    "no address": "all is well",
}


def begun(spec: Json, *, served: bool) -> World:
    story = Story("wiped", "", ())
    world = story.world()
    endpoints = {"default/web": "node1" if served else "", "default/api": "node1"}
    tell(world, {"services": {"default/web": spec, "default/api": {}}, "endpoints": endpoints})
    world.settle()
    return world


def reworded(doc: Json, words: str | None) -> None:
    for condition in doc["status"]["conditions"] if words is not None else ():
        condition["message"] = str(words).format(address=MINE)


def holds(world: World, name: str = "default/web") -> list[str]:
    status = world.docs[f"Service {name}"].get("status", {})
    return [one["ip"] for one in status.get("loadBalancer", {}).get("ingress", ())]


@pytest.mark.parametrize("lost", LOST)
@pytest.mark.parametrize("words", WORDS)
@pytest.mark.parametrize("served", [True, False], ids=["announced", "not announced"])
@pytest.mark.parametrize("spec", [{}, {"loadBalancerClass": "pointsman.dev/lb"}], ids=["", "class"])
def test_what_is_wiped_comes_back(lost: str, words: str, served: bool, spec: Json) -> None:
    world = begun(spec, served=served)
    before = world.snapshot().routes
    reworded(world.docs["Service default/web"], WORDS[words])
    world.merge("Service default/web", LOST[lost])
    tell(world, {"services": {"default/new": {}}})  # it would take any address that is free
    asks = {"notes": {"addresses": MINE}}
    tell(world, {"services": {"default/asks": asks}})
    world.step()
    assert holds(world) == [MINE]  # at once, so no other ever had it
    assert before.keys() <= world.snapshot().routes.keys()
    world.settle()
    assert (holds(world), holds(world, "default/api")) == ([MINE], [NEXT])
    assert world.docs["Service default/web"]["metadata"]["annotations"][ALLOCATED_FROM]


@pytest.mark.parametrize("served", [True, False], ids=["announced", "not announced"])
def test_a_server_that_does_not_say_who_wrote_costs_a_moment_not_the_address(served: bool) -> None:
    world = begun({}, served=served)
    del world.docs["Service default/web"]["metadata"]["managedFields"]
    world.merge("Service default/web", LOST["the whole status"])
    tell(world, {"services": {"default/new": {}}})
    world.settle()
    assert holds(world) == [MINE]
    assert len(world.snapshot().routes) == (6 if served else 3)


def test_of_two_that_share_both_come_back() -> None:
    spec = {"notes": {"share-key": "k"}}
    world = begun(spec, served=True)
    tell(world, {"services": {"default/dns": {**spec, "ports": [{"port": 53}]}}})
    world.settle()
    for name in ("web", "dns"):
        world.merge(f"Service default/{name}", LOST["the whole status"])
    world.settle()
    assert (holds(world), holds(world, "default/dns")) == ([MINE], [MINE])


def remade(world: World, *, annotated: bool) -> None:
    """Delete the Service and make it again from a file, which has our annotations or not."""
    old = world.docs["Service default/web"]
    world.delete("Service default/web")
    notes = {"allocated-from": old["metadata"]["annotations"][ALLOCATED_FROM]} if annotated else {}
    tell(world, {"clock": 1})
    tell(world, {"services": {"default/web": {"notes": notes}}})
    if annotated:  # some backups have this too
        fields = old["metadata"]["managedFields"]
        world.docs["Service default/web"]["metadata"]["managedFields"] = fields


@pytest.mark.parametrize("annotated", [True, False], ids=["with our annotation", "without"])
def test_another_service_gets_no_address_that_our_speaker_still_holds_a_path_for(
    annotated: bool,
) -> None:
    world = begun({}, served=True)
    remade(world, annotated=annotated)
    held: Any = None
    for _ in range(5):
        routed = {str(key.prefix.network_address) for key in world.snapshot().routes}
        before, held = held, holds(world)
        if MINE in routed and before is not None and MINE not in before:
            assert MINE not in held
        world.step()
    assert holds(world) == ([MINE] if annotated else ["198.51.100.2"])


@pytest.mark.parametrize("eip", ["renamed", "public"])
@pytest.mark.parametrize("spec", [{}, {"default": True}], ids=["named only", "default"])
def test_a_hint_is_the_address_whatever_its_eip_is_called_now(eip: str, spec: Json) -> None:
    world = begun({}, served=True)
    world.merge("Service default/web", LOST["the whole status"])
    if eip != "public":
        world.delete("Eip public")
    tell(world, {"eips": {eip: {"addresses": ["198.51.100.0/29"], **spec}}})
    world.settle()
    found = world.docs["Service default/web"]
    assert holds(world) == [MINE]
    assert found["metadata"]["annotations"][ALLOCATED_FROM] == f"{eip}/{MINE}"


def test_who_waits_for_its_eip_remembers_its_address() -> None:
    """A cluster is restored: the Services first, the Eips when somebody thinks of them."""
    world = begun({}, served=True)
    for name in ("default/web", "default/api"):
        world.merge(f"Service {name}", LOST["the whole status"])
        del world.docs[f"Service {name}"]["metadata"]["managedFields"]
    del world.docs["Eip public"]
    world.settle()
    assert (holds(world), holds(world, "default/api")) == ([], [])
    tell(world, {"services": {"default/new": {}}})
    tell(world, {"eips": {"public": {"addresses": ["198.51.100.0/28"], "default": True}}})
    world.settle()
    assert (holds(world), holds(world, "default/api")) == ([MINE], [NEXT])


def test_the_address_of_an_eip_that_is_gone_stays_when_the_conditions_are_wiped() -> None:
    world = begun({}, served=True)
    del world.docs["Eip public"]
    world.settle()
    world.merge("Service default/web", LOST["the conditions"])
    world.settle()
    assert holds(world) == [MINE]
