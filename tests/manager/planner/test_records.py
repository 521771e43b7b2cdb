"""What is written into objects: docs/concepts.md, "What Pointsman writes", and each status."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any

import pytest

from manager.planner.desired import Allocation, Announcement, Grant
from manager.planner.plan import plan
from manager.planner.records import service_record
from manager.planner.whatif import settle
from manager.snapshot import Condition, EipName, NodeName, Observed
from pointsman.api import crd
from pointsman.model.record import ResourceKey, ServiceRecord, StatusRecord
from pointsman.model.route import Neighbor, PeerName, SessionReport
from pointsman.model.verdicts.address import AddressPoolExhausted, Allocated
from pointsman.model.verdicts.announcement import Announced, NoServingEndpoint, NotAnnounced
from pointsman.model.verdicts.base import Verdict
from tests.manager.planner.scene import (
    CONF,
    WEB,
    announcer,
    eip,
    endpoints,
    nic,
    peer,
    scene,
    service,
)

GRANT = Grant(ip_address("198.51.100.0"), EipName("public"))
HAS = Allocated("a/web", (("198.51.100.0", "public"),))
TOLD = Announced("a/web", ("198.51.100.0",))
UNTOLD = NoServingEndpoint("a/web")
SOON = NotAnnounced("a/web", "its addresses are being handed to the speaker", passing=True)
FULL = AddressPoolExhausted("a/web", "address", ("Eip 'public' is full",), "public")


def record(
    allocated: Verdict, announced: Verdict, *, before: str = "", carriers: tuple[str, ...] = ()
) -> ServiceRecord:
    condition = (Condition("pointsman.dev/Announced", before, "x", "y"),) if before else ()
    return service_record(
        replace(WEB, conditions=condition),
        Allocation((GRANT,), allocated),
        Announcement(announced),
        carriers,
    )


@pytest.mark.parametrize(
    ("allocated", "announced", "sentence"),
    [
        pytest.param(HAS, TOLD, TOLD, id="all is well: who announces it"),
        pytest.param(HAS, UNTOLD, UNTOLD, id="not announced: why"),
        pytest.param(FULL, TOLD, FULL, id="what it lacks comes first"),
        pytest.param(FULL, UNTOLD, FULL, id="a lack comes before its consequence"),
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
        pytest.param(TOLD, "", "Announced", id="stated"),
        pytest.param(UNTOLD, "", "NoServingEndpoint", id="refused"),
        pytest.param(SOON, "", None, id="on its way for the first time: nothing is said yet"),
        pytest.param(SOON, "True", "x", id="on its way again: what was said stays said"),
        pytest.param(SOON, "False", "x", id="on its way after a refusal: no flicker between"),
    ],
)
def test_the_condition_announced(announced: Verdict, before: str, reason: str | None) -> None:
    found = record(HAS, announced, before=before).conditions.get("pointsman.dev/Announced")
    assert (found.reason if found else None) == reason


def test_annotations_say_where_from_and_by_whom_and_empty_ones_are_left_out() -> None:
    assert record(HAS, TOLD, carriers=("bgp",)).annotations == {
        "pointsman.dev/allocated-from": "public/198.51.100.0",
        "pointsman.dev/announced-by": "bgp",
        "pointsman.dev/status": str(TOLD),
    }
    assert "pointsman.dev/announced-by" not in record(HAS, UNTOLD).annotations


def test_an_address_of_no_eip_has_no_origin() -> None:
    stray = Allocation((Grant(GRANT.address, None),), FULL)
    found = service_record(WEB, stray, Announcement(UNTOLD), ())
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


UP = SessionReport("Established", established_at_s=1_767_225_600, add_path_negotiated=True)
SINGLE = replace(UP, add_path_negotiated=False)
DOWN = SessionReport("Active", last_error="hold timer expired")


@pytest.mark.parametrize(
    ("report", "more", "expected"),
    [
        pytest.param(
            UP, {}, {"Established": "Established", "AddPathNegotiated": "Negotiated"}, id="up"
        ),
        pytest.param(
            SINGLE, {}, {"Established": "Established", "AddPathNegotiated": "SinglePath"}, id="one"
        ),
        pytest.param(DOWN, {}, {"Established": "NotEstablished"}, id="down: nothing negotiated"),
        pytest.param(None, {}, {"Established": "NotEstablished"}, id="not yet there"),
        pytest.param(UP, {"disabled": True}, {}, id="disabled: no session is spoken of"),
    ],
)
def test_the_session_of_a_peer(
    report: SessionReport | None, more: Mapping[str, Any], expected: dict[str, str]
) -> None:
    sessions = {PeerName("t"): report} if report is not None else {}
    found = plan(scene(peer("t", **more), speakers=(Observed(sessions=sessions),)))
    conditions = found.statuses[ResourceKey("BgpPeer", "t")].conditions
    others = ("Ready", "NextHopsUnverified")
    assert {n: one.reason for n, one in conditions.items() if n not in others} == expected


NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def usable(at: str) -> Condition:
    return Condition("Ready", "True", "Ready", "it is used", f"2026-01-01T{at}Z")


# Agents that have spoken: nothing else is waited for.
NEAR = {
    NodeName(f"node{n}"): announcer(
        f"node{n}", nic("eth0", f"192.0.2.1{n}/24", f"2001:db8:2::1{n}/64")
    )
    for n in (1, 2, 3)
}
SAID = Condition("Established", "True", "Established", "it is", "2026-01-01T11:00:00Z")


@pytest.mark.parametrize(
    ("conditions", "retry", "stated", "again_s"),
    [
        pytest.param([], 5, False, 8, id="just seen"),
        pytest.param([usable("11:59:58")], 5, False, 6, id="usable for 2 seconds"),
        pytest.param([usable("11:59:52")], 5, True, None, id="usable for 8 seconds"),
        pytest.param([usable("11:59:52")], 30, False, 25, id="a connection is tried after 30 s"),
        pytest.param([usable("12:00:03")], 5, False, 8, id="our clock is behind"),
        pytest.param(
            [Condition("Ready", "False", "NoBgpConf", "", "2026-01-01T10:00:00Z")],
            5,
            False,
            8,
            id="it was not usable until now",
        ),
        pytest.param([usable("11:59:59"), SAID], 5, True, None, id="a session that ends is told"),
    ],
)
def test_a_first_session_has_time_to_come_up(
    conditions: list[Condition], retry: int, stated: bool, again_s: float | None
) -> None:
    timers = {"connectRetrySeconds": retry}
    router = peer("t", conditions=tuple(conditions), timers=timers)
    sessions = {PeerName("t"): DOWN}
    world = scene(router, speakers=(Observed(sessions=sessions),), taken_at=NOON, announcers=NEAR)
    found = plan(world)
    assert ("Established" in found.statuses[ResourceKey("BgpPeer", "t")].conditions) is stated
    assert found.again_s == again_s


def test_a_session_that_is_up_is_said_at_once() -> None:
    observed = Observed(sessions={PeerName("t"): UP})
    found = plan(scene(peer("t"), speakers=(observed,), taken_at=NOON))
    condition = found.statuses[ResourceKey("BgpPeer", "t")].conditions["Established"]
    assert (condition.status, found.again_s) == ("True", None)


def test_a_router_that_is_not_used_is_not_waited_for() -> None:
    found = plan(scene(peer("t", disabled=True), taken_at=NOON))
    assert found.again_s is None


def test_the_sentences_of_a_peer_say_what_to_do() -> None:
    def message(report: SessionReport, name: str, **more: Any) -> str:
        observed = Observed(sessions={PeerName("t"): report})
        found = plan(scene(peer("t", **more), speakers=(observed,))).statuses
        return found[ResourceKey("BgpPeer", "t")].conditions[name].message

    assert message(DOWN, "Established") == (
        "There is no session with BgpPeer 't' (hold timer expired). Check that 192.0.2.1 is "
        "reachable, runs AS 64500 and has us configured as a neighbor."
    )
    unwatched = message(replace(UP, bfd_state="Down"), "Established")
    assert unwatched.endswith("run it on the router for us, too, or remove spec.bfd.")
    assert "BFD" not in message(replace(UP, bfd_state="Init"), "Established")  # it is coming
    single = message(SINGLE, "AddPathNegotiated")
    for word in ("disable-addpath-rx", "add paths rx", "Cisco", "Juniper", "Arista"):
        assert word in single
    off = message(SINGLE, "AddPathNegotiated", addPath={"enabled": False})
    assert "spec.addPath.enabled is false." in off


OLD_FRR = replace(UP, host_named=True)


@pytest.mark.parametrize(
    ("report", "restart_s", "warned"),
    [
        pytest.param(OLD_FRR, 120, True, id="offered to what may be FRR"),
        pytest.param(OLD_FRR, None, False, id="not offered"),
        pytest.param(UP, 120, False, id="offered to something else"),
    ],
)
def test_a_router_that_may_keep_stale_paths_is_said_where_it_matters(
    report: SessionReport, restart_s: int | None, *, warned: bool
) -> None:
    name = PeerName("t")
    stated = Neighbor(ip_address("192.0.2.1"), 64500, graceful_restart_seconds=restart_s)
    observed = Observed(neighbors={name: stated}, sessions={name: report})
    found = plan(scene(peer("t"), speakers=(observed,))).statuses[ResourceKey("BgpPeer", "t")]
    condition = found.conditions["AddPathNegotiated"]
    assert (condition.status, condition.reason) == ("True", "Negotiated")
    assert ("10.1.2" in condition.message) is warned


def test_a_speaker_that_does_not_answer_changes_nothing_that_was_said() -> None:
    condition = Condition("Established", "True", "Established", "it is", "2026-01-01T00:00:00Z")
    found = plan(scene(peer("t", conditions=(condition,)), speakers=(Observed(fresh=False),)))
    record = found.statuses[ResourceKey("BgpPeer", "t")]
    assert record.conditions["Established"].message == "it is"


SEVERAL = Condition("AddPathNegotiated", "True", "Negotiated", "several", "2026-01-01T00:00:00Z")
GONE = Observed(fresh=False, sessions_unknown=True, silent_s=6.0)


@pytest.mark.parametrize(
    ("speakers", "status", "reason"),
    [
        pytest.param([GONE], "Unknown", "SpeakerSilent", id="the only one"),
        pytest.param([Observed(fresh=False, silent_s=4.0)], "True", "Established", id="a moment"),
        pytest.param(
            [Observed(sessions={PeerName("t"): UP}, fresh=False, silent_s=4.0)],
            "True",
            "Established",
            id="a moment, and what it said last is at hand",
        ),
    ],
)
def test_a_speaker_that_is_silent_leaves_its_sessions_unknown(
    speakers: list[Observed], status: str, reason: str
) -> None:
    router = peer("t", conditions=(SAID, SEVERAL))
    found = plan(scene(router, speakers=tuple(speakers)))
    condition = found.statuses[ResourceKey("BgpPeer", "t")].conditions
    assert (condition["Established"].status, condition["Established"].reason) == (status, reason)
    assert condition["AddPathNegotiated"].status == "True"  # nothing churns when it is back


def test_a_silent_speaker_of_which_nothing_was_said_yet_is_unknown_too() -> None:
    found = plan(scene(peer("t"), speakers=(GONE,)))
    condition = found.statuses[ResourceKey("BgpPeer", "t")].conditions["Established"]
    assert (condition.status, condition.reason) == ("Unknown", "SpeakerSilent")


FLOOD = Condition("PrefixesReceived", "True", "TooManyPrefixes", "m", "2026-01-01T00:00:00Z")


@pytest.mark.parametrize(
    ("observed", "before", "warned"),
    [
        pytest.param(Observed(sessions={PeerName("t"): UP}), (), False, id="no flood"),
        pytest.param(
            Observed(sessions={PeerName("t"): replace(UP, floods=True)}), (), True, id="a flood"
        ),
        pytest.param(Observed(sessions={PeerName("t"): UP}), (FLOOD,), False, id="a filter, now"),
        pytest.param(Observed(sessions={PeerName("t"): DOWN}), (FLOOD,), True, id="kept: down"),
        pytest.param(GONE, (FLOOD,), True, id="kept: nobody knows"),
        pytest.param(GONE, (), False, id="nothing known"),
    ],
)
def test_a_router_that_floods_us_is_told_of(
    observed: Observed, before: tuple[Condition, ...], *, warned: bool
) -> None:
    found = plan(scene(peer("t", conditions=before), speakers=(observed,)))
    condition = found.statuses[ResourceKey("BgpPeer", "t")].conditions
    assert ("PrefixesReceived" in condition) is warned
    if warned:
        assert condition["PrefixesReceived"].status == "True"
        for word in ("export none", "prefix-list", "1,000"):
            assert word in condition["PrefixesReceived"].message
