"""What is written into objects: docs/concepts.md, "What Pointsman writes", and each status."""

from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import pytest

from manager.planner.desired import Allocation, Grant
from manager.planner.plan import plan
from manager.planner.records import service_record
from manager.planner.whatif import settle
from manager.snapshot import Condition, EipName
from pointsman.api import crd
from pointsman.model.record import ResourceKey, ServiceRecord, StatusRecord
from pointsman.model.verdicts.address import AddressPoolExhausted, Allocated
from pointsman.model.verdicts.announcement import Announced, NoServingEndpoint, NotAnnounced
from pointsman.model.verdicts.base import Verdict
from tests.manager.planner.scene import (
    CONF,
    WEB,
    eip,
    endpoints,
    peer,
    scene,
    service,
)

GRANT = Grant(ip_address("198.51.100.0"), EipName("public"))
HAS = Allocated("a/web", (("198.51.100.0", "public"),))
IS_ANNOUNCED = Announced("a/web", ("198.51.100.0",))
NOBODY_SERVES = NoServingEndpoint("a/web")
SOON = NotAnnounced("a/web", "its addresses are being handed to the speaker", passing=True)
FULL = AddressPoolExhausted("a/web", "address", ("Eip 'public' is full",), "public")


def record(
    allocated: Verdict, announced: Verdict, *, before: str = "", carriers: tuple[str, ...] = ()
) -> ServiceRecord:
    condition = (Condition("pointsman.dev/Announced", before, "x", "y"),) if before else ()
    return service_record(
        replace(WEB, conditions=condition),
        Allocation((GRANT,), allocated),
        announced,
        carriers,
    )


@pytest.mark.parametrize(
    ("allocated", "announced", "sentence"),
    [
        pytest.param(HAS, IS_ANNOUNCED, IS_ANNOUNCED, id="all is well: who announces it"),
        pytest.param(HAS, NOBODY_SERVES, NOBODY_SERVES, id="not announced: why"),
        pytest.param(FULL, IS_ANNOUNCED, FULL, id="what it lacks comes first"),
        pytest.param(FULL, NOBODY_SERVES, FULL, id="a lack comes before its consequence"),
        pytest.param(HAS, SOON, HAS, id="what passes by itself is not worth the sentence"),
    ],
)
def test_the_annotation_status_is_the_one_sentence_that_matters(
    allocated: Verdict, announced: Verdict, sentence: Verdict
) -> None:
    found = record(allocated, announced)
    assert found.annotations["pointsman.dev/status"] == str(sentence)


@pytest.mark.parametrize(
    ("announced", "before", "reason"),
    [
        pytest.param(IS_ANNOUNCED, "", "Announced", id="stated"),
        pytest.param(NOBODY_SERVES, "", "NoServingEndpoint", id="refused"),
        pytest.param(SOON, "", None, id="on its way for the first time: nothing is said yet"),
        pytest.param(SOON, "True", "x", id="on its way again: what was said stays said"),
        pytest.param(SOON, "False", "x", id="on its way after a refusal: no flicker between"),
    ],
)
def test_the_condition_announced(announced: Verdict, before: str, reason: str | None) -> None:
    found = record(HAS, announced, before=before).conditions.get("pointsman.dev/Announced")
    assert (found.reason if found else None) == reason


def test_annotations_say_where_from_and_by_whom_and_empty_ones_are_left_out() -> None:
    assert record(HAS, IS_ANNOUNCED, carriers=("bgp",)).annotations == {
        "pointsman.dev/allocated-from": "public/198.51.100.0",
        "pointsman.dev/announced-by": "bgp",
        "pointsman.dev/status": str(IS_ANNOUNCED),
    }
    assert "pointsman.dev/announced-by" not in record(HAS, NOBODY_SERVES).annotations


def test_an_address_of_no_eip_has_no_origin() -> None:
    stray = Allocation((Grant(GRANT.address, None),), FULL)
    found = service_record(WEB, stray, NOBODY_SERVES, ())
    assert found.ingress == ("198.51.100.0",)
    assert "pointsman.dev/allocated-from" not in found.annotations


# --- our own resources ---


def status_of(kind: str, name: str, **more: Any) -> StatusRecord:
    return plan(scene(**more)).statuses[ResourceKey(kind, name)]


def test_an_eips_status_tells_its_usage_in_decimal_strings() -> None:
    pool = eip("wide", "198.51.100.0/28", "2001:db8:100::/48", default=True)
    _, decided = settle(scene(WEB, pool, endpoints("a/web", "node1")))
    found = decided.statuses[ResourceKey("Eip", "wide")]
    assert found.conditions["Ready"].status == "True"
    assert found.has_finalizer
    assert found.fields == {
        "capacity": {"ipv4": "16", "ipv6": str(2**80)},
        "allocated": {"ipv4": "1", "ipv6": "0"},
        "available": {"ipv4": "15", "ipv6": str(2**80)},
        "totals": {"allocated": "1", "available": str(2**80 + 15)},
        "services": 1,
    }


def test_kubectl_get_prints_the_usage_as_numbers() -> None:
    """A column shows one value, and a map or a list would be printed as JSON."""
    kind = next(one for one in crd.KINDS if one.name == "Eip")
    _, decided = settle(
        scene(WEB, eip("two", "198.51.100.0/30", "2001:db8:100::/126", default=True))
    )
    fields = decided.statuses[ResourceKey("Eip", "two")].fields
    shown = {}
    for column in kind.columns:
        if column.name in ("Allocated", "Available"):
            _, status, *steps = column.path.split(".")
            assert status == "status"
            value: Any = fields
            for step in steps:
                value = value[step]
            shown[column.name] = value
    assert shown == {"Allocated": "1", "Available": "7"}


@pytest.mark.parametrize(
    ("deleting", "finalizers", "used", "has_finalizer"),
    [
        pytest.param(False, (), True, True, id="in use: the finalizer is set"),
        pytest.param(False, (), False, False, id="not in use"),
        pytest.param(True, ("pointsman.dev/in-use",), True, True, id="deleted in use: it stays"),
        pytest.param(True, (), True, False, id="it cannot be added to what is being deleted"),
        pytest.param(True, ("pointsman.dev/in-use",), False, False, id="the last one left"),
    ],
)
def test_the_finalizer_of_an_eip(
    deleting: bool, finalizers: tuple[str, ...], used: bool, has_finalizer: bool
) -> None:
    pool = replace(eip("p", "198.51.100.0/28", deleting=deleting), finalizers=finalizers)
    web = service("a/web", "198.51.100.0", notes={"allocated-from": "p/198.51.100.0"})
    decided = plan(scene(*([web] if used else []), pool))
    assert decided.statuses[ResourceKey("Eip", "p")].has_finalizer is has_finalizer


def test_every_status_says_which_generation_it_speaks_of() -> None:
    snapshot = scene(
        replace(eip("p", "198.51.100.0/28"), generation=3),
        replace(peer("t"), generation=4),
        bgp_confs={"default": replace(CONF, generation=5)},
    )
    found = plan(snapshot).statuses
    assert {key.kind: one.observed_generation for key, one in found.items()} == {
        "Eip": 3,
        "BgpPeer": 4,
        "BgpConf": 5,
    }
